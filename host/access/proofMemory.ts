import { SqliteClaims } from "../files/sqliteClaims.ts";

/** Remembers which proofs were used, until they are too old anyway. One store serves all instances of a resource server. */
export interface ProofMemory {
  /**
   * Claims one use. Atomic among all who share the store.
   * @param useId at most 64 characters
   * @param forgetAtSec Unix seconds from which the proof is refused as old
   * @returns false if it was claimed before
   */
  claim(useId: string, forgetAtSec: number, nowSec: number): boolean | Promise<boolean>;
}

/**
 * In a file that instances on one machine share. It is written ahead but not through to the disk with each use: a proof is good for a
 * minute, and a machine that lost its power is not back within it.
 */
export class SqliteProofMemory extends SqliteClaims implements ProofMemory {
  /** @param path of the file, made if it is not there; `:memory:` for a server of one instance */
  constructor(path: string) {
    super(path, "used_proof", false);
  }
}
