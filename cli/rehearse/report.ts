import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { paint, printLines } from "../../host/terminal/print.ts";
import { governanceInWords } from "../governance/show.ts";
import { costsInWords, inJson } from "./costs.ts";
import type { RehearseOptions } from "./options.ts";
import type { Rehearsed } from "./rehearse.ts";

/**
 * Prints what the rehearsal cost and had to put up with, and leaves the transactions as JSON in its folder.
 * @returns whether every verdict of the audit holds
 */
export async function writeReport(options: RehearseOptions, result: Rehearsed): Promise<boolean> {
  const { folder, gasPriceGwei, blockTimeMs } = options;
  const { audit, governance, transactions, chain, endpoints, killAfter, seconds } = result;
  const say = (...lines: readonly string[]): void => printLines("stdout", lines);
  const title = (text: string): void => say("", paint.bold(text), "");
  title("Governance (affiant governance show)");
  say(...governanceInWords(governance));
  title("Transactions");
  say(...costsInWords(transactions, gasPriceGwei));
  title("What it had to put up with");
  const pace =
    blockTimeMs === 12_000
      ? "a block every 12 s, by the clock on the wall"
      : `a block every ${blockTimeMs / 1_000} s instead of 12 (--block-time): ACCELERATED`;
  say(`  ${pace}; ${governance.blockNumber} blocks`);
  say(`  ${chain.reorgs.length} reorganisations, of depth ${chain.reorgs.join(", ") || "-"}`);
  say(`  ${chain.takenBack} transactions taken back by them`);
  say(`  base fees from ${gwei(chain.lowestBaseFee)} to ${gwei(chain.highestBaseFee)} gwei`);
  for (const { drop, lose, cut, limit, passed } of endpoints)
    say(
      `  an endpoint that lost ${drop} requests and ${lose} answers, cut ${cut} short, refused ${limit} (429), answered ${passed}`,
    );
  say(`  a deployment killed after ${killAfter} transactions`);
  const path = join(folder, "transactions.json");
  await writeFile(path, inJson(transactions));
  const { verdicts, fullyProven, conformityHolds } = audit.summary;
  const ok = fullyProven && conformityHolds;
  say(
    "",
    `${ok ? paint.good("Verified") : paint.bad("NOT VERIFIED")}: of ${audit.verdicts.length} verdicts on ` +
      `${result.entryCount} entries ${verdicts.holds} hold, ${verdicts.fails} fail, ${verdicts.unproven} are unproven`,
  );
  say(`${seconds} s; evidence, transactions and logs are in ${folder}`);
  return ok;
}

function gwei(wei: bigint): string {
  return `${Number(wei / 10_000_000n) / 100}`;
}
