import { join } from "node:path";

import { type ContractRule, type PipelineAgent } from "../descriptor/pipeline.ts";
import type { ProgramSpec } from "../process/childProcess.ts";
import { type Layout } from "./layout.ts";

const root = join(import.meta.dirname, "../..");

/** The chain of local runs. Tools know this id as "a development chain". */
export const localChainId = 31_337;

/** Blocks on top of a transaction's (and with it) after which the relayer calls it final. The local chain mines them at once. */
const confirmations = 3;

export function chainProgram(layout: Layout, port: number, funded: readonly string[]): ProgramSpec {
  return {
    name: "chain",
    argv: [join(root, "orchestrator/chain/main.ts")],
    env: {
      AFFIANT_CHAIN_DIR: layout.chainDir,
      AFFIANT_CHAIN_PORT: `${port}`,
      AFFIANT_CHAIN_ID: `${localChainId}`,
      AFFIANT_CHAIN_FUNDED: funded.join(","),
    },
    logPath: layout.log("chain"),
    folder: layout.dataDir,
  };
}

export function relayerProgram(layout: Layout, port: number, rpcUrl: string, origin: string): ProgramSpec {
  return {
    name: "relayer",
    argv: [join(root, "relayer/main.ts")],
    env: {
      AFFIANT_RPC_URL: rpcUrl,
      AFFIANT_DATA_DIR: layout.relayerDir,
      AFFIANT_HOST: "127.0.0.1",
      AFFIANT_PORT: `${port}`,
      AFFIANT_DEPLOYMENT: layout.deployment,
      AFFIANT_LOG_ORIGIN: origin,
      AFFIANT_SENDER_KEY_FILE: layout.senderKey,
      AFFIANT_NOTE_KEY_FILE: layout.noteKey,
      AFFIANT_ANCHOR_INTERVAL_MS: "5000",
      AFFIANT_CONFIRMATIONS: `${confirmations}`,
      AFFIANT_POLL_INTERVAL_MS: "200",
    },
    logPath: layout.log("relayer"),
    folder: layout.dataDir,
  };
}

/** What an agent of a pipeline is told. It finds its work, and makes its keys, by itself. */
export interface AgentSurroundings {
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  /** Where every agent of the pipeline listens, by name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly contracts: readonly ContractRule[];
}

export function agentProgram(layout: Layout, agent: PipelineAgent, around: AgentSurroundings): ProgramSpec {
  const peers = Object.entries(around.ports).map(([name, port]) => [name, `http://127.0.0.1:${port}`]);
  return {
    name: agent.name,
    argv: [agent.program],
    env: {
      AFFIANT_AGENT_NAME: agent.name,
      AFFIANT_DATA_DIR: layout.dataDir,
      AFFIANT_RELAYER_URL: around.relayerUrl,
      AFFIANT_RPC_URL: around.rpcUrl,
      AFFIANT_DEPLOYMENT: layout.deployment,
      AFFIANT_POLICY_DIR: agent.policy,
      AFFIANT_PORT: `${around.ports[agent.name] ?? 0}`,
      AFFIANT_GRANTS: JSON.stringify(grantsOf(agent.name, around.contracts)),
      AFFIANT_PEERS: JSON.stringify(Object.fromEntries(peers)),
    },
    logPath: layout.log(agent.name),
    folder: layout.dataDir,
    readyTimeoutMs: 120_000,
  };
}

function grantsOf(agent: string, contracts: readonly ContractRule[]) {
  return contracts.filter(({ from }) => from === agent).map(({ to, command, policy }) => ({ to, command, policy }));
}
