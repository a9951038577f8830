import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { createAgentKeys } from "../../agent/keys/keystore.ts";
import type { Pipeline, PipelineAgent } from "../../orchestrator/descriptor/pipeline.ts";
import { freePorts } from "../../orchestrator/preflight/ports.ts";
import type { ProgramSpec } from "../../orchestrator/process/childProcess.ts";
import { Supervisor } from "../../orchestrator/process/supervisor.ts";
import { leaveSecret } from "../../orchestrator/start/secretFile.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Deployed } from "./deployment.ts";

export interface ShopOptions {
  readonly folder: string;
  readonly pipeline: Pipeline;
  /** Endpoints of the chain. */
  readonly rpcUrls: readonly string[];
  readonly deployed: Deployed;
  /** Of the relayer's account; it has to hold ether. Hex. */
  readonly senderKey: string;
  /** The circuits' keys under which the relayer takes proofs. */
  readonly keysDir: string;
  readonly blockTimeMs: number;
  /** Blocks after which nothing is taken back any more: more than the deepest reorganisation. */
  readonly confirmations: number;
  readonly onNote: (line: string) => void;
  readonly onBroken: (error: AffiantError) => void;
}

export interface RunningShop {
  readonly dataDir: string;
  readonly relayerUrl: string;
  /** Of each agent's own server. */
  readonly agentUrls: readonly string[];
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

/**
 * The main job on a chain that somebody else runs: the relayer and the shop's agents, each the process that it always is.
 * Agents talk in the clear here: no attestation service is part of this rehearsal, and with it no group key.
 */
export async function openShop(options: ShopOptions): Promise<RunningShop> {
  const { pipeline, deployed, folder } = options;
  const dataDir = join(folder, "data");
  mkdirSync(join(dataDir, "logs"), { recursive: true });
  const supervisor = new Supervisor({
    environment: process.env,
    onRestart: (name, { code, signal }) => {
      options.onNote(`${name} ended by itself (${signal ?? `exit code ${code}`}) and is started again`);
    },
    onGivenUp: options.onBroken,
  });
  try {
    const relayer = await supervisor.start(relayerProgram(options, dataDir));
    const relayerUrl = relayer.url ?? "";
    const ports = await freePorts(pipeline.agents.length);
    const peers = Object.fromEntries(
      pipeline.agents.map(({ name }, i) => [name, `http://127.0.0.1:${ports[i] ?? 0}`] as const),
    );
    await Promise.all(
      pipeline.agents.map(async (agent, i) => {
        await createAgentKeys({ dataDir, name: agent.name, chainId: deployed.deployment.chainId });
        await supervisor.start(agentProgram(options, agent, { dataDir, relayerUrl, peers, port: ports[i] ?? 0 }));
      }),
    );
    return { dataDir, relayerUrl, agentUrls: Object.values(peers), stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

function relayerProgram(options: ShopOptions, dataDir: string): ProgramSpec {
  const { rpcUrls, deployed, keysDir, blockTimeMs, confirmations } = options;
  const own = join(dataDir, "relayer");
  mkdirSync(own, { recursive: true });
  const senderKey = join(own, "sender.key");
  leaveSecret(senderKey, options.senderKey);
  return {
    name: "relayer",
    argv: [join(root, "relayer/main.ts")],
    env: {
      AFFIANT_RPC_URL: rpcUrls.join(","),
      AFFIANT_DATA_DIR: own,
      AFFIANT_PORT: "0",
      AFFIANT_DEPLOYMENT: deployed.path,
      AFFIANT_LOG_ORIGIN: `localhost/${options.pipeline.name}-rehearsal`,
      AFFIANT_SENDER_KEY_FILE: senderKey,
      AFFIANT_CIRCUIT_KEYS_DIR: keysDir,
      AFFIANT_CONFIRMATIONS: `${confirmations}`,
      AFFIANT_ANCHOR_INTERVAL_MS: `${Math.max(1_000, Math.round(5 * blockTimeMs))}`,
      AFFIANT_POLL_INTERVAL_MS: `${Math.max(100, Math.round(blockTimeMs / 12))}`,
    },
    logPath: join(dataDir, "logs/relayer.log"),
    folder: dataDir,
  };
}

interface Around {
  readonly dataDir: string;
  readonly relayerUrl: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly port: number;
}

function agentProgram(options: ShopOptions, agent: PipelineAgent, around: Around): ProgramSpec {
  const { dataDir, relayerUrl, peers, port } = around;
  const grants = options.pipeline.contracts
    .filter(({ from }) => from === agent.name)
    .map(({ to, command, policy }) => ({ to, command, policy }));
  return {
    name: agent.name,
    argv: [agent.program, ...agent.args],
    env: {
      AFFIANT_AGENT_NAME: agent.name,
      AFFIANT_AGENT_FOLDER: agent.name,
      AFFIANT_DATA_DIR: dataDir,
      AFFIANT_RELAYER_URL: relayerUrl,
      AFFIANT_RPC_URL: options.rpcUrls[0] ?? "",
      AFFIANT_DEPLOYMENT: options.deployed.path,
      AFFIANT_POLICY_DIR: agent.policy,
      AFFIANT_PORT: `${port}`,
      AFFIANT_GRANTS: JSON.stringify(grants),
      AFFIANT_GROUPS: "[]",
      AFFIANT_PEERS: JSON.stringify(peers),
      // An entry must not name a block that a reorganisation takes back.
      AFFIANT_NOT_BEFORE_DEPTH: `${options.confirmations}`,
    },
    logPath: join(dataDir, "logs", `${agent.name}.log`),
    folder: dataDir,
    readyTimeoutMs: 120_000 + 60 * options.blockTimeMs,
  };
}
