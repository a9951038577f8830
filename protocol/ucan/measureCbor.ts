/** What some kinds of items cost beside the step that each is: links are decoded and spelt anew, keys of maps sorted. */
const linkSteps = 11;
const mapSteps = 1;
const pairSteps = 3;
const wideNumberSteps = 2;
const tag = 6;

/** What decoding costs, told from the heads of the items alone. */
export interface CborMeasure {
  /** Number of data items (RFC 8949 §1.2), links and maps counted for more. */
  readonly steps: number;
  /** Most lists and maps within each other. */
  readonly depth: number;
}

/**
 * Counts the items of a CBOR encoding without decoding it: one pass, nothing is built. Decoding takes a thousand times the
 * time for a token of nothing but brackets, and more than linear time for deep ones, so this comes first.
 *
 * What is no CBOR of definite lengths is counted as far as it can be read; the decoder will refuse it.
 */
export function measureCbor(bytes: Uint8Array): CborMeasure {
  /** How many items are still to come in each list or map that is open; a tag is one item around another. */
  const open: { left: number; readonly nests: boolean }[] = [];
  let [at, steps, depth, deepest] = [0, 0, 0, 0];
  while (at < bytes.length) {
    const head = bytes[at] as number;
    const major = head >> 5;
    const width = widthOf(head & 31);
    const argument = width === 0 ? head & 31 : readArgument(bytes, at + 1, width);
    at += 1 + width;
    steps += 1 + moreSteps(major, argument, width);
    for (let last = open.at(-1); last; last = open.at(-1)) {
      if (last.left > 0) {
        last.left -= 1;
        break;
      }
      open.pop();
      if (last.nests) depth -= 1;
    }
    if (major === 2 || major === 3) at += argument;
    if (major === 4 || major === 5) {
      deepest = Math.max(deepest, depth + 1);
      if (argument === 0) continue;
      open.push({ left: argument * (major - 3), nests: true });
      depth += 1;
    }
    if (major === tag) open.push({ left: 1, nests: false });
  }
  return { steps, depth: deepest };
}

function moreSteps(major: number, argument: number, width: number): number {
  if (major === tag) return linkSteps;
  if (major === 5) return mapSteps + pairSteps * argument;
  return width === 8 && (major < 2 || major === 7) ? wideNumberSteps : 0;
}

function widthOf(info: number): number {
  return info < 24 || info > 27 ? 0 : 1 << (info - 24);
}

function readArgument(bytes: Uint8Array, from: number, width: number): number {
  let value = 0;
  for (let i = from; i < from + width; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
