import type { KeyDid } from "../did/key.ts";
import type { Hex } from "../encoding/hex.ts";
import type { InvocationTerms } from "../ucan/invocation.ts";
import type { Ipld } from "../ucan/ipld.ts";

/** What may be asked of the disclosures that an agent left with a relayer; commands of UCAN invocations. */
export const disclosureCommands = { read: "/disclosure/read", erase: "/disclosure/erase" } as const;
export type DisclosureCommand = keyof typeof disclosureCommands;

/** `POST /v1/entries/{entryId}/disclosures:read`. */
export interface DisclosuresAnswer {
  readonly disclosures: readonly string[];
}

/** `POST /v1/entries/{entryId}/disclosures:erase`. */
export interface ErasureAnswer {
  /** False if nothing was kept: it was erased before, or never left here. */
  readonly erased: boolean;
}

/** The invocation that a relayer wants to see: about one entry in one log. */
export function disclosureCall(
  command: DisclosureCommand,
  of: { readonly subject: KeyDid; readonly logId: Hex; readonly entryId: Hex },
): Pick<InvocationTerms, "subject" | "command" | "args"> {
  return {
    subject: of.subject,
    command: disclosureCommands[command],
    args: { entryId: of.entryId, logId: of.logId },
  };
}

/** Policy of a grant that is about some entries only (UCAN policy language): any of the ids. */
export function onlyEntries(entryIds: readonly Hex[]): Ipld[] {
  return [["or", entryIds.map((id) => ["==", ".entryId", id])]];
}
