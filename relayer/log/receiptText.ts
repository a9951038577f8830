import { type Receipt } from "../../protocol/api/receipt.ts";
import { toHex } from "../../protocol/encoding/hex.ts";

/** A receipt as it leaves: JSON text of a {@link Receipt}, in ASCII. */
export type ReceiptText = string;

export function receiptText(receipt: Receipt): ReceiptText {
  return asciiJson(receipt);
}

/**
 * JSON without a character beyond ASCII. A signed note has an em dash before each signature, and one such character
 * makes the engine keep and convert the whole answer at twice its size.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * Writes the receipts of one commit. They share the checkpoint and most of their proofs, so each hash and the note become
 * text once a commit, not once an entry: at full load this is what the main thread would otherwise do most.
 */
export class ReceiptWriter {
  readonly #size: number;
  readonly #note: string;
  readonly #hex = new Map<Uint8Array, string>();

  constructor(size: number, note: string) {
    this.#size = size;
    this.#note = asciiJson(note);
  }

  write(entryId: Uint8Array, index: number, proof: readonly Uint8Array[]): ReceiptText {
    let hashes = "";
    for (const hash of proof) {
      let hex = this.#hex.get(hash);
      if (hex === undefined) this.#hex.set(hash, (hex = `"${toHex(hash)}"`));
      hashes += hashes === "" ? hex : `,${hex}`;
    }
    return (
      `{"entryId":"${toHex(entryId)}","index":${index},"size":${this.#size},` +
      `"checkpoint":${this.#note},"proof":[${hashes}],"status":"sequenced"}`
    );
  }
}
