/**
 * `npm run torture -- mutations [count] [seed]`: mutated requests against a relayer that is a process of its own. Prints its
 * answers and the memory it holds on to after each tenth of them.
 */
import { join } from "node:path";

import { end, startChain } from "../../test/helpers/world/chain.ts";
import { type HeldMemory, InspectedProcess } from "../../test/helpers/world/inspectedProcess.ts";
import { sendMutated } from "../../test/helpers/world/mutatedRequests.ts";
import { RelayerHome } from "../../test/helpers/world/relayer.ts";

/** The heap after the last tenth, against that after the second: the first two warm up caches and compiled code. */
const flat = 1.1;

const [count, seed] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)];
const chain = await startChain();
const home = await RelayerHome.make(chain);
const relayer = new InspectedProcess(join(import.meta.dirname, "../../relayer/main.ts"), home.env);
const { url } = JSON.parse(await relayer.firstLine) as { url: string };
const held: HeldMemory[] = [];
const report = await sendMutated(chain, url, count, seed, async () => {
  const memory = await relayer.heldMemory();
  held.push(memory);
  const [heap, external, resident] = [memory.heapBytes, memory.externalBytes, memory.residentBytes].map(mebibytes);
  console.log(
    `${held.length * 10} %: heap ${heap} MiB, buffers ${external} MiB after collection; resident ${resident} MiB`,
  );
});
const crashed = relayer.child.exitCode !== null || relayer.child.signalCode !== null;
const grown = (held.at(-1)?.heapBytes ?? NaN) / (held[1]?.heapBytes ?? NaN);
const isFlat = grown <= flat;
console.log(
  JSON.stringify({ seed, crashed, ...report, violations: report.violations.length, heapGrewBy: grown, isFlat }),
);
for (const violation of report.violations.slice(0, 20)) console.error(violation);
await end(relayer.child);
await home.remove();
await chain.close();
process.exit(crashed || report.violations.length > 0 || !isFlat ? 1 : 0);

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
