/** `npm run simulate -- attestation [--rounds N] [--sizes 20,60] [--replays N] [--seed N] [--json]` */
import { parseArgs } from "node:util";

import { simulate, type Simulation } from "./attestation/simulate.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "10000" },
    sizes: { type: "string", default: "20,60,100,1000" },
    replays: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const numbers = [values.rounds, values.replays, values.seed, ...values.sizes.split(",")].map(Number);
const sizes = values.sizes.split(",").map(Number);
const sound = numbers.every((one) => Number.isSafeInteger(one) && one >= 0) && sizes.every((one) => one >= 3);
if (positionals.join() !== "attestation" || !sound) {
  console.error(
    "usage: npm run simulate -- attestation [--rounds N] [--sizes 20,60,…] [--replays N] [--seed N] [--json]",
  );
  process.exit(2);
}
const [rounds, replays, seed] = [Number(values.rounds), Number(values.replays), Number(values.seed)];
const result = await simulate({ rounds, sizes, replays, seed, onProgress: (line) => console.error(line) });
if (values.json) console.log(JSON.stringify(result, null, 2));
else print(result);
if (result.replays.some(({ differences }) => differences.length > 0)) process.exitCode = 1;

function print({ rows, searched, replays: done }: Simulation): void {
  const percent = (part: number): string => `${(100 * part).toFixed(2)} %`.padStart(9);
  console.log("agents  colluders  detected    bound  honest lost by strikes  by FAIL  no result  strategy");
  for (const row of rows) {
    const lost = [row.honestLostByFail, row.honestWithoutResult].map((count) => percent(count / row.honest)).join("  ");
    const start = `${`${row.agents}`.padStart(6)}  ${percent(row.share)}  ${percent(row.detected)}  ${percent(row.bound)}`;
    console.log(`${start}  ${`${row.honestLostByStrikes}`.padStart(10)}  ${lost}  ${row.strategy}`);
  }
  console.log(`searched: ${JSON.stringify(searched)}`);
  for (const { rounds: count, targets, differences } of done) {
    console.log(`on the contracts: ${count} rounds, ${targets} targets, ${differences.length} differences`);
    for (const difference of differences) console.log(`  ${difference}`);
  }
}
