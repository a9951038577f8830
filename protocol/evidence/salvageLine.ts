import { isHex } from "../encoding/hex.ts";
import { maxLeafBytes } from "../entry/leaf.ts";
import { canonicalJsonBytes, parseCanonicalJson } from "../json/canonical.ts";
import type { PolicyBundle } from "../policy/types.ts";
import { checkEvidenceLine, type EvidenceLine } from "./lines.ts";
import { evidenceFormat } from "./types.ts";

/** What one line of a damaged file still says. */
export interface SalvagedLine {
  /** Undefined when nothing of it can be used. */
  readonly value: EvidenceLine | undefined;
  /** Why it is not as a line must be; undefined for a good one. */
  readonly why: string | undefined;
  /** The line as it would stand in a good file, with its line feed. */
  readonly bytes: Uint8Array;
}

/**
 * Reads one line of a file that is not whole, without its line feed. A line that breaks the format is used as far as its
 * parts are what they must be, so that a changed byte in a proof does not take the entry's signature with it. Whoever asks
 * must treat the file as altered.
 */
export function salvageLine(raw: Uint8Array): SalvagedLine {
  const bytes = withLineFeed(raw);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(raw));
  } catch {
    return { value: undefined, why: "not JSON in UTF-8", bytes };
  }
  let why: string;
  try {
    const good: unknown = parseCanonicalJson(raw);
    checkEvidenceLine(good);
    return { value: good, why: undefined, bytes };
  } catch (error) {
    // Nesting without end among it: a full stack is an error like any other here.
    why = error instanceof Error ? error.message : String(error);
  }
  try {
    const mended = mend(value);
    if (mended === undefined) return { value: undefined, why, bytes };
    return { value: mended, why, bytes: withLineFeed(canonicalJsonBytes(value)) };
  } catch {
    return { value: undefined, why, bytes };
  }
}

function withLineFeed(raw: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(raw.length + 1);
  bytes.set(raw);
  bytes[raw.length] = 0x0a;
  return bytes;
}

/** The line with the parts that are what they must be; undefined where one without which it says nothing is not. */
function mend(value: unknown): EvidenceLine | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const line = value as Record<string, unknown>;
  const { index, leaf, note, agent } = line;
  if (isText(leaf) && leaf.length <= maxLeafBytes && isCount(index)) {
    const disclosures = [...new Set(listOf(line["disclosures"]).filter(isText))].sort();
    const proof = listOf(line["proof"]).slice(0, 53);
    // A proof with a hash left out would be another proof: all of it or none.
    return { type: "entry", disclosures, index, leaf, proof: proof.every(isHash) ? proof : [] };
  }
  if (isText(note) && isText(agent)) return { type: "head", agent, note };
  if (isText(note)) {
    const { anchorBlock, anchorIndex } = line;
    const block = isCount(anchorBlock) ? anchorBlock : null;
    const anchor = isCount(anchorIndex) && block === null ? anchorIndex : null;
    return { type: "checkpoint", anchorBlock: block, anchorIndex: anchor, note };
  }
  if (typeof line["bundle"] === "object" && line["bundle"] !== null && !Array.isArray(line["bundle"])) {
    return { type: "policy", bundle: line["bundle"] as PolicyBundle };
  }
  return asGood({ ...pick(line, headerKeys), format: evidenceFormat, type: "header" }) ?? asGood(line);
}

const headerKeys = ["chainId", "contracts", "logId", "origin", "vkey"];

function asGood(value: unknown): EvidenceLine | undefined {
  try {
    checkEvidenceLine(value);
    return value;
  } catch {
    return undefined;
  }
}

function pick(line: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(line, key) ? [[key, line[key]]] : [])));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHash(value: unknown): value is `0x${string}` {
  return isHex(value, 32);
}
