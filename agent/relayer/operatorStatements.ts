import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import {
  checkpointDigest,
  type OperatorKey,
  operatorNoteVerifier,
  signedCheckpointOf,
} from "../../protocol/log/operatorNote.ts";
import { parseNote } from "../../protocol/log/signedNote.ts";

/** Asks an account that is a contract whether it signed (ERC-1271). An account without code never says yes. */
export type AskContract = (account: string, digest: Hex, signature: Hex) => Promise<boolean>;

/** An account that operates or operated the log. */
export interface StatingKey extends OperatorKey {
  /** Largest tree about which the contract takes its statements, of a former operator; absent: any. */
  readonly statesUpTo?: number;
}

/**
 * The second line of a log's checkpoints (docs/adr/0004): by it alone the contract can convict an operator that shows
 * another history, so a receipt without it binds nobody.
 */
export class OperatorStatements {
  readonly #origin: string;
  readonly #keys: readonly StatingKey[];
  readonly #askContract: AskContract;

  /** @param keys of the accounts that operate or operated the log: rotating the key undoes no receipt */
  constructor(origin: string, keys: readonly StatingKey[], askContract: AskContract) {
    this.#origin = origin;
    this.#keys = keys;
    this.#askContract = askContract;
  }

  /** Whether a note bears the line of a known operator, good or not. @throws AffiantError ERR_INPUT_NOTE */
  knows(note: string): boolean {
    return this.#keys.some((key) => signedCheckpointOf(note, this.#origin, key) !== undefined);
  }

  /** Whether the contract would take it from a known operator. @throws AffiantError ERR_INPUT_NOTE, ERR_UNAVAILABLE_CHAIN */
  async verify(note: string): Promise<boolean> {
    const { text } = parseNote(note);
    for (const key of this.#keys) {
      const statement = signedCheckpointOf(note, this.#origin, key);
      if (statement && key.statesUpTo !== undefined && parseCheckpoint(text).size > key.statesUpTo) continue;
      if (statement && (await this.#isSigned(text, key, statement.signature))) return true;
    }
    return false;
  }

  async #isSigned(text: string, key: OperatorKey, signature: Hex): Promise<boolean> {
    if (operatorNoteVerifier(this.#origin, key).verify(text, fromHex(signature))) return true;
    return this.#askContract(key.operator, checkpointDigest(key, parseCheckpoint(text)), signature);
  }
}
