import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { Follower } from "../../../directory/chain/follower.ts";
import { ChainSource } from "../../../directory/chain/source.ts";
import { SqliteStore } from "../../../directory/store/sqliteStore.ts";
import { syntheticContracts } from "../../../test/helpers/directory/syntheticEvents.ts";

/** Follows into a store from a process of its own, which is killed (SIGKILL) after some time. */
export async function killedFollower(path: string, urls: readonly string[], afterMs: number): Promise<void> {
  const child = spawn(process.execPath, ["--no-warnings", import.meta.filename, path, ...urls], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  // From when it follows: before that there is nothing to kill it in the midst of.
  await Promise.race([once(child.stdout, "data"), gone]);
  await sleep(afterMs);
  child.kill("SIGKILL");
  await gone;
}

if (import.meta.main) {
  const [path = "", ...urls] = process.argv.slice(2);
  const store = new SqliteStore(path);
  const source = new ChainSource(
    31_337,
    urls.map((url) => ({ url, attempts: 2, firstPauseMs: 1 })),
  );
  const follower = new Follower({ chainId: 31_337, store, source, contracts: syntheticContracts });
  process.stdout.write("following\n");
  for (;;) await follower.step().catch(() => sleep(5));
}
