/**
 * A relayer process whose writes of the log fail by chance, lost (not there) or landed (there, but reported as failed): argv
 * the seed, and one in how many; 0 = none. It lives until it is killed.
 */
import { readRelayerConfig } from "../../../relayer/config.ts";
import { startRelayer } from "../../../relayer/startRelayer.ts";
import { storageError } from "../../../relayer/store/database.ts";
import { Dice } from "../../../test/helpers/world/mutations.ts";

const [seed, oneIn] = process.argv.slice(2).map(Number);
const dice = new Dice(seed ?? 0);
const struck: Record<string, number> = {};
let isUp = false;

function strike(kind: string): void {
  if (!isUp || !oneIn || dice.below(oneIn) !== 0) return;
  struck[kind] = (struck[kind] ?? 0) + 1;
  process.stdout.write(`${JSON.stringify({ struck: kind })}\n`);
  throw storageError(new Error(`injected: ${kind}`));
}

const relayer = await startRelayer(readRelayerConfig(), {
  commitHook: (at, commit) => {
    if (commit === "log.append") strike(at === "before-commit" ? "commit lost" : "commit landed");
  },
  onDatabase: (database) => {
    const sync = database.sync.bind(database);
    database.sync = async () => {
      strike("sync lost");
      await sync();
      strike("sync landed");
    };
  },
});
isUp = true;
process.stdout.write(`${JSON.stringify({ ready: true, url: relayer.url })}\n`);
