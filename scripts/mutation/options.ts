import { Command, InvalidArgumentError, Option } from "commander";

import { subjects } from "./subjects.ts";

export interface MutationOptions {
  /** Names of contracts; all of them if undefined. */
  readonly contract: readonly string[] | undefined;
  /** Mutants of each contract. */
  readonly sample: number;
  readonly seed: number;
  readonly all: boolean;
  readonly jobs: number;
  /** Percent of mutants that must be noticed. */
  readonly least: number;
  readonly json: boolean;
}

/** @param args what stands after `npm run mutation --` */
export function readMutationOptions(args: readonly string[]): MutationOptions {
  const names = subjects.map(({ name }) => name);
  return new Command("npm run mutation --")
    .description(
      "Changes the core contracts in one small way after another and asks whether a test notices. Ends with exit code 1 " +
        "if too few changes are, or an explanation in docs/mutation.md is out of date.",
    )
    .addOption(new Option("--contract <names...>", "only these").choices(names))
    .option("--sample <n>", "mutants of each contract", integer, 20)
    .option("--seed <n>", "which ones are drawn", integer, 1)
    .option("--all", "every mutant there is", false)
    .option("--jobs <n>", "how many run at once", positive, 1)
    .option("--least <percent>", "how many must be noticed", integer, 90)
    .option("--json", "print JSON", false)
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<MutationOptions>();
}

function integer(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number from 0.");
}

function positive(text: string): number {
  const value = integer(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It is at least 1.");
}
