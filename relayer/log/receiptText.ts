import { type LeafRange, type NodeSource, rangeHash, splitPoint } from "../../protocol/log/subtree.ts";

/**
 * JSON without a character beyond ASCII. A signed note has an em dash before each signature, and one such character
 * makes the engine keep and convert the whole answer at twice its size.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const resultStart = Buffer.from('{"status":201,"receipt":', "latin1");
const receiptStart = Buffer.from('{"entryId":"0x', "latin1");
const receiptEnd = Buffer.from('],"status":"sequenced"}', "latin1");
const resultEnd = Buffer.from("}", "latin1");

/** The receipt inside a result that {@link writeReceipts} or JSON made. */
export function receiptOf(result: Buffer): Buffer {
  return result.subarray(resultStart.length, result.length - resultEnd.length);
}

/** `"0x…",` around 32 bytes in hex. */
const proofItemBytes = 69;
/** A tree of 2^53 leaves. */
const maxProofBytes = 53 * proofItemBytes;

/** The entries of one commit: neighbours in the tree, under one checkpoint. */
export interface ReceiptRun {
  /** Index of the first one. */
  readonly start: number;
  readonly entryIds: readonly Uint8Array[];
  readonly size: number;
  readonly note: string;
  /** Complete subtrees of the tree of `size`. */
  readonly node: NodeSource;
}

/**
 * Writes the results (status 201 and receipt, see `BatchResult`) of one commit as they leave, side by side with commas
 * between them. Their proofs share nearly everything, so one walk over the tree makes all of them and each hash becomes
 * text where it is met: proofs one by one, and texts put together, were most of what the main thread did.
 * @returns one piece of the same block an entry
 */
export function writeReceipts(run: ReceiptRun): Buffer[] {
  const middle = Buffer.from(`,"size":${run.size},"checkpoint":${asciiJson(run.note)},"proof":[`, "latin1");
  return new ReceiptWriter(run, middle).write();
}

class ReceiptWriter {
  readonly #run: ReceiptRun;
  readonly #end: number;
  readonly #middle: Buffer;
  readonly #out: Buffer;
  #at = 0;
  /** The proof of the subtree that is being walked, at the end of this: a deeper one only adds in front. */
  readonly #proof = Buffer.allocUnsafe(maxProofBytes);
  readonly #results: Buffer[] = [];

  constructor(run: ReceiptRun, middle: Buffer) {
    this.#run = run;
    this.#end = run.start + run.entryIds.length;
    this.#middle = middle;
    const depth = Math.ceil(Math.log2(run.size)) + 1;
    const fixed = resultStart.length + receiptStart.length + receiptEnd.length + resultEnd.length;
    const each = fixed + 64 + '","index":9007199254740991,'.length + middle.length + depth * proofItemBytes;
    // In memory of its own: it leaves in one piece, and is let go in one piece.
    this.#out = Buffer.allocUnsafeSlow(run.entryIds.length * each);
  }

  write(): Buffer[] {
    if (this.#run.entryIds.length > 0) this.#walk({ start: 0, end: this.#run.size }, maxProofBytes);
    return this.#results;
  }

  /** PATH of RFC 9162 §2.1.3.1 for all leaves of the run within a range; `proofAt` is where the proof so far starts. */
  #walk({ start, end }: LeafRange, proofAt: number): void {
    if (end - start === 1) {
      this.#writeResult(start, proofAt);
      return;
    }
    const middle = start + splitPoint(end - start);
    const left = { start, end: middle };
    const right = { start: middle, end };
    if (this.#run.start < middle) this.#walk(left, this.#addSibling(right, proofAt));
    if (this.#end > middle) this.#walk(right, this.#addSibling(left, proofAt));
  }

  #addSibling(range: LeafRange, proofAt: number): number {
    const at = proofAt - proofItemBytes;
    const proof = this.#proof;
    proof[at] = 0x22; // "
    proof[at + 1] = 0x30; // 0
    proof[at + 2] = 0x78; // x
    writeHex(proof, rangeHash(range, this.#run.node), at + 3);
    proof[at + 67] = 0x22;
    proof[at + 68] = 0x2c; // ,
    return at;
  }

  #writeResult(index: number, proofAt: number): void {
    const out = this.#out;
    const nth = index - this.#run.start;
    if (nth > 0) out[this.#at++] = 0x2c;
    const start = this.#at;
    this.#put(resultStart);
    this.#put(receiptStart);
    writeHex(out, this.#run.entryIds[nth] as Uint8Array, this.#at);
    this.#at += 64;
    this.#at += out.write(`","index":${index}`, this.#at, "latin1");
    this.#put(this.#middle);
    // Without the comma after the last hash.
    if (proofAt < maxProofBytes) this.#at += this.#proof.copy(out, this.#at, proofAt, maxProofBytes - 1);
    this.#put(receiptEnd);
    this.#put(resultEnd);
    this.#results.push(out.subarray(start, this.#at));
  }

  #put(bytes: Buffer): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

const digits = Buffer.from("0123456789abcdef", "latin1");

function writeHex(out: Buffer, bytes: Uint8Array, at: number): void {
  for (const byte of bytes) {
    out[at++] = digits[byte >> 4] as number;
    out[at++] = digits[byte & 15] as number;
  }
}
