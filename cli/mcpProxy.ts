import { randomUUID } from "node:crypto";
import { join } from "node:path";

import type { Command } from "commander";

import { printLines, protocolOutput } from "../host/terminal/print.ts";
import { command, type CommonFlags } from "./command.ts";
import { readEnvironment, requireDeployment, requireRelayerUrl, requireRpcUrl } from "./environment.ts";
import { type FrontFlags, frontOf } from "./mcp/frontOf.ts";
import { type GateFlags, gatesOf } from "./mcp/gatesOf.ts";
import { readCount } from "./mcp/readCount.ts";
import { type UpstreamFlags, upstreamOf } from "./mcp/upstreamOf.ts";
import { printError } from "./output.ts";
import type { Agent } from "../agent/agent.ts";
import { ActLedger } from "../adapters/acts/actLedger.ts";
import { ClaimStore } from "../adapters/acts/claimStore.ts";
import { ledgerGate } from "../adapters/mcp/gate.ts";
import { HttpFront } from "../adapters/mcp/http/httpFront.ts";
import { LinePort } from "../adapters/mcp/stdioPort.ts";
import { ToolGateway } from "../adapters/mcp/toolGateway.ts";
import { agentFolder } from "../agent/keys/agentFolder.ts";
import { openAgent } from "../agent/openAgent.ts";

interface Flags extends CommonFlags, GateFlags, UpstreamFlags, FrontFlags {
  readonly agent: string;
  readonly allowMethod?: readonly string[];
  readonly maxCalls: string;
}

/** Outcomes that could not be entered are tried again this often. */
const retryMs = 15_000;

export function mcpProxyCommand(): Command {
  return command(
    "mcp-proxy",
    "Stand between an MCP client and its server: every tool call is judged and on record.",
    "all",
    [
      "affiant mcp-proxy --agent support --policy ./policy -- node server.js",
      "affiant mcp-proxy --agent support --contract tools.json --owner did:key:z6Mk… --http 3900 --server-url http://127.0.0.1:3000/mcp",
      "affiant mcp-proxy --agent support --http 3900 --issuer https://login.example --public-url https://tools.example/mcp -- node server.js",
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
    .option("--server-url <url>", "reach the server over streamable HTTP instead of starting a command")
    .option("--header <name: value...>", "sent with each request to --server-url, such as an Authorization")
    .option("--oauth", "log in at --server-url by its OAuth, in your browser; tokens stay in the agent's folder")
    .option("--env <NAME=value...>", "for the server's command, beside the environment of this one")
    .option("--max-servers <count>", "processes of the server's command that serve stateless clients", "8")
    .option("--http <port>", "serve clients over streamable HTTP on this port of 127.0.0.1 instead of stdio")
    .option("--public-url <url>", "where clients reach --http through a proxy: its name, and the tokens' audience")
    .option("--issuer <url...>", "serve only bearers of a JWT of these issuers for this gateway (OAuth 2.1)")
    .option("--jwks <url>", "with one --issuer: its keys, where its metadata does not name them")
    .option("--scope <scope...>", "with --issuer: what a token must be good for")
    .option("--pass-header <name...>", "headers of HTTP clients that go on to --server-url")
    .option("--allow-origin <origin...>", "pages of other hosts that may ask")
    .option("--max-sessions <count>", "sessions at a time; the quietest makes room for a new one", "100")
    .option("--session-idle <seconds>", "a session in which nobody waits or listens ends after this", "1800")
    .option("--max-body <bytes>", "of one message", String(16 << 20))
    .option("--max-calls <count>", "calls of a session that may wait for an answer", "1000")
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
  const environment = readEnvironment(flags);
  const { dataDir, passphrase, allowPrivate } = environment;
  const folder = agentFolder(dataDir, flags.agent).path;
  // stdout belongs to the protocol.
  const onProblem = (problem: unknown): void => printLines("stderr", [`affiant mcp-proxy: ${String(problem)}`]);
  const upstream = upstreamOf(server, flags, folder, onProblem);
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
  const claims = new ClaimStore(join(folder, "claims"));
  const ledger = new ActLedger({ agent, gate: ledgerGate(gate), claims });
  const recovered = await ledger.recover();
  if (recovered > 0) {
    printLines("stderr", [`affiant mcp-proxy: ${recovered} calls of before are on record now`]);
  }
  setInterval(() => void ledger.retry().catch(onProblem), retryMs).unref();
  const end = (): void => endAgent(agent, ledger, claims);
  const parts = {
    ledger,
    allowedMethods: flags.allowMethod ?? [],
    maxOpenCalls: readCount("--max-calls", flags.maxCalls),
    ...(contractCid === undefined ? {} : { contractCid }),
    onProblem,
  };
  if (flags.http !== undefined) {
    const front = new HttpFront(frontOf(flags.http, flags, parts, upstream, allowPrivate));
    printLines("stderr", [`affiant mcp-proxy: clients connect to ${await front.listen()}`]);
    onEnd(() => front.close(), end);
  } else {
    const gateway: ToolGateway = new ToolGateway({
      ...parts,
      client: new LinePort(process.stdin, protocolOutput()),
      server: await upstream.session({}),
      session: randomUUID(),
      onEnd: end,
    });
    onEnd(() => gateway.close(), end);
    await gateway.start();
  }
}

function onEnd(close: () => Promise<void>, end: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void close().then(end));
}

/** What was entered last is given a moment to arrive; what does not arrive goes out next time. */
function endAgent(agent: Agent, ledger: ActLedger, claims: ClaimStore): void {
  void ledger
    .retry()
    .then(() => agent.flush())
    .catch(() => undefined)
    .finally(() => {
      claims.close();
      agent.close();
      process.exit();
    });
}
