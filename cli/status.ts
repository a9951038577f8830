import { existsSync } from "node:fs";

import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment, requireRelayerUrl, requireRpcUrl } from "./environment.ts";
import { columns, table } from "./output.ts";
import { LogAnchorReader } from "../agent/chain/logAnchorReader.ts";
import { Registries } from "../agent/chain/registries.ts";
import { Rpc } from "../agent/chain/rpc.ts";
import { Journal } from "../agent/journal/journal.ts";
import { agentFolder, type AgentFacts, listAgents } from "../agent/keys/agentFolder.ts";
import { type Incumbent, Records } from "../orchestrator/state/records.ts";
import { StateFile, stateFileIn } from "../orchestrator/state/stateFile.ts";
import { RelayerClient } from "../agent/relayer/relayerClient.ts";
import type { LogInfo } from "../protocol/api/types.ts";
import { isAffiantError } from "../protocol/errors/affiantError.ts";
import { toProblem, type Problem } from "../protocol/errors/problem.ts";

/** A part of the system, or why it could not be asked. */
type Part<T> = { readonly up: true; readonly value: T } | { readonly up: false; readonly problem: Problem };

export function statusCommand(): Command {
  return command("status", "Show how things stand: relayer, chain, log, anchors, the pipeline, agents.", "all", [
    "affiant status",
    "affiant status --json",
  ]).action(
    run<CommonFlags, []>(async ({ environment }) => {
      const relayer = await part(() => askRelayer(environment));
      const chain = await part(() => askChain(environment, relayer.up ? relayer.value : undefined));
      const agents = (await listAgents(environment.dataDir)).map((facts) => agentStatus(environment, facts));
      const pipeline = pipelineOf(environment.dataDir);
      return {
        data: { relayer, chain, agents, pipeline },
        ok: relayer.up && chain.up,
        lines: [
          ...columns([...relayerRows(environment, relayer), ...chainRows(environment, relayer, chain)]),
          "",
          ...pipelineTable(pipeline),
          ...(agents.length === 0 ? [`no agents in ${environment.dataDir}`] : agentTable(agents)),
        ],
      };
    }),
  );
}

/** Who holds the places of the pipeline, by the orchestrator's records; none if there never was one. */
function pipelineOf(dataDir: string): readonly Incumbent[] {
  const path = stateFileIn(dataDir);
  if (!existsSync(path)) return [];
  const state = new StateFile(path);
  try {
    return new Records(state).history();
  } finally {
    state.close();
  }
}

function pipelineTable(places: readonly Incumbent[]): string[] {
  if (places.length === 0) return [];
  const rows = places.map(({ agent, folder, site, version, state }) => [agent, folder, site, String(version), state]);
  return [...table(["PLACE", "HELD BY", "SITE", "VERSION", "STATE"], rows), ""];
}

async function part<T>(ask: () => Promise<T>): Promise<Part<T>> {
  try {
    return { up: true, value: await ask() };
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    return { up: false, problem: toProblem(error) };
  }
}

/** A status is about now: it does not wait for something to come up. */
const retry = { attempts: 1 };

function askRelayer(environment: Environment): Promise<LogInfo> {
  return new RelayerClient({ url: requireRelayerUrl(environment), retry, timeoutMs: 5000 }).log();
}

async function askChain(environment: Environment, log: LogInfo | undefined) {
  const deployment = requireDeployment(environment);
  const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId, retry });
  try {
    const blockNumber = await new Registries(rpc, deployment).blockNumber();
    const latest = log && (await new LogAnchorReader(rpc, deployment).latest(log.logId));
    return { chainId: deployment.chainId, blockNumber, anchored: latest ?? null };
  } finally {
    rpc.close();
  }
}

type ChainStatus = Awaited<ReturnType<typeof askChain>>;
type Row = readonly [string, string | number | undefined];

function relayerRows(environment: Environment, relayer: Part<LogInfo>): Row[] {
  if (!relayer.up) return [["relayer", `${environment.relayerUrl ?? ""} ${relayer.problem.detail}`.trim()]];
  const { origin, logId, size } = relayer.value;
  return [
    ["relayer", `${environment.relayerUrl} is up`],
    ["log", origin],
    ["log id", logId],
    ["entries", size],
  ];
}

function chainRows(environment: Environment, relayer: Part<LogInfo>, chain: Part<ChainStatus>): Row[] {
  if (!chain.up) return [["chain", chain.problem.detail]];
  const { chainId, blockNumber, anchored } = chain.value;
  const waiting = relayer.up && anchored ? relayer.value.size - anchored.size : undefined;
  return [
    ["chain", `${chainId}, block ${blockNumber}, ${environment.rpcUrl}`],
    [
      "anchors",
      anchored ? `${anchored.anchorCount} on record, the last anchor in block ${anchored.blockNumber}` : undefined,
    ],
    ["not anchored", waiting],
  ];
}

function agentStatus({ dataDir }: Environment, { name, did }: AgentFacts) {
  const journal = new Journal(agentFolder(dataDir, name).journal);
  try {
    return {
      name,
      did,
      entries: journal.count(),
      notSent: journal.countByStatus().signed,
      head: journal.head()?.seq ?? null,
    };
  } finally {
    journal.close();
  }
}

function agentTable(agents: readonly ReturnType<typeof agentStatus>[]): string[] {
  return table(
    ["AGENT", "ENTRIES", "NOT SENT", "DID"],
    agents.map(({ name, entries, notSent, did }) => [name, String(entries), String(notSent), did]),
  );
}
