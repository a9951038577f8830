import { randomUUID } from "node:crypto";

import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Command } from "commander";
import { JsonRpcProvider } from "ethers";

import { readContractFile } from "./contract/contractFiles.ts";
import { ownerOf } from "./contract/ownerOf.ts";
import { command, type CommonFlags } from "./command.ts";
import {
  type Environment,
  readEnvironment,
  requireDeployment,
  requireRelayerUrl,
  requireRpcUrl,
} from "./environment.ts";
import { printError } from "./output.ts";
import type { Agent } from "../agent/agent.ts";
import { ChainRevocations } from "../agent/calls/chainRevocations.ts";
import { CachedRevocations } from "../agent/calls/revocations.ts";
import type { Act } from "../agent/entry/signEntry.ts";
import { allGates, contractGate, type Gate, policyGate, revocationGate } from "../adapters/mcp/gate.ts";
import { HttpFront } from "../adapters/mcp/httpFront.ts";
import { ToolGateway } from "../adapters/mcp/toolGateway.ts";
import { openAgent } from "../agent/openAgent.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
import { formatKeyDid } from "../protocol/did/key.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { compilePolicy } from "../protocol/policy/compile.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly policy?: string;
  readonly contract?: string;
  readonly owner?: string;
  readonly maxRevocationAge: string;
  readonly http?: string;
  readonly serverUrl?: string;
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

export function mcpProxyCommand(): Command {
  return command(
    "mcp-proxy",
    "Stand between an MCP client and its server: every tool call is judged and on record.",
    "all",
    [
      "affiant mcp-proxy --agent support --policy ./policy -- node server.js",
      "affiant mcp-proxy --agent support --contract tools.json --owner did:key:z6Mk… --http 3900 --server-url http://127.0.0.1:3000/mcp",
    ],
  )
    .argument("[server...]", "the server's command and its arguments, after --")
    .requiredOption("--agent <name>", "in whose name calls are entered")
    .option(
      "--policy <folder>",
      "a policy bundle: it is committed, and calls that it forbids or cannot decide are refused",
    )
    .option(
      "--contract <file>",
      "a contract made out to the agent: calls outside of /mcp/<tool> and its terms are refused",
    )
    .option("--owner <did:key>", "with --contract: whose tools they are, a key or the name of an agent here")
    .option(
      "--max-revocation-age <seconds>",
      "how old the chain's answer may be, whether the contract was revoked",
      "10",
    )
    .option("--http <port>", "serve clients over streamable HTTP on this port of 127.0.0.1 instead of stdio")
    .option("--server-url <url>", "reach the server over streamable HTTP instead of starting a command")
    .action(async (server: readonly string[], flags: Flags) => {
      try {
        await serve(server, flags);
      } catch (error) {
        printError(error, flags.json ?? false);
        process.exit();
      }
    });
}

async function serve(server: readonly string[], flags: Flags): Promise<void> {
  const connectServer = serverOf(server, flags);
  const environment = readEnvironment(flags);
  const { dataDir, passphrase } = environment;
  const agent = await openAgent({
    dataDir,
    name: flags.agent,
    passphrase,
    relayerUrl: requireRelayerUrl(environment),
    rpcUrl: requireRpcUrl(environment),
    deployment: requireDeployment(environment),
  });
  await agent.register();
  const { gate, contractCid } = await gatesOf(agent, flags, environment);
  const options = {
    gate,
    record: (act: Act) => agent.enter(act),
    ...(contractCid === undefined ? {} : { contractCid }),
    // stdout belongs to the protocol.
    onProblem: (problem: unknown) => process.stderr.write(`affiant mcp-proxy: ${String(problem)}\n`),
  };
  if (flags.http !== undefined) {
    const front = new HttpFront({ ...options, host: "127.0.0.1", port: readPort(flags.http), connectServer });
    process.stderr.write(`affiant mcp-proxy: clients connect to ${await front.listen()}\n`);
    onEnd(() => front.close(), agent);
  } else {
    const gateway: ToolGateway = new ToolGateway({
      ...options,
      client: new StdioServerTransport(),
      server: connectServer(),
      session: randomUUID(),
      onEnd: () => endAgent(agent),
    });
    process.stdin.once("end", () => void gateway.close());
    onEnd(() => gateway.close(), agent);
    await gateway.start();
  }
}

async function gatesOf(
  agent: Agent,
  flags: Flags,
  environment: Environment,
): Promise<{ gate: Gate; contractCid?: string }> {
  const gates: Gate[] = [];
  if (flags.policy !== undefined) {
    const bundle = await loadPolicyBundle(flags.policy);
    await agent.commitPolicy(bundle);
    gates.push(policyGate(compilePolicy(bundle), agent.did));
  }
  if (flags.contract === undefined) return { gate: allGates(gates) };
  const chain = readContractFile(flags.contract);
  if (flags.owner === undefined) {
    throw new AffiantError(
      "ERR_INPUT_CONFIG",
      "--contract needs --owner: whose tools they are, the contract cannot say",
    );
  }
  const owner = await ownerOf(flags.owner, environment.dataDir);
  gates.push(contractGate({ chain, owner, holder: formatKeyDid(agent.signer.publicKey), nowSec }));
  const maxAgeSec = readSeconds(flags.maxRevocationAge);
  gates.push(revocationGate(chain, revocationsOf(environment, maxAgeSec), nowSec));
  return { gate: allGates(gates), contractCid: chain.at(-1)?.envelope.cid };
}

/** One connection for as long as the gateway runs; it ends with the process. */
function revocationsOf(environment: Environment, maxAgeSec: number): CachedRevocations {
  const { chainId, contracts } = requireDeployment(environment);
  const provider = new JsonRpcProvider(requireRpcUrl(environment), chainId, { staticNetwork: true });
  const source = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
  return new CachedRevocations(source, maxAgeSec);
}

function serverOf([program, ...args]: readonly string[], { serverUrl }: Flags): () => Transport {
  if (serverUrl !== undefined && program === undefined) {
    return () => new StreamableHTTPClientTransport(new URL(serverUrl)) as Transport;
  }
  if (program !== undefined && serverUrl === undefined) {
    return () => new StdioClientTransport({ command: program, args: [...args], stderr: "inherit" });
  }
  throw new AffiantError("ERR_INPUT_CONFIG", "give either a server's command after --, or --server-url");
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", `--http is a port from 0 to 65535, not "${text}"`);
}

function readSeconds(text: string): number {
  if (/^[0-9]{1,6}$/.test(text)) return Number(text);
  throw new AffiantError("ERR_INPUT_CONFIG", `--max-revocation-age is a whole number of seconds, not "${text}"`);
}

function onEnd(close: () => Promise<void>, agent: Agent): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void close().then(() => endAgent(agent)));
  }
}

/** What was entered last is given a moment to arrive; what does not arrive goes out next time. */
function endAgent(agent: Agent): void {
  void agent
    .flush()
    .catch(() => undefined)
    .finally(() => {
      agent.close();
      process.exit();
    });
}
