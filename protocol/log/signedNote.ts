import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { bytesEqual } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { hasControl, isKeyName, type NoteSigner, type NoteVerifier } from "./noteKey.ts";

/** A verifier must take 16 signatures (C2SP signed-note); more than this many are not read. */
export const maxNoteSignatures = 100;

export interface NoteSignature {
  readonly name: string;
  /** uint32: the first four bytes of the line's base64. */
  readonly keyId: number;
  /** What follows the key id, at least one byte. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its final newline. Not to be trusted before its signatures were verified. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** `bad-signature`: a line of a known key does not verify; `no-known-key`: no line is of a known key. */
export interface NoteVerdict {
  readonly outcome: "verified" | "bad-signature" | "no-known-key";
  /** The text, only if the note verified. */
  readonly text: string | undefined;
  /** Lines of known keys that verify. */
  readonly verified: readonly NoteSignature[];
  /** Lines of unknown keys, to be ignored. */
  readonly unknown: readonly NoteSignature[];
  /** Lines of known keys that do not verify. */
  readonly failed: readonly NoteSignature[];
}

/**
 * Reads a signed note (C2SP signed-note) without verifying it.
 * @throws AffiantError ERR_INPUT_NOTE
 */
export function parseNote(source: string): Note {
  if (!source.isWellFormed() || hasControl(source)) throw malformed("it holds characters that no note may hold");
  const split = source.lastIndexOf("\n\n");
  if (split < 0) throw malformed("no blank line parts text and signatures");
  const block = source.slice(split + 2);
  if (!block.endsWith("\n")) throw malformed("no signature line at the end");
  const lines = block.slice(0, -1).split("\n");
  if (lines.length > maxNoteSignatures) throw malformed(`more than ${maxNoteSignatures} signatures`);
  return { text: source.slice(0, split + 1), signatures: lines.map(parseLine) };
}

function parseLine(line: string): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(" ");
  if (dash !== "\u2014" || name === undefined || encoded === undefined || rest.length > 0 || !isKeyName(name)) {
    throw malformed("a signature line is em dash, key name and signature");
  }
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(encoded);
  } catch (cause) {
    throw malformed("a signature is not base64", cause);
  }
  if (bytes.length < 5) throw malformed("a signature has a key id of four bytes and at least one byte more");
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.slice(4) };
}

/**
 * Writes a note.
 * @param text with its final newline
 * @throws AffiantError ERR_INPUT_NOTE if the text or a signature cannot stand in a note
 */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  if (!text.endsWith("\n")) throw malformed("its text does not end in a newline");
  const lines = signatures.map(({ name, keyId, signature }) => {
    const bytes = new Uint8Array(4 + signature.length);
    new DataView(bytes.buffer).setUint32(0, keyId);
    bytes.set(signature, 4);
    return `\u2014 ${name} ${toBase64(bytes)}\n`;
  });
  const note = `${text}\n${lines.join("")}`;
  parseNote(note);
  return note;
}

/**
 * Signs a text, one line a signer, in the order of the signers.
 * @param text with its final newline
 * @throws AffiantError ERR_INPUT_NOTE if the text cannot stand in a note
 */
export function signNote(text: string, ...signers: readonly NoteSigner[]): string {
  return formatNote(
    text,
    signers.map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })),
  );
}

/**
 * Verifies a note. It is `verified` when at least one line is of a known key and every line of a known key verifies.
 * Repeated lines are listed once.
 * @throws AffiantError ERR_INPUT_NOTE if it is no note, or two verifiers share name and key id
 */
export function verifyNote(source: string, verifiers: readonly NoteVerifier[]): NoteVerdict {
  const { text, signatures } = parseNote(source);
  const verified: NoteSignature[] = [];
  const unknown: NoteSignature[] = [];
  const failed: NoteSignature[] = [];
  for (const line of withoutRepeats(signatures)) {
    const keys = verifiers.filter(({ name, keyId }) => name === line.name && keyId === line.keyId);
    if (keys.length > 1) throw new AffiantError("ERR_INPUT_NOTE", `two known keys are both called ${line.name}`);
    const key = keys[0];
    if (key === undefined) unknown.push(line);
    else (key.verify(text, line.signature) ? verified : failed).push(line);
  }
  const outcome = failed.length > 0 ? "bad-signature" : verified.length > 0 ? "verified" : "no-known-key";
  return { outcome, text: outcome === "verified" ? text : undefined, verified, unknown, failed };
}

function withoutRepeats(lines: readonly NoteSignature[]): NoteSignature[] {
  return lines.filter((line, i) => lines.findIndex((earlier) => sameLine(earlier, line)) === i);
}

function sameLine(a: NoteSignature, b: NoteSignature): boolean {
  return a.name === b.name && a.keyId === b.keyId && bytesEqual(a.signature, b.signature);
}

function malformed(why: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_NOTE", `not a signed note: ${why}`, { cause });
}
