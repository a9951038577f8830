/**
 * `node measureBuild.ts FOLDER SCHEDULE`: measures the gas of a build of this project, this one or an earlier one, under a
 * schedule, and prints it as one line of JSON: `{ topic: [{ name, gas, target?, noise? }] }`. A process of its own, because
 * each build brings its own Hardhat, configuration and contracts.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import type { GasRow, MeasureGas } from "./row.ts";
import { type GasSchedule, overrideFor } from "./schedules.ts";

type Create = (params?: object) => Promise<{ readonly ethers: Ethers }>;
interface Ethers {
  getSigners(): Promise<readonly object[]>;
  readonly provider: {
    getBlockNumber(): Promise<number>;
    getBlock(number: number): Promise<{ readonly transactions: readonly string[] } | null>;
    getTransactionReceipt(hash: string): Promise<{ readonly gasUsed: bigint } | null>;
  };
}

const [folder = ".", schedule = "osaka"] = process.argv.slice(2);
const root = resolve(folder);
process.chdir(root);
const load = async <T>(path: string): Promise<T> => (await import(pathToFileURL(join(root, path)).href)) as T;

const { network } = await load<{ network: { create: Create } }>("node_modules/hardhat/dist/src/index.js");
const create = network.create.bind(network);
network.create = (params = {}) => create({ ...params, override: overrideFor(schedule as GasSchedule) });

const { topics } = await load<{ topics: Readonly<Record<string, MeasureGas>> }>("scripts/bench/gas/topics.ts");
const measured: Record<string, readonly GasRow[]> = { deployment: [await deployment()] };
for (const [topic, measure] of Object.entries(topics)) measured[topic] = await measure();
console.log(JSON.stringify(measured));

/** All transactions of a deployment as it is made everywhere. */
async function deployment(): Promise<GasRow> {
  type Deploy = (signer: object) => Promise<unknown>;
  const { deployContracts } = await load<{ deployContracts: Deploy }>("orchestrator/deploy/deployContracts.ts");
  const { ethers } = await network.create();
  const [deployer = {}] = await ethers.getSigners();
  await deployContracts(deployer);
  let gas = 0n;
  for (let number = await ethers.provider.getBlockNumber(); number > 0; number--) {
    const block = await ethers.provider.getBlock(number);
    const receipts = await Promise.all(
      (block?.transactions ?? []).map((hash) => ethers.provider.getTransactionReceipt(hash)),
    );
    for (const receipt of receipts) gas += receipt?.gasUsed ?? 0n;
  }
  return { name: "the whole deployment", gas: Number(gas) };
}
