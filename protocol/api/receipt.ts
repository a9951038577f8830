import type { Hex } from "../encoding/hex.ts";

/** How far an entry has come: in the log; under an anchor that is mined; under an anchor that is deep enough to stay. */
export type ReceiptStatus = "sequenced" | "anchored" | "final";

/** One anchor of the log on the chain. */
export interface AnchorInfo {
  /**
   * Of the contract's record, from 0, as in `LogAnchor.anchorAt`; null while there is none (`LogAnchor.advance`): then the
   * event `Anchored` in the block proves it.
   */
  readonly index: number | null;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Hex;
  readonly blockNumber: number;
  /** 32 bytes. */
  readonly txHash: Hex;
}

/**
 * The relayer's word that an entry is in its log: checkable, since the checkpoint is signed and the proof leads to its
 * root. If the log later lacks the entry, the receipt convicts the operator.
 */
export interface Receipt {
  readonly entryId: Hex;
  /** Position in the log, from 0. */
  readonly index: number;
  /** Size of the tree that checkpoint and proof speak of. */
  readonly size: number;
  /** Signed note. */
  readonly checkpoint: string;
  /** RFC 9162 inclusion proof, leaf side first, 32 bytes each. */
  readonly proof: readonly Hex[];
  readonly status: ReceiptStatus;
  /** The first anchor that covers the entry. Absent while there is none. */
  readonly anchor?: AnchorInfo;
}
