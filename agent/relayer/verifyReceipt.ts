import type { LogIdentity } from "./logIdentity.ts";
import type { OperatorStatements } from "./operatorStatements.ts";
import type { Receipt } from "../../protocol/api/receipt.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { fromHex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import { entryIdOf } from "../../protocol/entry/leaf.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Checkpoint, parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { leafHash } from "../../protocol/log/hash.ts";
import { verifyInclusion } from "../../protocol/log/inclusion.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";

/** Opens the checkpoints of one log. The last one is remembered: the receipts of a batch share theirs. */
export class CheckpointReader {
  readonly #log: LogIdentity;
  readonly #statements: OperatorStatements;
  #note = "";
  #checkpoint: Checkpoint | undefined;

  constructor(log: LogIdentity, statements: OperatorStatements) {
    this.#log = log;
    this.#statements = statements;
  }

  /**
   * Whether the log's key and its operator, as far as they are known here, have a line in it at all.
   * @throws AffiantError ERR_INPUT_NOTE
   */
  knows(note: string): boolean {
    if (note === this.#note) return true;
    return verifyNote(note, [this.#log.verifier]).outcome !== "no-known-key" && this.#statements.knows(note);
  }

  /**
   * @throws AffiantError ERR_PROOF_RECEIPT unless the log's key signed it, and its operator; ERR_INPUT_NOTE,
   * ERR_UNAVAILABLE_CHAIN
   */
  async read(note: string): Promise<Checkpoint> {
    if (this.#checkpoint && note === this.#note) return this.#checkpoint;
    const { outcome, text } = verifyNote(note, [this.#log.verifier]);
    if (outcome !== "verified" || text === undefined)
      throw refused(`its checkpoint is not signed by the log (${outcome})`);
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin !== this.#log.origin) throw refused("its checkpoint is of another log");
    if (!(await this.#statements.verify(note))) throw refused("its checkpoint is not signed by the log's operator");
    this.#note = note;
    this.#checkpoint = checkpoint;
    return checkpoint;
  }
}

/**
 * Whether the relayer has really bound itself: its signed checkpoint holds this very leaf at this place. A receipt that
 * passes convicts the log's operator if the entry should be missing later, on chain too.
 * @throws AffiantError ERR_PROOF_RECEIPT, ERR_UNAVAILABLE_CHAIN
 */
export async function verifyReceipt(receipt: Receipt, leaf: string, reader: CheckpointReader): Promise<void> {
  const { entryId, index, size, proof } = receipt;
  if (entryId !== entryIdOf(leaf)) throw refused("it is for another entry");
  if (!Array.isArray(proof) || !proof.every((hash) => isHex(hash, 32))) throw refused("its proof is no list of hashes");
  const { size: signedSize, root } = await reader.read(receipt.checkpoint);
  if (size !== signedSize) throw refused("its size is not that of its checkpoint");
  const path = proof.map((hash) => fromHex(hash, 32));
  if (!verifyInclusion({ index, size, leafHash: leafHash(utf8(leaf)), proof: path, root })) {
    throw refused(`its proof does not lead to the root ${toHex(root)}`);
  }
}

function refused(why: string): AffiantError {
  return new AffiantError("ERR_PROOF_RECEIPT", `the relayer's receipt does not verify: ${why}`, {
    hint: "The entry is kept and not counted as logged. Keep the journal: it is evidence.",
  });
}
