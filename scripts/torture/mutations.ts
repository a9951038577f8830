/** `npm run torture -- mutations [count] [seed]`: mutated requests against a relayer that is a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { end, startChain } from "./world/chain.ts";
import { sendMutated } from "./world/mutatedRequests.ts";
import { RelayerHome } from "./world/relayer.ts";

const [count, seed] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)];
const chain = await startChain();
const home = await RelayerHome.make(chain);
const child = spawn(process.execPath, [join(import.meta.dirname, "../../relayer/main.ts")], {
  env: { ...process.env, ...home.env },
  stdio: ["ignore", "pipe", "inherit"],
});
const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
const { url } = JSON.parse(line) as { url: string };
const report = await sendMutated(chain, url, count, seed);
const crashed = child.exitCode !== null || child.signalCode !== null;
console.log(JSON.stringify({ seed, crashed, ...report, violations: report.violations.length }));
for (const violation of report.violations.slice(0, 20)) console.error(violation);
await end(child);
await home.remove();
await chain.close();
process.exit(crashed || report.violations.length > 0 ? 1 : 0);
