import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { ChainSource } from "../chain/source.ts";
import type { DirectoryStore } from "../store/store.ts";
import { loadSnapshot, readSnapshotHeader, type SnapshotHeader } from "./snapshot.ts";

/** `snapshot-<chain>-<block>.jsonl`. */
export function snapshotName(chainId: number, blockNumber: number): string {
  return `snapshot-${chainId}-${String(blockNumber).padStart(12, "0")}.jsonl`;
}

/**
 * Restores the newest snapshot in a folder that is of these contracts and of the chain as the endpoints tell it. Those that are
 * damaged, or of another chain, are passed over.
 * @returns undefined if there is none; nothing was changed then
 */
export async function restoreNewest(
  folder: string,
  store: DirectoryStore,
  source: ChainSource,
  chainId: number,
  contracts: readonly string[],
): Promise<SnapshotHeader | undefined> {
  const names = await readdir(folder).catch(() => []);
  const ours = names.filter((name) => name.startsWith(`snapshot-${chainId}-`) && name.endsWith(".jsonl")).sort();
  for (const name of ours.reverse()) {
    const path = join(folder, name);
    try {
      const header = await readSnapshotHeader(path);
      const isOurs = header.chainId === chainId && header.contracts.join() === contracts.join();
      if (!isOurs || (await source.block(header.block.number))?.hash !== header.block.hash) continue;
      return await loadSnapshot(store, path);
    } catch (error) {
      if (!isAffiantError(error, "ERR_INPUT_FILE") && !isAffiantError(error, "ERR_PROOF_STATE_HASH")) throw error;
    }
  }
  return undefined;
}
