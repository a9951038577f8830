import { createHash } from "node:crypto";

import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { DirectoryStore, StoredRow } from "../store/store.ts";

/** What the hash begins with, so that it is a hash of nothing else. */
export const stateHashPrefix = "affiant directory state 1\n";

/** A row as it is hashed and kept in snapshots. Keys hold no control characters, and JSON text holds none. */
export function rowLine({ projection, key, value }: StoredRow): string {
  return `${projection}\t${key}\t${value}\n`;
}

/**
 * The canonical hash of a chain's projected state at a block: SHA-256 over the prefix and the line of each row, by projection
 * and key in the order of their bytes. Two directories that agree have the same one, whatever they were built from.
 */
export async function stateHash(store: DirectoryStore, chainId: number, atBlock: number): Promise<Hex> {
  const hash = createHash("sha256").update(stateHashPrefix);
  for await (const page of store.allRows(chainId, atBlock)) hash.update(page.map(rowLine).join(""));
  return toHex(hash.digest());
}
