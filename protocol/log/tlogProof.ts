import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { type Checkpoint, parseCheckpoint, parseDecimal } from "./checkpoint.ts";
import { hashLength } from "./hash.ts";
import { verifyInclusion } from "./inclusion.ts";
import type { NoteVerifier } from "./noteKey.ts";
import { parseNote, verifyNote } from "./signedNote.ts";
import { assertSize } from "./subtree.ts";

const header = "c2sp.org/tlog-proof@v1";
/** A path in a tree of less than 2^63 leaves. */
const maxProofHashes = 63;

/** An offline-verifiable proof that a log holds an entry (C2SP tlog-proof). */
export interface TlogProof {
  readonly index: number;
  /** 32 bytes each, leaf side first. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint's signed note, verbatim. */
  readonly checkpoint: string;
  /** Opaque, authenticated by nothing. */
  readonly extra?: Uint8Array;
}

/** @throws AffiantError ERR_INPUT_TLOG_PROOF, ERR_INPUT_NOTE if the checkpoint is none, ERR_INPUT_MALFORMED */
export function formatTlogProof({ index, proof, checkpoint, extra }: TlogProof): string {
  assertSize(index, "index");
  if (proof.length > maxProofHashes || proof.some((hash) => hash.length !== hashLength)) throw malformed("its hashes");
  if (extra?.length === 0) throw malformed("its empty extra data, which is left out instead");
  parseCheckpoint(parseNote(checkpoint).text);
  const extraLine = extra === undefined ? "" : `extra ${toBase64(extra)}\n`;
  const hashLines = proof.map((hash) => `${toBase64(hash)}\n`).join("");
  return `${header}\n${extraLine}index ${index}\n${hashLines}\n${checkpoint}`;
}

/** @throws AffiantError ERR_INPUT_TLOG_PROOF, ERR_INPUT_NOTE if the checkpoint is none */
export function parseTlogProof(text: string): TlogProof {
  const blank = text.indexOf("\n\n");
  if (blank < 0) throw malformed("no blank line before the checkpoint");
  const [first, ...lines] = text.slice(0, blank).split("\n");
  if (first !== header) throw malformed("its first line");
  const extra = lines[0]?.startsWith("extra ") ? decode(lines.shift()?.slice("extra ".length) ?? "") : undefined;
  if (extra?.length === 0) throw malformed("its empty extra data");
  const indexLine = lines.shift();
  const index = indexLine?.startsWith("index ") ? parseDecimal(indexLine.slice("index ".length)) : undefined;
  if (index === undefined) throw malformed("its index line");
  const proof = lines.map(decode);
  if (proof.length > maxProofHashes || proof.some((hash) => hash.length !== hashLength)) throw malformed("its hashes");
  const checkpoint = text.slice(blank + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return extra === undefined ? { index, proof, checkpoint } : { index, proof, checkpoint, extra };
}

export type TlogProofVerdict =
  | { readonly outcome: "included"; readonly checkpoint: Checkpoint }
  | { readonly outcome: "bad-signature" | "no-known-key" | "wrong-origin" | "not-included" };

/**
 * Verifies a proof for a leaf: the checkpoint is of the log `origin`, signed by a key of `logKeys`, and the leaf is in it.
 * Cosignatures of witnesses are the caller's policy.
 * @param hash the leaf hash, 32 bytes
 * @throws AffiantError ERR_INPUT_TLOG_PROOF, ERR_INPUT_NOTE
 */
export function verifyTlogProof(
  text: string,
  hash: Uint8Array,
  origin: string,
  logKeys: readonly NoteVerifier[],
): TlogProofVerdict {
  const { index, proof, checkpoint: note } = parseTlogProof(text);
  const verdict = verifyNote(note, logKeys);
  if (verdict.text === undefined) return { outcome: verdict.outcome === "verified" ? "no-known-key" : verdict.outcome };
  const checkpoint = parseCheckpoint(verdict.text);
  if (checkpoint.origin !== origin) return { outcome: "wrong-origin" };
  const { size, root } = checkpoint;
  const included = verifyInclusion({ index, size, leafHash: hash, proof, root });
  return included ? { outcome: "included", checkpoint } : { outcome: "not-included" };
}

function decode(line: string): Uint8Array {
  try {
    return fromBase64(line);
  } catch (cause) {
    throw malformed("a line that is not base64", cause);
  }
}

function malformed(what: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_TLOG_PROOF", `not a transparency log proof: ${what}`, { cause });
}
