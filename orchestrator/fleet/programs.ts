import { join } from "node:path";

import type { Hex } from "../../protocol/encoding/hex.ts";
import type { ContractRule, Pipeline, PipelineAgent } from "../descriptor/pipeline.ts";
import type { Infrastructure, Installation, InstallRequest } from "../infrastructure/infrastructure.ts";
import type { ProgramSpec } from "../process/childProcess.ts";
import type { Layout } from "../start/layout.ts";
import type { Incumbent } from "../state/records.ts";

/** Where the rest of the system is, for whoever is started. */
export interface Surroundings {
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  readonly attestationUrl: string;
  /** Where each agent of the pipeline listens, by name, and where its wrapper answers challenges. */
  readonly ports: Readonly<Record<string, { readonly program: number; readonly wrapper: number }>>;
  /** Of the agents' keys, if they are encrypted. */
  readonly passphraseFile?: string;
}

/** Where one version of one identity is installed. */
export function installRequestOf(pipeline: Pipeline, agent: PipelineAgent, incumbent: Incumbent): InstallRequest {
  return {
    agent,
    source: join(pipeline.file, ".."),
    include: pipeline.attestation.include,
    site: incumbent.site,
    release: incumbent.release,
    name: `${incumbent.folder}.v${incumbent.version}`,
  };
}

export function ticketFileOf(layout: Layout, { folder, version }: Incumbent): string {
  return join(layout.orchestratorDir, "tickets", `${folder}.v${version}.json`);
}

/** Names a group for the escrow, whose groups are of all pipelines of a chain. */
export function groupNameOf(pipeline: Pick<Pipeline, "name">, group: string): string {
  return `${pipeline.name}/${group}`;
}

/** The process that wraps an agent, and with it the agent's program (orchestrator/README.md lists what that gets). */
export function wrapperProgram(
  layout: Layout,
  pipeline: Pipeline,
  agent: PipelineAgent,
  incumbent: Incumbent,
  installation: Installation,
  infrastructure: Infrastructure,
  around: Surroundings,
  measurement: Hex | undefined,
): ProgramSpec {
  const port = (name: string): number => around.ports[name]?.program ?? 0;
  const peers = pipeline.agents.map(({ name }) => [name, `http://127.0.0.1:${port(name)}`]);
  const groups = pipeline.groups.filter(({ members }) => members.includes(agent.name));
  const { maxRestarts, delayMs: restartDelayMs, stableAfterMs } = pipeline.restart;
  return {
    name: agent.name,
    argv: [join(import.meta.dirname, "../wrapping/main.ts")],
    env: {
      AFFIANT_AGENT_NAME: agent.name,
      AFFIANT_AGENT_FOLDER: incumbent.folder,
      AFFIANT_DATA_DIR: layout.dataDir,
      AFFIANT_RELAYER_URL: around.relayerUrl,
      AFFIANT_RPC_URL: around.rpcUrl,
      AFFIANT_DEPLOYMENT: layout.deployment,
      AFFIANT_POLICY_DIR: installation.policy,
      AFFIANT_PORT: `${port(agent.name)}`,
      AFFIANT_PEERS: JSON.stringify(Object.fromEntries(peers)),
      AFFIANT_GRANTS: JSON.stringify(grantsOf(agent.name, pipeline.contracts)),
      AFFIANT_GROUPS: JSON.stringify(groups.map(({ name }) => groupNameOf(pipeline, name))),
      ...(around.passphraseFile === undefined ? {} : { AFFIANT_PASSPHRASE_FILE: around.passphraseFile }),
      AFFIANT_WRAP_PORT: `${around.ports[agent.name]?.wrapper ?? 0}`,
      AFFIANT_WRAP_SERVICE: around.attestationUrl,
      AFFIANT_WRAP_TICKET: ticketFileOf(layout, incumbent),
      AFFIANT_WRAP_FILE: join(layout.dataDir, "agents", incumbent.folder, `wrapping.v${incumbent.version}.json`),
      AFFIANT_WRAP_ROOT: installation.root,
      AFFIANT_WRAP_INCLUDE: JSON.stringify(installation.include),
      AFFIANT_WRAP_COMMAND: JSON.stringify(infrastructure.commandOf(installation, agent)),
      ...(measurement === undefined ? {} : { AFFIANT_WRAP_MEASUREMENT: measurement }),
      AFFIANT_WRAP_RESTART: JSON.stringify({ maxRestarts, restartDelayMs, stableAfterMs }),
    },
    logPath: layout.log(agent.name),
    folder: layout.dataDir,
    readyTimeoutMs: 1_800_000,
    // The wrapper ends its program first, which may take its time.
    stopGraceMs: 14_000,
  };
}

function grantsOf(agent: string, contracts: readonly ContractRule[]) {
  return contracts.filter(({ from }) => from === agent).map(({ to, command, policy }) => ({ to, command, policy }));
}
