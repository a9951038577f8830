import { openDisclosures } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { amountOf } from "./amount.ts";
import { type Row, textOf } from "./row.ts";

const newline = 0x0a;

/**
 * The first acts of a file as they stand there, before anything of them was checked: so that a large file shows what it is
 * at once. Lines that cannot be read are left out here; the audit names them.
 * @param limit how many at most
 */
export function previewOf(bytes: Uint8Array, limit: number, nameOf: (did: string) => string): Row[] {
  const rows: Row[] = [];
  const decoder = new TextDecoder();
  let start = 0;
  for (let line = 1; start < bytes.length && rows.length < limit; line++) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    const row = rowIn(decoder.decode(bytes.subarray(start, end)), line, rows.length, nameOf);
    if (row) rows.push(row);
    start = end + 1;
  }
  return rows;
}

function rowIn(text: string, line: number, n: number, nameOf: (did: string) => string): Row | undefined {
  try {
    const { type, leaf, disclosures } = JSON.parse(text) as { type?: Json; leaf?: Json; disclosures?: Json };
    if (type !== "entry" || typeof leaf !== "string" || !Array.isArray(disclosures)) return undefined;
    const { claims, entryId } = decodeLeaf(leaf);
    const disclosed = openDisclosures(claims._sd, disclosures as string[]);
    const {
      iss: agent,
      seq,
      kind,
      act,
      thread = null,
      iat: iatSec,
      nb,
      policy: policyHash,
      ctr: contract = null,
    } = claims;
    const about = { act, thread, agent, entryId, disclosed, findings: [] };
    return {
      ...{ n, line, entryId, agent, seq, kind, act, thread, iatSec, policyHash, contract, disclosed },
      from: { block: nb.blockNumber, timeSec: null },
      to: null,
      policyName: null,
      counterpart: null,
      caller: null,
      task: null,
      withheld: claims._sd.length - disclosures.length,
      amount: amountOf(disclosed),
      proof: null,
      conduct: null,
      rules: [],
      problems: [],
      text: textOf(about, null, nameOf),
    };
  } catch {
    return undefined;
  }
}
