import { sha256 } from "@noble/hashes/sha2.js";

import { toHex } from "../encoding/hex.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";
import { sortRank, type EvidenceLine } from "./lines.ts";
import { salvageLine } from "./salvageLine.ts";
import { type Evidence, lostHeader } from "./types.ts";

/** A line of the file that is not as it was sealed, or stands where none was. */
export interface LineOff {
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

/** What can still be read of a file that is not whole. */
export interface SalvagedEvidence {
  /** Its `header` is {@link lostHeader}, and its checkpoint an empty note, where these cannot be read. */
  readonly evidence: Evidence;
  /** In the order of the file; lines whose form shows by itself that they are off. */
  readonly off: readonly LineOff[];
  /** Lines that are not where the order of the format wants them. A line of which a key was changed is among them too. */
  readonly misplaced: readonly number[];
  /**
   * What the seal says of the content: `untouched` when it is over these very bytes, `restored` when it is over the lines
   * once what is off is put right, so that nothing else was changed; `broken` when it is over neither; `absent`.
   */
  readonly seal: "untouched" | "restored" | "broken" | "absent";
  /** Line of the end line; undefined when there is none. */
  readonly endLine: number | undefined;
  /** Entries that the end line counts and that are not here; undefined when there is none. */
  readonly missingEntries: number | undefined;
  /** Lines of the file. */
  readonly lineCount: number;
}

interface Line {
  readonly number: number;
  readonly value: EvidenceLine;
  readonly bytes: Uint8Array;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = [0xef, 0xbb, 0xbf];

/**
 * Reads what is left of a file that {@link readEvidence} refuses. What it finds is altered in any case; it is for saying
 * what of it can still be checked, and which line is off.
 * @returns undefined for a file that is no evidence at all
 */
export function salvageEvidence(bytes: Uint8Array): SalvagedEvidence | undefined {
  const { rows, off, unended } = rowsOf(bytes);
  const lines: Line[] = [];
  let end: (Line & { readonly value: Extract<EvidenceLine, { type: "end" }> }) | undefined;
  for (const [index, raw] of rows.entries()) {
    const number = index + 1;
    const { value, why, bytes: whole } = salvageLine(raw);
    if (end !== undefined) {
      off.push({ line: number, why: "it stands after the end line" });
      continue;
    }
    const cut = unended && number === rows.length;
    if (why !== undefined || cut) off.push({ line: number, why: cut ? "the file stops within it" : (why as string) });
    if (value?.type === "end") end = { number, value, bytes: whole };
    else if (value !== undefined) lines.push({ number, value, bytes: whole });
  }
  if (lines.length === 0) return undefined;

  const kept = withoutDoubles(lines, off);
  const sorted = kept.toSorted((a, b) => compare(a.value, b.value) || a.number - b.number);
  // A last line that is no line may have been it.
  if (end === undefined && !off.some(({ line }) => line === rows.length))
    off.push({ line: rows.length + 1, why: "the end line is missing: the file stops before it" });
  const seal = sealOf(bytes, rows, sorted, end);
  const entries = sorted.filter(({ value }) => value.type === "entry").length;
  if (seal === "untouched" && end && end.value.count !== entries) {
    off.push({ line: end.number, why: `it counts ${end.value.count} entries, and seals ${entries}` });
  }
  return {
    evidence: evidenceOf(sorted, off),
    off: off.toSorted((a, b) => a.line - b.line),
    misplaced: outOfPlace(kept, sorted),
    seal,
    endLine: end?.number,
    missingEntries: end && end.value.count - entries,
    lineCount: rows.length,
  };
}

/** The lines without their ends. What a copy does to all lines alike is said once. */
function rowsOf(bytes: Uint8Array): { rows: Uint8Array[]; off: LineOff[]; unended: boolean } {
  const off: LineOff[] = [];
  const hasMark = byteOrderMark.every((byte, index) => bytes[index] === byte);
  if (hasMark) off.push({ line: 1, why: "a byte order mark stands before it" });
  const rows: Uint8Array[] = [];
  let start = hasMark ? byteOrderMark.length : 0;
  for (let at = bytes.indexOf(newline, start); at !== -1; at = bytes.indexOf(newline, start)) {
    rows.push(bytes.subarray(start, at));
    start = at + 1;
  }
  const unended = start < bytes.length;
  if (unended) rows.push(bytes.subarray(start));
  const returned = rows.flatMap((row, index) => (row.at(-1) === carriageReturn ? [index] : []));
  for (const index of returned) rows[index] = (rows[index] as Uint8Array).subarray(0, -1);
  if (returned.length > 1 && returned.length >= rows.length - 1) {
    off.push({ line: 1, why: "line ends were converted: this line and every other one ends in CR LF" });
  } else {
    for (const index of returned) off.push({ line: index + 1, why: "it ends in CR LF" });
  }
  return { rows, off, unended };
}

/** One line twice is one too many, whichever; two headers or checkpoints are too. */
function withoutDoubles(lines: readonly Line[], off: LineOff[]): Line[] {
  const seen = new Map<string, number>();
  return lines.filter(({ number, value, bytes }) => {
    const single = value.type === "header" || value.type === "checkpoint";
    const key = single ? value.type : `${value.type} ${toHex(sha256(bytes))}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, number);
      return true;
    }
    off.push({ line: number, why: `${single ? `a second ${value.type}, beside` : "the same as"} line ${first}` });
    return false;
  });
}

function compare(a: EvidenceLine, b: EvidenceLine): number {
  const rank = sortRank[a.type] - sortRank[b.type];
  if (rank !== 0) return rank;
  if (a.type === "entry" && b.type === "entry") return a.index - b.index;
  const [left, right] = [nameOf(a), nameOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function nameOf(line: EvidenceLine): string {
  if (line.type === "head") return line.agent;
  return line.type === "policy" ? policyKeyOf(line.bundle) : "";
}

function policyKeyOf(bundle: unknown): string {
  const known = policyKeys.get(bundle as object);
  if (known !== undefined) return known;
  const key = toHex(sha256(canonicalJsonBytes(bundle)));
  policyKeys.set(bundle as object, key);
  return key;
}

const policyKeys = new WeakMap<object, string>();

/**
 * The fewest lines that explain the order: two that were swapped are the only ones not where they belong; of a line that
 * was moved, all others still rise.
 */
function outOfPlace(found: readonly Line[], sorted: readonly Line[]): readonly number[] {
  const swapped = found.filter((line, index) => line !== sorted[index]).map(({ number }) => number);
  if (swapped.length <= 2) return swapped;
  const place = new Map(sorted.map((line, index) => [line, index]));
  const places = found.map((line) => place.get(line) ?? 0);
  const risen = new Set(longestRise(places));
  const moved = found.filter((_line, index) => !risen.has(index)).map(({ number }) => number);
  return moved.length < swapped.length ? moved : swapped;
}

/** Positions of a longest rising run of numbers, all different. */
function longestRise(values: readonly number[]): number[] {
  const tails: number[] = [];
  const before: number[] = [];
  values.forEach((value, index) => {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : (tails[low - 1] as number);
    tails[low] = index;
  });
  const rise: number[] = [];
  for (let at = tails.at(-1) ?? -1; at !== -1; at = before[at] as number) rise.push(at);
  return rise;
}

function sealOf(
  bytes: Uint8Array,
  rows: readonly Uint8Array[],
  sorted: readonly Line[],
  end: (Line & { readonly value: { readonly sha256: string } }) | undefined,
): SalvagedEvidence["seal"] {
  if (end === undefined) return "absent";
  const length = rows.slice(0, end.number - 1).reduce((sum, row) => sum + row.length + 1, 0);
  if (toHex(sha256(bytes.subarray(0, length))) === end.value.sha256) return "untouched";
  const hash = sha256.create();
  for (const line of sorted) hash.update(line.bytes);
  return toHex(hash.digest()) === end.value.sha256 ? "restored" : "broken";
}

function evidenceOf(sorted: readonly Line[], off: LineOff[]): Evidence {
  const all = <T extends EvidenceLine["type"]>(type: T) =>
    sorted.filter((line): line is Line & { value: Extract<EvidenceLine, { type: T }> } => line.value.type === type);
  const numbers = (of: readonly Line[]): number[] => of.map(({ number }) => number);
  const [header] = all("header");
  const [checkpoint] = all("checkpoint");
  const [policies, entries, heads] = [all("policy"), all("entry"), all("head")];
  // An unreadable line in its place is named already.
  if (!header && !off.some(({ line }) => line === 1)) off.push({ line: 1, why: "the header is missing" });
  const checkpointLine = checkpoint?.number ?? 2 + policies.length;
  const named = off.some(({ line }) => line === checkpointLine || line === checkpointLine + 1);
  if (!checkpoint && !named) off.push({ line: checkpointLine, why: "the checkpoint is missing" });
  return {
    header: header?.value ?? lostHeader,
    policies: policies.map(({ value }) => value.bundle),
    checkpoint: checkpoint?.value ?? { anchorBlock: null, anchorIndex: null, note: "" },
    entries: entries.map(({ value }) => value),
    heads: heads.map(({ value }) => value),
    lines: {
      checkpoint: checkpointLine,
      policies: numbers(policies),
      entries: numbers(entries),
      heads: numbers(heads),
    },
  };
}
