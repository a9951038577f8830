import { join } from "node:path";

import { makeFolder } from "../host/files/makeFolder.ts";
import { BlockWaiter } from "../host/watch/blockWaiter.ts";
import { isAffiantError } from "../protocol/errors/affiantError.ts";
import { Follower } from "./chain/follower.ts";
import { ChainSource } from "./chain/source.ts";
import { Commands } from "./commands/commands.ts";
import type { DirectoryConfig } from "./config.ts";
import { Catalog, type LookUp } from "./discovery/catalog.ts";
import { followedContracts } from "./events/contracts.ts";
import { serveDirectory } from "./http/server.ts";
import { contractNames, writeSnapshot } from "./snapshot/snapshot.ts";
import { restoreNewest, snapshotName } from "./snapshot/snapshots.ts";
import { SqliteStore } from "./store/sqliteStore.ts";

export interface StartOptions {
  /** Fetches and checks a card. */
  readonly lookUp: LookUp;
  /** Told of what does not answer, and of what should not have happened. It goes on. */
  readonly onTrouble?: (what: string, error: unknown) => void;
}

export interface RunningDirectory {
  readonly url: string;
  readonly store: SqliteStore;
  /** Settles when the chain was caught up with for the first time, and its cards were looked at. Never rejects. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** How long to wait for a block where nobody tells of one, and at most where somebody does. */
const [pauseMs, withinMs] = [1_000, 30_000];

/** Follows the chain, keeps its cards, and answers: all of a directory in one process. */
export async function startDirectory(config: DirectoryConfig, options: StartOptions): Promise<RunningDirectory> {
  const { deployment, dataDir, rpcUrls, host, port, names, baseUrl, relayerUrl, erc8004 } = config;
  const { lookUp, onTrouble = () => undefined } = options;
  const { chainId } = deployment;
  const snapshots = join(dataDir, "snapshots");
  makeFolder(snapshots);
  const store = new SqliteStore(join(dataDir, "directory.sqlite"));
  const catalog = new Catalog(join(dataDir, "cards.sqlite"), store);
  const source = new ChainSource(
    chainId,
    rpcUrls.map((url) => ({ url })),
  );
  const contracts = followedContracts(deployment, erc8004);
  const named = contractNames(contracts);
  const fallBack = async () => (await restoreNewest(snapshots, store, source, chainId, named)) !== undefined;
  const follower = new Follower({ chainId, store, source, contracts, fallBack });
  const commands = relayerUrl === undefined ? undefined : new Commands({ deployment, relayerUrl });
  const server = await serveDirectory(
    { store, chainId, catalog, commands, baseUrl },
    { host, port, names, onError: (error) => onTrouble("a question", error) },
  );
  const stopping = new AbortController();
  const { signal } = stopping;
  const blocks = new BlockWaiter(rpcUrls[0] ?? "");
  const keepSnapshots = async (): Promise<void> => {
    const finalized = (await store.state(chainId))?.finalizedNumber ?? -1;
    if (config.snapshotEvery === 0 || finalized < lastSnapshot + config.snapshotEvery) return;
    lastSnapshot = finalized;
    const path = join(snapshots, snapshotName(chainId, finalized));
    await writeSnapshot(store, chainId, path, { contracts: named, atBlock: finalized });
  };
  let lastSnapshot = 0;
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  let caughtUp = false;
  const following = (async () => {
    while (!signal.aborted) {
      try {
        await follower.catchUp(signal);
        caughtUp = true;
        await keepSnapshots();
      } catch (error) {
        if (!signal.aborted) onTrouble(isAffiantError(error) ? error.code : "following", error);
      }
      await blocks.next(pauseMs, withinMs, signal);
    }
  })();
  // Beside it: a card that hangs must not hold up the chain.
  const keeping = (async () => {
    for (let seen = ""; !signal.aborted;) {
      const state = await store.state(chainId);
      const at = `${state?.position.hash} ${Math.floor(Date.now() / 60_000)}`;
      if (state && at !== seen) {
        const wasCaughtUp = caughtUp;
        await catalog.refresh(chainId, lookUp, Date.now()).catch((error: unknown) => onTrouble("cards", error));
        seen = at;
        if (wasCaughtUp) isReady();
        else seen = "";
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, 500);
        signal.addEventListener("abort", done, { once: true });
        function done() {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        }
      });
    }
  })();
  return {
    url: server.url,
    store,
    ready,
    close: async () => {
      stopping.abort();
      isReady();
      source.close();
      await server.close();
      await Promise.all([following, keeping]);
      catalog.close();
      await store.close();
    },
  };
}
