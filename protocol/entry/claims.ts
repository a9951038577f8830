import type { EthrDid } from "../did/ethr.ts";
import type { Hex } from "../encoding/hex.ts";

/** What an entry records: an act, a refusal to act, a sign of life, or a change of the agent's keys. */
export const entryKinds = ["act", "refusal", "heartbeat", "key-event"] as const;
export type EntryKind = (typeof entryKinds)[number];

/** A block that existed when the entry was signed: the act happened not before it. */
export interface NotBeforeBlock {
  readonly blockHash: Hex;
  readonly blockNumber: number;
  readonly chainId: number;
}

/** The signed claims of an entry. Inputs and outputs are not here: `_sd` holds their salted digests (RFC 9901 §4.2.4). */
export interface EntryClaims {
  /** SHA-256 digests of the disclosures, base64url, sorted. May be empty. */
  readonly _sd: readonly string[];
  readonly _sd_alg: "sha-256";
  /** What was done, e.g. `payment.charge` or a tool's name; 1 to 128 of `A-Z a-z 0-9 _ . : / -`. */
  readonly act: string;
  /** CID of the scoped contract under which it was done. */
  readonly ctr?: string;
  /**
   * Only in a heartbeat: the agent's next entry will name a block at most so many later, and so on from entry to entry;
   * 0 ends the promise. So whoever audits can tell silence from nothing to say.
   */
  readonly everyBlocks?: number;
  /** The agent's clock, Unix seconds. It informs people; order comes from blocks. */
  readonly iat: number;
  readonly iss: EthrDid;
  readonly kind: EntryKind;
  readonly nb: NotBeforeBlock;
  /** Hash of the policy the agent says it followed, 32 bytes. */
  readonly policy: Hex;
  /** `entryId` of the agent's entry before this one; null for seq 0 and only there. */
  readonly prev: Hex | null;
  /** Contiguous from 0, per agent. */
  readonly seq: number;
  /** Groups entries of one conversation or task, so that a policy can look at what came before; same characters as `act`. */
  readonly thread?: string;
}
