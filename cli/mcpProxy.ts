import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Command } from "commander";

import { printLines, protocolOutput } from "../host/terminal/print.ts";
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
import { ChainProvider } from "../agent/chain/chainProvider.ts";
import { ChainRevocations } from "../agent/calls/chainRevocations.ts";
import { CachedRevocations } from "../agent/calls/revocations.ts";
import { ActLedger } from "../adapters/acts/actLedger.ts";
import { ClaimStore } from "../adapters/acts/claimStore.ts";
import { allGates, contractGate, type Gate, ledgerGate, policyGate, revocationGate } from "../adapters/mcp/gate.ts";
import { HttpFront } from "../adapters/mcp/httpFront.ts";
import { type MessagePort, SdkPort } from "../adapters/mcp/messagePort.ts";
import { ChildPort, LinePort } from "../adapters/mcp/stdioPort.ts";
import { ToolGateway } from "../adapters/mcp/toolGateway.ts";
import { agentFolder } from "../agent/keys/agentFolder.ts";
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
  readonly header?: readonly string[];
  readonly env?: readonly string[];
  readonly allowMethod?: readonly string[];
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
    .option("--header <name: value...>", "sent with each request to --server-url, such as an Authorization")
    .option("--env <NAME=value...>", "for the server's command, beside the environment of this one")
    .option(
      "--allow-method <method...>",
      "methods of the server's own that clients may use beside those of the protocol",
    )
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
  const claims = new ClaimStore(join(agentFolder(dataDir, flags.agent).path, "claims"));
  const ledger = new ActLedger({ agent, gate: ledgerGate(gate), claims });
  const recovered = await ledger.recover();
  if (recovered > 0) {
    printLines("stderr", [`affiant mcp-proxy: ${recovered} calls of before are on record now`]);
  }
  const end = (): void => endAgent(agent, claims);
  const options = {
    ledger,
    allowedMethods: flags.allowMethod ?? [],
    ...(contractCid === undefined ? {} : { contractCid }),
    // stdout belongs to the protocol.
    onProblem: (problem: unknown) => printLines("stderr", [`affiant mcp-proxy: ${String(problem)}`]),
  };
  if (flags.http !== undefined) {
    const front = new HttpFront({ ...options, host: "127.0.0.1", port: readPort(flags.http), connectServer });
    printLines("stderr", [`affiant mcp-proxy: clients connect to ${await front.listen()}`]);
    onEnd(() => front.close(), end);
  } else {
    const gateway: ToolGateway = new ToolGateway({
      ...options,
      client: new LinePort(process.stdin, protocolOutput()),
      server: await connectServer(),
      session: randomUUID(),
      onEnd: end,
    });
    onEnd(() => gateway.close(), end);
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
  const provider = new ChainProvider({ url: requireRpcUrl(environment), chainId });
  const source = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
  return new CachedRevocations(source, maxAgeSec);
}

function serverOf([program, ...args]: readonly string[], flags: Flags): () => Promise<MessagePort> {
  const { serverUrl } = flags;
  const env = pairsOf(flags.env, "=", "--env NAME=value");
  const headers = pairsOf(flags.header, ":", "--header 'Name: value'");
  if (serverUrl !== undefined && program === undefined) {
    if (!URL.canParse(serverUrl)) throw new AffiantError("ERR_INPUT_CONFIG", `--server-url is no URL: ${serverUrl}`);
    const open = (): Transport =>
      new StreamableHTTPClientTransport(new URL(serverUrl), { requestInit: { headers } }) as Transport;
    return () => Promise.resolve(new SdkPort(open()));
  }
  if (program !== undefined && serverUrl === undefined) return () => ChildPort.open({ program, args, env });
  throw new AffiantError("ERR_INPUT_CONFIG", "give either a server's command after --, or --server-url");
}

function pairsOf(given: readonly string[] = [], separator: string, form: string): Record<string, string> {
  const pairs = given.map((text) => {
    const at = text.indexOf(separator);
    if (at < 1) throw new AffiantError("ERR_INPUT_CONFIG", `${form}, not ${JSON.stringify(text.slice(0, 40))}`);
    return [text.slice(0, at).trim(), text.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
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

function onEnd(close: () => Promise<void>, end: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void close().then(end));
}

/** What was entered last is given a moment to arrive; what does not arrive goes out next time. */
function endAgent(agent: Agent, claims: ClaimStore): void {
  void agent
    .flush()
    .catch(() => undefined)
    .finally(() => {
      claims.close();
      agent.close();
      process.exit();
    });
}
