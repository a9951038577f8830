import { join } from "node:path";

import { Contract } from "ethers";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, relayerFolder, requireDeployment, requireRpcUrl } from "./environment.ts";
import { columns } from "./output.ts";
import { ChainProvider } from "../agent/chain/chainProvider.ts";
import { fromHex } from "../protocol/encoding/hex.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { logAnchorAbi } from "../protocol/generated/abi/LogAnchor.ts";
import { logIdOf } from "../protocol/log/logId.ts";
import type { ChainAnchor } from "../relayer/fsck/fsck.ts";

interface Flags extends CommonFlags {
  readonly repair?: boolean;
  readonly noteKey?: string;
  readonly journalKey?: string;
}

export function logFsckCommand(): Command {
  return command(
    "fsck",
    "Hold every row, every index and the schema of a stopped relayer's database to its tree, its signed checkpoints, the " +
      "rows' digests and, if an endpoint is named, the chain. Ends with 1 if there are faults that were not repaired.",
    "chain",
    ["affiant log fsck", "affiant log fsck --data data --repair", "affiant log fsck --rpc http://127.0.0.1:8545"],
  )
    .option(
      "--note-key <file>",
      "the log's note key (AFFIANT_NOTE_KEY_FILE; default: note.key in the relayer's folder)",
    )
    .option(
      "--journal-key <file>",
      "the key that the rows are digested under (AFFIANT_JOURNAL_KEY_FILE; default: journal.key in the relayer's folder)",
    )
    .option("--repair", "write anew what can be computed from the leaves: tiles, ids, agents' heads")
    .action(
      run<Flags, []>(async ({ environment }, flags) => {
        const dataDir = relayerFolder(environment.dataDir);
        // Loaded here: no other command should pay for it.
        const { fsck } = await import("../relayer/fsck/fsck.ts");
        const report = await fsck({
          dataDir,
          noteKeyFile: flags.noteKey ?? environment.noteKeyFile ?? join(dataDir, "note.key"),
          journalKeyFile: flags.journalKey ?? environment.journalKeyFile ?? join(dataDir, "journal.key"),
          repair: flags.repair ?? false,
          ...(environment.given.rpcUrl === undefined ? {} : { anchors: anchorsOnChain(environment) }),
        });
        const left = report.faultCount - report.repaired;
        return {
          data: { dataDir, ...report },
          lines: [
            ...report.faults.map(
              ({ place, what, code }) => `${place}: ${what}${code === undefined ? "" : ` (${code})`}`,
            ),
            ...columns([
              ["folder", dataDir],
              ["entries", report.size],
              ["root", report.root],
              [
                "checked",
                Object.entries(report.checked)
                  .map(([what, count]) => `${count} ${what}`)
                  .join(", "),
              ],
              ["faults", report.faultCount],
              ["repaired", report.repaired],
            ]),
          ],
          ok: left === 0,
        };
      }),
    );
}

/** Every anchor the chain has of a log, and its newest root. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
function anchorsOnChain(environment: Environment): (origin: string) => Promise<readonly ChainAnchor[]> {
  const { chainId, contracts } = requireDeployment(environment);
  return async (origin) => {
    const provider = new ChainProvider({ url: requireRpcUrl(environment), chainId });
    const contract = new Contract(contracts.logAnchor.address, logAnchorAbi, provider);
    const read = (name: string, ...args: unknown[]) =>
      contract.getFunction(name).staticCall(...args) as Promise<{ size: bigint; root: string; anchorCount?: bigint }>;
    try {
      const logId = logIdOf(origin);
      const latest = await read("latest", logId);
      const anchors = [anchor("anchor on chain, the latest", latest)];
      for (let index = 0; index < Number(latest.anchorCount ?? 0); index++) {
        anchors.push(anchor(`anchor on chain ${index}`, await read("anchorAt", logId, index)));
      }
      return anchors.filter(({ size }) => size > 0);
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the anchors cannot be read", { cause });
    } finally {
      provider.destroy();
    }
  };
}

function anchor(name: string, { size, root }: { size: bigint; root: string }): ChainAnchor {
  return { name, size: Number(size), root: fromHex(root, 32) };
}
