import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Command } from "commander";
import { Contract } from "ethers";

import { printJson, printLines } from "../../host/terminal/print.ts";
import { Registries } from "../../agent/chain/registries.ts";
import { Rpc } from "../../agent/chain/rpc.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { type AgentKeys, createAgentKeys, openAgentKeys } from "../../agent/keys/keystore.ts";
import { readSecretFile } from "../../agent/keys/secretFile.ts";
import { openAgent } from "../../agent/openAgent.ts";
import { RegistryReader } from "../../attestation/service/registry.ts";
import { drawnByChain } from "../../attestation/verifier/drawnByChain.ts";
import { Verifier } from "../../attestation/verifier/verifier.ts";
import { serveAttestation } from "../../attestation/wrap/attestationServer.ts";
import { consentToNext } from "../../attestation/wrap/consent.ts";
import { announceEndpoint, type EnrolOptions, enrolWrapper } from "../../attestation/wrap/enrolWrapper.ts";
import { Wrapper, type WrapperOptions } from "../../attestation/wrap/wrapper.ts";
import { readWrapping, type Wrapping, writeWrapping } from "../../attestation/wrap/wrapping.ts";
import { parseTicket, type Ticket, ticketIdOf } from "../../protocol/attestation/enrolment.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { command, type CommonFlags } from "../command.ts";
import {
  type Environment,
  readEnvironment,
  requireDeployment,
  requireRelayerUrl,
  requireRpcUrl,
} from "../environment.ts";
import { printError } from "../output.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly create?: boolean;
  readonly ticket?: string;
  readonly root?: string;
  readonly include?: readonly string[];
  readonly wrapping?: string;
  readonly port: string;
  readonly host: string;
  readonly allowPrivate?: boolean;
}

/** How often the service is told where the wrapper listens: it may have been restored from an older copy. */
const announceEveryMs = 30_000;

export function wrapCommand(): Command {
  return command(
    "wrap",
    "Run an agent's program under supervision, answer challenges about what runs, and verify other agents when drawn.",
    "all",
    [
      "affiant wrap --agent support --ticket ticket.json -- node agent.ts",
      "affiant wrap --agent support --port 4100 -- node agent.ts",
    ],
  )
    .argument("<command...>", "the program and its arguments, after --")
    .requiredOption("--agent <name>", "whose program it is")
    .option("--create", "make the agent's keys if there are none, and register it through the relayer")
    .option("--ticket <file>", "enrol what runs with this ticket of the attestation service, unless it was used here")
    .option("--root <folder>", "with --ticket: paths below it count as relative (default: this folder)")
    .option("--include <path...>", "with --ticket: files or folders that count as configuration")
    .option("--wrapping <file>", "where what the service gave is kept (default: wrapping.json in the agent's folder)")
    .option("--port <port>", "where challenges are answered; 0 = any that is free", "0")
    .option("--host <address>", "on which address", "127.0.0.1")
    .option("--allow-private", "the service and other agents may be on this machine or in a private network")
    .action(async (words: readonly string[], flags: Flags) => {
      try {
        await wrap(words, flags);
      } catch (error) {
        printError(error, flags.json ?? false);
        process.exit();
      }
    });
}

async function wrap([program, ...args]: readonly string[], flags: Flags): Promise<void> {
  if (program === undefined) throw new AffiantError("ERR_INPUT_CONFIG", "give a program to wrap, after --");
  const environment = readEnvironment(flags);
  const deployment = requireDeployment(environment);
  const keys = await openKeys(environment, deployment, flags);
  const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId });
  const running: { wrapper?: Wrapper; verifier?: Verifier } = {};
  // It listens before the program runs: where, is part of what is enrolled.
  const server = await serveAttestation({
    wrapper: {
      answer: (challenge) => running.wrapper?.answer(challenge) ?? throwStarting(),
      get answered() {
        return running.wrapper?.answered;
      },
    },
    verifier: { verify: (task) => running.verifier?.verify(task) ?? throwStarting() },
    host: flags.host,
    port: readPort(flags.port),
  });
  const { signing } = keys;
  const { allowPrivate } = environment;
  const wrapping = await wrappingOf(environment, flags, keys, server.url, () => {
    return consentToNext(readerOf(deployment, rpc), deployment.chainId, keys.account, keys.account.address);
  });
  const wrapper = await Wrapper.start({ command: [program, ...args], wrapping, signing });
  Object.assign(running, { wrapper, verifier: verifierOf(keys, deployment, rpc, wrapper, allowPrivate) });
  announceProcess(wrapper, server.url, flags);
  const ended = new AbortController();
  void keepAnnouncing(wrapper.wrapping, server.url, allowPrivate, ended.signal);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void wrapper.stop());
  const { code, signal } = await wrapper.ended;
  ended.abort();
  await server.close();
  rpc.close();
  process.exit(code ?? (signal === null ? 1 : 0));
}

