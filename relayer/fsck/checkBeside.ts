import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { openDisclosures } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { DisclosureKeys } from "../store/disclosureKeys.ts";
import { DisclosureStore } from "../store/disclosureStore.ts";
import { decodeChecked, nativeSha256 } from "./checkEntries.ts";
import type { Findings } from "./findings.ts";

/**
 * What is kept beside the log and hashes, signs or opens by itself: policies, rival entries, disclosures.
 * @param checked counts what was looked at
 */
export function checkBeside(
  sql: DatabaseSync,
  dataDir: string,
  findings: Findings,
  checked: Record<string, number>,
): void {
  const each = <Row>(name: string, query: string, check: (row: Row) => void): void => {
    for (const row of sql.prepare(query).iterate() as Iterable<Row>) {
      checked[name] = (checked[name] ?? 0) + 1;
      check(row);
    }
  };
  each<{ hash: Uint8Array; bundle: Uint8Array }>(
    "policy",
    "SELECT hash, CAST(bundle AS BLOB) AS bundle FROM policy",
    ({ hash, bundle }) => {
      if (!bytesEqual(nativeSha256(bundle), hash))
        findings.fault(`policy ${toHex(hash)}`, "its bytes have another hash");
    },
  );
  type Rival = { did: string | null; seq: number; entry_id: Uint8Array; leaf: string };
  const rivals = "SELECT did, seq, entry_id, leaf FROM equivocation LEFT JOIN agent ON agent.id = equivocation.agent";
  each<Rival>("equivocation", rivals, ({ did, seq, entry_id, leaf }) => {
    const place = `equivocation ${toHex(entry_id)}`;
    const decoded = decodeChecked(leaf, place, findings);
    if (!decoded) return;
    const { claims, entryId } = decoded;
    const isRight = entryId === toHex(entry_id) && claims.iss === did && claims.seq === seq;
    if (!isRight) findings.fault(place, "kept under another id, agent or seq than it is signed for");
  });
  const keys = new DisclosureKeys(join(dataDir, "disclosures.key"));
  const store = new DisclosureStore({ sql, transaction: (_, work) => work() }, keys);
  type Kept = { entry_id: Uint8Array; leaf: string | null };
  const disclosures = `SELECT d.entry_id, e.leaf FROM disclosure d LEFT JOIN entry e ON e.entry_id = d.entry_id`;
  try {
    each<Kept>("disclosure", disclosures, ({ entry_id, leaf }) => {
      const place = `disclosure ${toHex(entry_id)}`;
      try {
        const texts = store.read(entry_id);
        if (leaf === null) findings.fault(place, "the log has no such entry");
        else if (texts) openDisclosures(decodeLeaf(leaf, nativeSha256).claims._sd, texts);
      } catch (error) {
        findings.fault(place, `it does not open, or is not the entry's: ${(error as Error).message}`);
      }
    });
  } finally {
    keys.close();
  }
}
