import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { hashLength } from "./hash.ts";
import { hasControl } from "./noteKey.ts";
import { assertSize, isSize } from "./subtree.ts";

/** The text of a C2SP tlog-checkpoint. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/**
 * The note text of a checkpoint: three lines, without extension lines.
 * @throws AffiantError ERR_INPUT_NOTE for a bad origin or root, ERR_INPUT_MALFORMED for a bad size
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  assertSize(size, "size");
  if (!isOriginLine(origin)) throw malformed("its origin is not one non-empty line");
  if (root.length !== hashLength) throw malformed("its root has not 32 bytes");
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads the note text of a checkpoint (what `verifyNote` gives). Every value has one spelling: sizes without leading
 * zeros, canonical base64. Extension lines are not accepted: no monitor could audit them.
 * @throws AffiantError ERR_INPUT_NOTE
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin, sizeText, rootText, end] = lines;
  if (origin === undefined || sizeText === undefined || rootText === undefined || end !== "" || lines.length !== 4) {
    throw malformed("it has not exactly three lines");
  }
  if (!isOriginLine(origin)) throw malformed("its origin is not one non-empty line");
  const size = parseDecimal(sizeText);
  if (size === undefined) throw malformed("its size is not a decimal number below 2^53 without leading zeros");
  let root: Uint8Array;
  try {
    root = fromBase64(rootText);
  } catch (cause) {
    throw malformed("its root is not base64", cause);
  }
  if (root.length !== hashLength) throw malformed("its root has not 32 bytes");
  return { origin, size, root };
}

/** ASCII decimal without leading zeros, or undefined. The one reader of numbers in the log's text formats. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return isSize(value) ? value : undefined;
}

function isOriginLine(origin: string): boolean {
  return origin !== "" && origin.isWellFormed() && !origin.includes("\n") && !hasControl(origin);
}

function malformed(why: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_NOTE", `not a checkpoint: ${why}`, { cause });
}
