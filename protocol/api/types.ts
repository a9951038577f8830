import type { Hex } from "../encoding/hex.ts";
import type { Problem } from "../errors/problem.ts";
import type { Receipt } from "./receipt.ts";

/** `POST /v1/entries`, and an element of `POST /v1/entries:batch`. */
export interface EntrySubmission {
  /** Compact JWS. */
  readonly leaf: string;
  /** SD-JWT disclosure texts that the relayer may keep and hand out. */
  readonly disclosures?: readonly string[];
}

export const maxBatchEntries = 256;

/** Bytes of a batch that every relayer takes as it is set up by default, with room for what is around the entries. */
export const maxBatchBytes = 1_000_000;

/** An element of the answer to `POST /v1/entries:batch`, in the order of the submissions. 201: new; 200: it was there. */
export type BatchResult =
  | { readonly status: number; readonly receipt: Receipt; readonly problem?: undefined }
  | { readonly status: number; readonly problem: Problem; readonly receipt?: undefined };

/** `GET /v1/agents/{did}/head`. */
export interface AgentHead {
  /** Null when the log holds nothing of the agent. */
  readonly seq: number | null;
  readonly entryId: Hex | null;
  readonly count: number;
  /** Of the tree that this is about: the newest one, or the one that was asked for. */
  readonly size: number;
  /** Signed note of the log that says all this: `protocol/log/agentHead.ts`. */
  readonly statement: string;
}

/** `GET /v1/agents/{did}/entries`. */
export interface AgentEntries {
  readonly entries: readonly {
    readonly seq: number;
    /** Position in the log. */
    readonly index: number;
    readonly entryId: Hex;
    readonly leaf: string;
  }[];
  readonly count: number;
  /** Signed note of the log over `count` in its newest tree: fewer entries than that are not all. */
  readonly statement: string;
}

/** `GET /v1/log`. */
export interface LogInfo {
  readonly origin: string;
  readonly logId: Hex;
  readonly size: number;
  /** C2SP verifier key of the log's notes. */
  readonly vkey: string;
  /** Address of LogAnchor. */
  readonly contract: string;
  readonly chainId: number;
}

/** `POST /v1/requests`. */
export interface SponsoredCall {
  /** Address of a registry. */
  readonly target: string;
  /** Calldata of one of its `…Signed` functions. */
  readonly data: Hex;
}

export type RequestState = "accepted" | "simulated" | "signed" | "broadcast" | "mined" | "final" | "failed";

/** `GET /v1/requests/{id}`. */
export interface RequestStatus {
  readonly id: string;
  readonly state: RequestState;
  readonly txHash?: Hex;
  readonly blockNumber?: number;
  readonly gasUsed?: number;
  readonly error?: Problem;
}
