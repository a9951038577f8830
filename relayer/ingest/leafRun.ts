import { type EntrySubmission, maxBatchEntries } from "../../protocol/api/types.ts";

/** Submitted leaves as they came: bytes of a request, and where in it each leaf stands. */
export interface LeafRun {
  readonly bytes: Uint8Array;
  /** Where leaf i starts and ends: 2i and 2i + 1. */
  readonly bounds: readonly number[];
  /** Disclosure texts an entry; undefined if none came with any. */
  readonly disclosures?: readonly (readonly string[])[];
}

const batchStart = '{"entries":[';
const entryStart = '{"leaf":"';
/** A submission without white space, escapes and disclosures: what nearly every client sends. `\w` is ASCII. */
const plainEntry = /\{"leaf":"[\w.-]+"\}/y;

/**
 * Finds the leaves of a batch in the bytes of its body without parsing it: parsing makes two copies of all that a relayer
 * takes in.
 * @returns undefined for every other body, well-formed or not: then the parser decides
 */
export function readPlainBatch(body: Buffer): LeafRun | undefined {
  const text = body.toString("latin1");
  if (!text.startsWith(batchStart)) return undefined;
  const bounds: number[] = [];
  let at = batchStart.length;
  for (;;) {
    plainEntry.lastIndex = at;
    if (!plainEntry.test(text)) return undefined;
    const end = plainEntry.lastIndex;
    bounds.push(at + entryStart.length, end - 2);
    at = end + 1;
    if (text.charCodeAt(end) !== 0x2c) break; // no comma: the last one
  }
  const isWhole = text.length === at + 1 && text.endsWith("]}");
  return isWhole && bounds.length <= 2 * maxBatchEntries ? { bytes: body, bounds } : undefined;
}

/** Likewise for the body of a single submission. */
export function readPlainEntry(body: Buffer): LeafRun | undefined {
  const text = body.toString("latin1");
  plainEntry.lastIndex = 0;
  if (!plainEntry.test(text) || plainEntry.lastIndex !== text.length) return undefined;
  return { bytes: body, bounds: [entryStart.length, text.length - 2] };
}

export function toLeafRun(submissions: readonly EntrySubmission[]): LeafRun {
  const leaves = submissions.map(({ leaf }) => Buffer.from(leaf, "utf8"));
  const bounds: number[] = [];
  let at = 0;
  for (const { length } of leaves) {
    bounds.push(at, at + length);
    at += length;
  }
  const bytes = Buffer.concat(leaves);
  const hasDisclosures = submissions.some(({ disclosures }) => (disclosures?.length ?? 0) > 0);
  return hasDisclosures
    ? { bytes, bounds, disclosures: submissions.map(({ disclosures }) => disclosures ?? []) }
    : { bytes, bounds };
}

/** Entries `start <= i < end` of a run, in bytes of their own: what goes to another thread takes nothing along. */
export function sliceRun({ bytes, bounds, disclosures }: LeafRun, start: number, end: number): LeafRun {
  const from = bounds[2 * start] as number;
  const slice = {
    bytes: Uint8Array.from(bytes.subarray(from, bounds[2 * end - 1])),
    bounds: bounds.slice(2 * start, 2 * end).map((bound) => bound - from),
  };
  return disclosures ? { ...slice, disclosures: disclosures.slice(start, end) } : slice;
}

/** The entries of several runs as one run in bytes of its own. */
export function joinRuns(runs: readonly LeafRun[]): LeafRun {
  const bytes = new Uint8Array(runs.reduce((sum, run) => sum + run.bytes.length, 0));
  const bounds: number[] = [];
  let at = 0;
  for (const run of runs) {
    bytes.set(run.bytes, at);
    for (const bound of run.bounds) bounds.push(at + bound);
    at += run.bytes.length;
  }
  const hasDisclosures = runs.some(({ disclosures }) => disclosures !== undefined);
  if (!hasDisclosures) return { bytes, bounds };
  const none = ({ bounds: own }: LeafRun) => Array.from({ length: own.length / 2 }, (): string[] => []);
  return { bytes, bounds, disclosures: runs.flatMap((run) => run.disclosures ?? none(run)) };
}