async function openKeys(environment: Environment, deployment: Deployment, flags: Flags): Promise<AgentKeys> {
  const { dataDir, passphrase } = environment;
  const { chainId } = deployment;
  const { agent: name } = flags;
  if (flags.create) {
    await createAgentKeys({ dataDir, name, chainId, passphrase }).catch((error: unknown) => {
      if (!isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) throw error;
    });
    const relayerUrl = requireRelayerUrl(environment);
    const rpcUrl = requireRpcUrl(environment);
    const agent = await openAgent({ dataDir, name, relayerUrl, rpcUrl, deployment, passphrase });
    await agent.register().finally(() => agent.close());
  }
  return openAgentKeys(dataDir, name, passphrase);
}

/** What the service gave for the version that runs, or how to get it. */
async function wrappingOf(
  { dataDir, allowPrivate }: Environment,
  flags: Flags,
  { facts, signing }: AgentKeys,
  url: string,
  consent: EnrolOptions["consent"],
): Promise<WrapperOptions["wrapping"]> {
  const folder = agentFolder(dataDir, flags.agent).path;
  const path = flags.wrapping ?? join(folder, "wrapping.json");
  const ticket = flags.ticket === undefined ? undefined : parseTicket(await readSecretFile(flags.ticket));
  const known = await readWrapping(path).catch((error: unknown) => {
    if (ticket && isMissing(error)) return undefined;
    throw error;
  });
  if (known && known.agent !== facts.did) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${path} is the wrapping of ${known.agent}, not of ${flags.agent}`);
  }
  if (known && (!ticket || known.ticketId === ticketIdOf(ticket.secret))) return known;
  const root = resolve(flags.root ?? ".");
  const include = (flags.include ?? []).map((one) => resolve(one));
  const pendingFile = join(folder, "enrolment.json");
  const place = {
    agent: facts.did,
    signing,
    url,
    root,
    include,
    pendingFile,
    ticket: ticket as Ticket,
    consent,
    allowPrivate,
  };
  return {
    root,
    include,
    async enrol(manifest) {
      const wrapping = await enrolWrapper(place, manifest);
      await writeWrapping(path, wrapping);
      return wrapping;
    },
  };
}

function verifierOf(
  { account }: AgentKeys,
  deployment: Deployment,
  rpc: Rpc,
  wrapper: Wrapper,
  allowPrivate: boolean,
): Verifier {
  const registries = new Registries(rpc, deployment);
  const reader = readerOf(deployment, rpc);
  return new Verifier({
    account,
    chainId: deployment.chainId,
    registry: reader.address,
    encryptionKeys: wrapper.encryptionKeys,
    servicePublicKey: wrapper.wrapping.servicePublicKey,
    isSigningKey: (agent, key) => registries.isSigningKey(agent, key),
    isDrawn: drawnByChain(reader, account.address),
    allowPrivate,
  });
}

function readerOf(deployment: Deployment, rpc: Rpc): RegistryReader {
  const { address } = deployment.contracts.attestationRegistry;
  return new RegistryReader(new Contract(address, iAttestationRegistryAbi, rpc.provider), address);
}

async function keepAnnouncing(
  wrapping: Wrapping,
  url: string,
  allowPrivate: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { service } = wrapping;
  if (service === undefined) return;
  let told = "";
  while (!signal.aborted) {
    const trouble = await announceEndpoint(service, wrapping, url, Date.now(), allowPrivate).then(
      () => "",
      (error: Error) => error.message,
    );
    if (trouble !== told && trouble !== "") printLines("stderr", [`affiant wrap: ${trouble}`]);
    told = trouble;
    await sleep(trouble === "" ? announceEveryMs : 1_000, undefined, { signal }).catch(() => undefined);
  }
}

/** To stderr: stdout belongs to the program. */
function announceProcess({ pid, wrapping }: Wrapper, url: string, { json }: Flags): void {
  const facts = { ready: true, url, pid, agent: wrapping.agent, version: wrapping.version };
  if (json) printJson("stderr", facts);
  else printLines("stderr", [`affiant wrap: process ${pid}, challenges at ${url}`]);
}

function throwStarting(): never {
  throw new AffiantError("ERR_UNAVAILABLE_TARGET", "the program is being started");
}

function isMissing(error: unknown): boolean {
  return isAffiantError(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", `--port is a port from 0 to 65535, not "${text}"`);
}
