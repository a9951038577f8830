import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { type DecodedEntry, decodeLeaf } from "../../protocol/entry/leaf.ts";
import { verifyEntrySignature } from "../../protocol/entry/verifyEntry.ts";
import type { Findings } from "./findings.ts";

interface EntryRow {
  idx: number;
  agent: number;
  did: Uint8Array | null;
  seq: number;
  entry_id: Uint8Array;
  /** The very bytes: as text, SQLite hands on what stands before a zero byte, and repairs what is no UTF-8. */
  leaf: Uint8Array;
  leaf_hash: Uint8Array;
}

interface Chain {
  nextSeq: number;
  head: string | null;
  lastBlock: number;
  readonly did: string;
}

/** RFC 9162 leaf hash, native: a log is long. */
function nativeLeafHash(leaf: Uint8Array): Uint8Array {
  return hash("sha256", Buffer.concat([Buffer.of(0), leaf]), "buffer");
}

export const nativeSha256 = (bytes: Uint8Array): Uint8Array => hash("sha256", bytes, "buffer");

/**
 * Reads every entry in order: the leaf's form and signature, that its ids and its place are those of the leaf, and that each
 * agent's entries are one chain. What the columns beside the leaf say can be computed, and is repaired.
 * @param onLeaf is told each leaf's hash, computed from the leaf
 */
export function checkEntries(sql: DatabaseSync, findings: Findings, onLeaf: (leafHash: Uint8Array) => void): void {
  const chains = new Map<number, Chain>();
  const rows = sql
    .prepare(
      `SELECT e.idx, e.agent, CAST(a.did AS BLOB) AS did, e.seq, e.entry_id, CAST(e.leaf AS BLOB) AS leaf, e.leaf_hash
       FROM entry e LEFT JOIN agent a ON a.id = e.agent ORDER BY e.idx`,
    )
    .iterate() as Iterable<EntryRow>;
  let expected = 0;
  for (const row of rows) {
    if (row.idx !== expected) findings.fault(`entry ${expected}`, `${row.idx - expected} entries are missing here`);
    expected = row.idx + 1;
    checkEntry(row, chains, findings);
    const leafHash = nativeLeafHash(row.leaf);
    if (!bytesEqual(leafHash, row.leaf_hash)) {
      findings.derived(`entry ${row.idx}`, "its leaf hash is not that of its leaf", () =>
        sql.prepare("UPDATE entry SET leaf_hash = ? WHERE idx = ?").run(leafHash, row.idx),
      );
    }
    const entryId = nativeSha256(row.leaf);
    if (!bytesEqual(entryId, row.entry_id)) {
      findings.derived(`entry ${row.idx}`, "its id is not that of its leaf", () =>
        sql.prepare("UPDATE entry SET entry_id = ? WHERE idx = ?").run(entryId, row.idx),
      );
    }
    onLeaf(leafHash);
  }
  checkAgents(sql, chains, findings);
}

function checkEntry(row: EntryRow, chains: Map<number, Chain>, findings: Findings): void {
  const place = `entry ${row.idx}`;
  const decoded = decodeChecked(Buffer.from(row.leaf).toString("latin1"), place, findings);
  if (!decoded) return;
  const { claims, entryId } = decoded;
  const did = row.did && Buffer.from(row.did).toString("latin1");
  if (claims.iss !== did) findings.fault(place, `signed by ${claims.iss}, kept as of ${did ?? "nobody"}`);
  if (claims.seq !== row.seq) findings.fault(place, `signed as seq ${claims.seq}, kept as ${row.seq}`);
  const chain = chains.get(row.agent) ?? { nextSeq: 0, head: null, lastBlock: 0, did: claims.iss };
  if (claims.seq !== chain.nextSeq) findings.fault(place, `seq ${claims.seq} follows on ${chain.nextSeq - 1}`);
  if (claims.prev !== chain.head) findings.fault(place, "prev is not the agent's entry before");
  chain.nextSeq = claims.seq + 1;
  chain.head = entryId;
  chain.lastBlock = claims.nb.blockNumber;
  chains.set(row.agent, chain);
}

/** A leaf that is what it should be; reports it otherwise. */
export function decodeChecked(leaf: string, place: string, findings: Findings): DecodedEntry | undefined {
  try {
    const decoded = decodeLeaf(leaf, nativeSha256);
    if (!verifyEntrySignature(decoded, verifyNative)) findings.fault(place, "the leaf's signature does not verify");
    return decoded;
  } catch (error) {
    findings.fault(place, `the leaf is no entry: ${(error as Error).message}`);
    return undefined;
  }
}

function checkAgents(sql: DatabaseSync, chains: ReadonlyMap<number, Chain>, findings: Findings): void {
  const rows = sql.prepare("SELECT id, did, next_seq, head_entry_id, last_block FROM agent").iterate() as Iterable<{
    id: number;
    did: string;
    next_seq: number;
    head_entry_id: Uint8Array | null;
    last_block: number;
  }>;
  const seen = new Set<number>();
  for (const row of rows) {
    seen.add(row.id);
    const chain = chains.get(row.id);
    const head = row.head_entry_id === null ? null : toHex(row.head_entry_id);
    if (!chain) findings.fault(`agent ${row.did}`, "it has no entries");
    else if (chain.nextSeq !== row.next_seq || chain.head !== head || chain.lastBlock !== row.last_block) {
      findings.derived(`agent ${row.did}`, "its head is not its last entry", () =>
        sql
          .prepare("UPDATE agent SET next_seq = ?, head_entry_id = ?, last_block = ? WHERE id = ?")
          .run(chain.nextSeq, chain.head && fromHex(chain.head), chain.lastBlock, row.id),
      );
    }
  }
  for (const [id, { did }] of chains) if (!seen.has(id)) findings.fault(`agent ${did}`, "it has entries but no row");
}
