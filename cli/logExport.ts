import { open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";

import { type Command, Option } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment, requireRelayerUrl } from "./environment.ts";
import { openNamedAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { type Progress, progress } from "./progress.ts";
import type { Agent } from "../agent/agent.ts";
import { exportEvidence, type ExportSummary } from "../agent/export/exportEvidence.ts";
import { listAgents } from "../agent/keys/agentFolder.ts";
import { RelayerClient } from "../agent/relayer/relayerClient.ts";
import { disclosureNames, type DisclosureName } from "../protocol/entry/disclosure.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly out: string;
  readonly withhold: readonly DisclosureName[];
  readonly final?: boolean;
  readonly anchorTimeout: string;
}

export function logExportCommand(): Command {
  return command(
    "export",
    "Write an evidence file: entries with their payloads, policies, and proofs that lead to an anchored root. " +
      "Asks for an anchor, and waits for it, if the newest entry has none yet.",
    "all",
    [
      "affiant log export --out evidence.jsonl                             # all agents of the data folder",
      "affiant log export support --out evidence.jsonl --withhold output   # without the outputs",
    ],
  )
    .argument("[agents...]", "names of agents in the data folder; all if none is given")
    .option("-o, --out <file>", "where to write", "evidence.jsonl")
    .addOption(
      new Option("--withhold <payloads...>", "payloads to leave out").choices(disclosureNames).default([], "none"),
    )
    .option("--final", "wait until the anchor is deep enough to stay: for chains that are reorganised")
    .option("--anchor-timeout <seconds>", "how long to wait for the anchor", "120")
    .action(
      run<Flags, [string[]]>(async ({ environment, json }, flags, names) => {
        const agents = await openAll(environment, names);
        try {
          for (const agent of agents) await agent.flush();
          const file = resolve(flags.out);
          const summary = await exportTo(file, environment, agents, flags, json);
          return {
            data: { file, agents: agents.map(({ did }) => did), ...summary },
            lines: [
              ...columns([
                ["written", file],
                ["entries", `${summary.entryCount} of ${agents.map(({ name }) => name).join(", ")}`],
                ["policies", summary.policyCount],
                [
                  "anchor",
                  `${summary.anchor.index === null ? "" : `record ${summary.anchor.index}, `}log size ${summary.anchor.size}, block ${summary.anchor.blockNumber}`,
                ],
              ]),
              "",
              `Next: affiant audit ${flags.out}${environment.rpcUrl ? ` --rpc ${environment.rpcUrl}` : ""}`,
            ],
          };
        } finally {
          for (const agent of agents) agent.close();
        }
      }),
    );
}

async function openAll(environment: Environment, names: readonly string[]): Promise<readonly Agent[]> {
  const { dataDir } = environment;
  const wanted = names.length > 0 ? [...new Set(names)] : (await listAgents(dataDir)).map(({ name }) => name);
  const agents: Agent[] = [];
  try {
    for (const name of wanted) {
      const agent = await openNamedAgent(environment, name);
      // An agent without entries is left out of "all", and an error if it was named.
      if (agent.head || names.length > 0) agents.push(agent);
      else agent.close();
    }
    if (agents.length > 0) return agents;
    throw new AffiantError("ERR_NOT_FOUND_ENTRY", `no agent in ${dataDir} has entries`);
  } catch (error) {
    for (const agent of agents) agent.close();
    throw error;
  }
}

function secondsOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new AffiantError("ERR_INPUT_CONFIG", `--anchor-timeout is a whole number of seconds, not "${text}"`);
}

/** Under another name until it is whole: a file of that name is always a complete one. */
async function exportTo(
  file: string,
  environment: Environment,
  agents: readonly Agent[],
  { withhold, final, anchorTimeout }: Flags,
  json: boolean,
): Promise<ExportSummary> {
  const draft = `${file}.${process.pid}.part`;
  const handle = await open(draft, "w", 0o600).catch((cause: unknown) => {
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  });
  let bar: Progress | undefined;
  try {
    const summary = await exportEvidence(
      {
        agents,
        withhold,
        final: final ?? false,
        anchorTimeoutMs: secondsOf(anchorTimeout) * 1_000,
        relayer: new RelayerClient({ url: requireRelayerUrl(environment), operatorToken: environment.operatorToken }),
        deployment: requireDeployment(environment),
        onProgress: (stage, done, total) => {
          if (stage === "entries") (bar ??= progress("exporting", total, json)).to(done);
        },
      },
      async (bytes) => void (await handle.write(bytes)),
    );
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    return summary;
  } finally {
    bar?.stop();
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
}
