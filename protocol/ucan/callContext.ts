import { AffiantError } from "../errors/affiantError.ts";
import type { GroupKeyUse } from "../escrow/groupKeyUse.ts";
import type { Json } from "../json/canonical.ts";
import { type Call, type CallMessage, parseCall } from "./callMessage.ts";

/** Which end of a call writes the entry. */
export type CallRole = "caller" | "callee";

/** What both sides of a call disclose as `context` of their entries: the call itself, so that anyone can judge it again. */
export type CallContext = {
  readonly role: CallRole;
  readonly call: CallMessage;
  /** The group's key under which it came, if it came sealed. */
  readonly groupKey?: { readonly [Name in keyof GroupKeyUse]: GroupKeyUse[Name] };
};

export interface ReadCallContext {
  readonly role: CallRole;
  readonly call: Call;
}

/** Whether an entry's context speaks of a call at all. */
export function isCallContext(context: Json | undefined): boolean {
  return typeof context === "object" && context !== null && !Array.isArray(context) && "call" in context;
}

/** @throws AffiantError ERR_INPUT_UCAN, ERR_INPUT_ENCODING, ERR_AUTH_CONTRACT_MISSING for a context that cannot be read */
export function readCallContext(context: Json | undefined): ReadCallContext {
  const { role, call } = (context ?? {}) as { role?: unknown; call?: unknown };
  if (role !== "caller" && role !== "callee") {
    throw new AffiantError("ERR_INPUT_UCAN", "the context of a call says which side wrote it: caller or callee");
  }
  return { role, call: parseCall(call) };
}
