/**
 * A relayer process that kills itself (SIGKILL, no goodbye) around the n-th commit of a name: argv point, name, n. With n = 0
 * it lives on.
 */
import { readRelayerConfig } from "../../../relayer/config.ts";
import { startRelayer } from "../../../relayer/startRelayer.ts";

const [point, name, count] = process.argv.slice(2);
let left = Number(count);
const relayer = await startRelayer(readRelayerConfig(), {
  commitHook: (at, commit) => {
    if (at === point && commit === name && --left === 0) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(`${JSON.stringify({ ready: true, url: relayer.url })}\n`);
