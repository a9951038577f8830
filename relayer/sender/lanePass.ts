import type { Block, HeadTracker } from "../chain/head.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { LaneJournal } from "../journal/laneJournal.ts";
import type { FeeCaps } from "./fees.ts";
import type { TransactionSigner } from "./signer.ts";
import type { Simulator } from "./simulator.ts";

export interface SenderOptions {
  readonly chainId: number;
  /** Blocks on top of (and with) a transaction's block until it is final. */
  readonly confirmations: number;
  /** Blocks without being mined after which the fee is raised. */
  readonly bumpAfterBlocks: number;
  readonly feeCaps: FeeCaps;
  /** Transactions of a lane that may be in flight at once. */
  readonly maxInFlight: number;
}

/** What every lane works with. */
export interface LaneTools {
  readonly rpc: Rpc;
  readonly heads: HeadTracker;
  readonly simulator: Simulator;
  readonly options: SenderOptions;
  /** A job has another state now. */
  readonly tell: (jobId: string) => void;
}

/** One pass over a lane's jobs: who writes, under which lead, and how the chain stood when it began. */
export interface LanePass extends LaneTools {
  readonly journal: LaneJournal;
  readonly signer: TransactionSigner;
  readonly head: Block;
  /** Transactions of the lane's account that the chain has: its next nonce there. */
  readonly onChain: number;
  /** Asks for another pass after this one. */
  readonly goOn: () => void;
}
