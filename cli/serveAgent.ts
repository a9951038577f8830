import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Command } from "commander";

import { printLines } from "../host/terminal/print.ts";
import { command, type CommonFlags } from "./command.ts";
import {
  type Environment,
  readEnvironment,
  requireDeployment,
  requireRelayerUrl,
  requireRpcUrl,
} from "./environment.ts";
import { printError } from "./output.ts";
import { ActDesk } from "../adapters/acts/actDesk.ts";
import { ActService } from "../adapters/service/actService.ts";
import { ServiceServer } from "../adapters/service/serviceServer.ts";
import { agentFolder } from "../agent/keys/agentFolder.ts";
import { openAgent } from "../agent/openAgent.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly policy?: string;
  readonly socket?: string;
  readonly port?: string;
  readonly leaveDisclosures?: boolean;
}

/** Where an agent's service listens unless another place is given. */
export function serviceSocket({ dataDir }: Environment, name: string): string {
  return join(agentFolder(dataDir, name).path, "service.sock");
}

export function serveAgentCommand(): Command {
  return command(
    "serve-agent",
    "Serve an agent to programs in any language, to coding agents' hooks and to OpenTelemetry: acts are judged, claimed and on record.",
    "all",
    [
      "affiant serve-agent support --policy ./policy                 # on a Unix socket in the agent's folder",
      "affiant serve-agent support --port 4910                       # and on 127.0.0.1, with the token in service.token",
    ],
  )
    .argument("<agent>", "in whose name acts are entered; its keys are made at the first time")
    .option("--policy <folder>", "a policy bundle: it is committed first. Default: what the agent has committed to")
    .option("--socket <path>", "another place for the Unix socket")
    .option("--port <port>", "listen on this port of 127.0.0.1 as well, 0 for any that is free")
    .option("--leave-disclosures", "leave payloads with the relayer, for readers that the agent allows")
    .action(async (name: string, flags: Flags) => {
      try {
        await serve(name, flags);
      } catch (error) {
        printError(error, flags.json ?? false);
        process.exit();
      }
    });
}

async function serve(name: string, flags: Flags): Promise<void> {
  const port = flags.port === undefined ? undefined : readPort(flags.port);
  const environment = readEnvironment(flags);
  const { dataDir, passphrase, admissionTicket, operatorToken } = environment;
  const deployment = requireDeployment(environment);
  const agent = await openAgent.fromDataDir(name, {
    dataDir,
    relayerUrl: requireRelayerUrl(environment),
    rpcUrl: requireRpcUrl(environment),
    deployment,
    admissionTicket,
    operatorToken,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(flags.policy === undefined ? {} : { policy: flags.policy }),
    leaveDisclosures: flags.leaveDisclosures ?? false,
  });
  const desk = await ActDesk.of(agent);
  const socket = flags.socket ?? serviceSocket(environment, name);
  const service = new ActService(desk, deployment);
  const server = new ServiceServer({
    service,
    socket,
    ...(port === undefined ? {} : { port, token: tokenOf(agent.folder) }),
  });
  const url = await server.listen();
  const lines = [`${agent.did} is served at ${socket}`];
  if (url !== undefined) lines.push(`and at ${url}, with the token in ${tokenPath(agent.folder)}`);
  if (desk.recovered > 0) lines.push(`${desk.recovered} acts of before are on record now`);
  printLines("stdout", lines);
  const end = (): void => {
    void server
      .close()
      .then(() => agent.flush())
      .catch(() => undefined)
      .finally(() => {
        agent.close();
        process.exit();
      });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

function tokenPath(folder: string): string {
  return join(folder, "service.token");
}

/** Made once, so that programs keep their setting when the service starts anew. */
function tokenOf(folder: string): string {
  const path = tokenPath(folder);
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  return readFileSync(path, "utf8").trim();
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", `--port is a port from 0 to 65535, not "${text}"`);
}
