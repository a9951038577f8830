import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Argument, Command, InvalidArgumentError } from "commander";

/** The networks that can be rehearsed, by their chain ids (hardhat.config.ts has the same). */
export const testnets = { sepolia: 11_155_111, hoodi: 560_048 } as const;
export type TestnetName = keyof typeof testnets;

export interface RehearseOptions {
  readonly network: TestnetName;
  readonly folder: string;
  readonly blockTimeMs: number;
  /** At which the report states costs. */
  readonly gasPriceGwei: number;
  readonly reorgEvery: number;
  /** Folder of an earlier rehearsal's ceremony, to save the minute it takes. */
  readonly ceremony: string | undefined;
}

/** @param args what stands after `npm run rehearse --` */
export function readRehearseOptions(args: readonly string[]): RehearseOptions {
  const program = new Command("npm run rehearse --")
    .description(
      "Deploys to a chain of this machine that has the testnet's id, blocks, fees, reorganisations and a flaky endpoint, " +
        "lets the agents of the shop work on it, audits what they signed, and prints what everything cost.",
    )
    .addArgument(new Argument("<network>", "which testnet").choices(Object.keys(testnets)))
    .option("--block-time <seconds>", "between blocks; less is faster and less like the testnet", number, 12)
    .option("--gas-price <gwei>", "at which costs are stated", number, 10)
    .option("--reorg-every <blocks>", "0 for never", number, 7)
    .option("--data <dir>", "where everything is kept (default: a new folder for temporary files)")
    .option("--ceremony <dir>", "take the keys of an earlier rehearsal: its folder `ceremony`")
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<{
    blockTime: number;
    gasPrice: number;
    reorgEvery: number;
    data?: string;
    ceremony?: string;
  }>();
  return {
    network: program.args[0] as TestnetName,
    folder: flags.data === undefined ? mkdtempSync(join(tmpdir(), "affiant-rehearsal-")) : resolve(flags.data),
    blockTimeMs: flags.blockTime * 1_000,
    gasPriceGwei: flags.gasPrice,
    reorgEvery: flags.reorgEvery,
    ceremony: flags.ceremony === undefined ? undefined : resolve(flags.ceremony),
  };
}

function number(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text)) return value;
  throw new InvalidArgumentError("It is a number from 0.");
}
