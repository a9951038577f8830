import { LRUCache } from "lru-cache";

import { fromBase64url, toBase64url } from "../encoding/base64url.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { decodeDelegation, type Delegation } from "./delegation.ts";
import { decodeInvocation, type Invocation } from "./invocation.ts";
import { measureCbor } from "./measureCbor.ts";
import { StepBudget } from "./stepBudget.ts";

/** A call as it travels: the invocation and the contracts it names, tokens as base64url. */
export type CallMessage = {
  readonly invocation: string;
  /** From the subject's own contract to the one made out to the caller. */
  readonly contracts: readonly string[];
};

export interface Call {
  readonly invocation: Invocation;
  /** By CID. */
  readonly delegations: ReadonlyMap<string, Delegation>;
}

/** More contracts than any chain may have links; a bound before anything is decoded. */
const maxContracts = 32;

/**
 * Contracts by their text. The same few come with every call of an agent; what they say is read once. Their signatures,
 * times and scope are judged each time. Bounded by the length of what is kept: anyone can present contracts.
 */
const decoded = new LRUCache<string, Delegation>({ maxSize: 4 << 20, sizeCalculation: (_, text) => text.length });

function contractOf(text: string, budget: StepBudget): Delegation {
  const known = decoded.get(text);
  const bytes = known?.envelope.bytes ?? fromBase64url(text);
  // One that was read before counts as if it were not: what a call may cost does not depend on who called earlier.
  budget.spend(known?.envelope.steps ?? measureCbor(bytes).steps);
  if (known) return known;
  const contract = decodeDelegation(bytes);
  decoded.set(text, contract);
  return contract;
}

export function formatCall(invocation: Invocation, chain: readonly Delegation[]): CallMessage {
  return {
    invocation: toBase64url(invocation.envelope.bytes),
    contracts: chain.map((link) => toBase64url(link.envelope.bytes)),
  };
}

/**
 * @param value parsed JSON of unknown form
 * @throws AffiantError ERR_AUTH_CONTRACT_MISSING if there is no invocation at all, ERR_INPUT_UCAN, ERR_INPUT_ENCODING,
 * ERR_LIMIT_CALL_WORK for tokens that hold more than a call may
 */
export function parseCall(value: unknown): Call {
  const { invocation, contracts, ...rest } = (typeof value === "object" && value !== null ? value : {}) as {
    invocation?: unknown;
    contracts?: unknown;
  };
  if (invocation === undefined) throw new AffiantError("ERR_AUTH_CONTRACT_MISSING", "the call carries no invocation");
  if (typeof invocation !== "string" || !Array.isArray(contracts) || Object.keys(rest).length > 0) {
    throw new AffiantError("ERR_INPUT_UCAN", "a call is an invocation and a list of contracts, as base64url");
  }
  if (contracts.length > maxContracts) throw new AffiantError("ERR_INPUT_UCAN", `more than ${maxContracts} contracts`);
  const budget = new StepBudget();
  const bytes = fromBase64url(invocation);
  budget.spend(measureCbor(bytes).steps);
  const delegations = contracts.map((text: unknown) => {
    if (typeof text !== "string") throw new AffiantError("ERR_INPUT_UCAN", "a contract is base64url text");
    return contractOf(text, budget);
  });
  return {
    invocation: decodeInvocation(bytes),
    delegations: new Map(delegations.map((link) => [link.envelope.cid, link])),
  };
}

/** The name under which a call is entered in the log: `/payment/charge` is the act `payment.charge`. */
export function actOfCommand(command: string): string {
  return command === "/" ? "any" : command.slice(1).replaceAll("/", ".");
}
