/** Every HTTP server of ours, walked: one that listens on this machine answers to this machine's names and to no other. */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { pino } from "pino";

import { serveAccess } from "../../../access/openAccess.ts";
import { HttpFront } from "../../../adapters/mcp/http/httpFront.ts";
import { listenForCallback } from "../../../adapters/mcp/http/oauthCredentials.ts";
import type { ActService } from "../../../adapters/service/actService.ts";
import { ServiceServer as ActServer } from "../../../adapters/service/serviceServer.ts";
import { serviceServer, type ServiceServerOptions } from "../../../attestation/service/serviceServer.ts";
import { serveAttestation } from "../../../attestation/wrap/attestationServer.ts";
import { serveDashboard } from "../../../dashboard/server/serveDashboard.ts";
import { FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import { serve as serveStation } from "../../../examples/shop/station/server.ts";
import { serveDirectory } from "../../../directory/http/server.ts";
import type { DirectoryStore } from "../../../directory/store/store.ts";
import { BlockWatch } from "../../../host/watch/blockWatch.ts";
import { serveWatch } from "../../../host/watch/serveWatch.ts";
import { openFrontDoor } from "../../../orchestrator/chain/frontDoor.ts";
import { Closers } from "../../../relayer/closers.ts";
import type { RelayerConfig } from "../../../relayer/config.ts";
import { createApp } from "../../../relayer/http/app.ts";
import type { Metrics } from "../../../relayer/http/metrics.ts";
import { openGuards } from "../../../relayer/http/openGuards.ts";
import type { Sending } from "../../../relayer/openSending.ts";
import { underName } from "../../helpers/underName.ts";

const root = join(import.meta.dirname, "../../..");
/** Rooms whose programs people run. */
const rooms = readdirSync(root, { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && !/^(?:\.|node_modules$|artifacts$|cache$|types$|test$|scripts$)/.test(entry.name),
  )
  .map(({ name }) => name);

interface Started {
  readonly url: string;
  readonly close: () => unknown;
}

const ask = (name: string, url: string) => underName(name, `${url}/healthz`);
const silent = pino({ level: "silent" });
const none = () => Promise.resolve();
const never = () => Promise.reject(new Error("not asked in this test"));

function started(server: Server): Started {
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

async function listening(server: Server): Promise<Started> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return started(server);
}

/** The application of relayers and of workers, with their guards and none of their routes. */
async function relayer(): Promise<Started> {
  const config = {
    host: "127.0.0.1",
    allowedHosts: [],
    trustedProxies: [],
    rateLimitPerMinute: 0,
  } as unknown as RelayerConfig;
  const metrics = { observe: (_request, _response, next) => next() } as Pick<Metrics, "observe"> as Metrics;
  const closers = new Closers();
  const open = await openGuards(config, metrics, {}, {} as Pick<Sending, "shared">, closers);
  const server = await listening(
    createServer(createApp({ ...open, bodyLimitBytes: 1_000, logger: silent, routers: [] })),
  );
  return { ...server, close: () => Promise.all([server.close(), closers.close()]) };
}

function attestationService(): Promise<Started> {
  const options = { host: "127.0.0.1", names: [], token: "t", logger: silent, registry: {}, enrolments: {} };
  return listening(serviceServer(options as unknown as ServiceServerOptions));
}

async function actService(): Promise<Started> {
  const service = { close: none } as unknown as ActService;
  const server = new ActServer({ service, port: 0, token: "0123456789abcdef0123456789abcdef" });
  return { url: (await server.listen()) as string, close: () => server.close() };
}

async function mcpFront(host: string): Promise<Started> {
  const front = new HttpFront({
    host,
    port: 0,
    upstream: { session: never, exchange: never, close: none },
    ledger: {},
  } as never);
  return { url: new URL(await front.listen()).origin, close: () => front.close() };
}

async function door(): Promise<Started> {
  return openFrontDoor(0, { host: "127.0.0.1", port: 1 });
}

/** Its chain is asked nothing in this test. */
async function access(): Promise<Started> {
  const dataDir = await mkdtemp(join(tmpdir(), "affiant-test-"));
  const contracts = new Proxy({}, { get: () => ({ address: `0x${"1".repeat(40)}` }) });
  const settings = {
    dataDir,
    deployment: { chainId: 31337, contracts },
    chain: {},
    resources: {},
    scopeTable: {},
    clients: [],
  };
  const server = await serveAccess(settings as unknown as Parameters<typeof serveAccess>[0], { port: 0 });
  const close = async () => {
    await server.close();
    await rm(dataDir, { recursive: true });
  };
  return { url: server.url, close };
}

/** Where a server is made; a new one needs a row. `checkedIn`: it takes a world to start, and another test asks it. */
const servers: Readonly<Record<string, (() => Promise<Started>) | { readonly checkedIn: string }>> = {
  "access/openAccess.ts": access,
  "adapters/mcp/http/httpFront.ts": () => mcpFront("127.0.0.1"),
  "adapters/mcp/http/oauthCredentials.ts": async () => {
    const { port, close } = await listenForCallback(0);
    return { url: `http://127.0.0.1:${port}`, close };
  },
  "adapters/service/serviceServer.ts": actService,
  "attestation/service/serviceServer.ts": attestationService,
  "attestation/wrap/attestationServer.ts": () => serveAttestation({ wrapper: { answer: never } }),
  "cli/rehearse/faultProxy.ts": async () => {
    const proxy = await FaultProxy.start("http://127.0.0.1:1");
    proxy.plan(() => ({ kind: "answer", status: 204 }));
    return { url: proxy.url, close: () => proxy.close() };
  },
  "dashboard/server/serveDashboard.ts": () =>
    serveDashboard({ port: 0, parts: never, evidencePage: never, read: never }),
  "directory/http/server.ts": () =>
    serveDirectory({ store: {} as DirectoryStore, chainId: 1 }, { host: "127.0.0.1", port: 0 }),
  "examples/guarded-endpoint/server.ts": { checkedIn: "test/examples/sdk.test.ts" },
  "examples/shop/station/server.ts": async () => started(await serveStation({ routes: {} }, 0)),
  "host/watch/serveWatch.ts": () => serveWatch(new BlockWatch(never), 0),
  "orchestrator/chain/frontDoor.ts": door,
  "relayer/openWorker.ts": relayer,
  "relayer/startRelayer.ts": relayer,
};

function sourcesOf(room: string): readonly string[] {
  return readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|tsx|js|mjs)$/.test(name) && !/(?:^|\/)(?:dist|node_modules)\//.test(name))
    .map((name) => `${room}/${name}`);
}

/** Makes a server that speaks HTTP: of node:http, of HTTP/2 or TLS, or Express' own. */
function makesServer(source: string): boolean {
  const imported = /import \{[^}]*\bcreateServer\b[^}]*\} from "node:(?:http|https|http2)"/.test(source);
  return imported || /\bapp\s*\.listen\(/.test(source) || /\bhttps?\.createServer\(/.test(source);
}

describe("host/http: every server", () => {
  const open: Started[] = [];
  afterEach(async () => {
    for (const { close } of open.splice(0)) await close();
  });

  it("is one of those that are asked here under a foreign name", () => {
    const found = rooms
      .flatMap(sourcesOf)
      .filter((file) => makesServer(readFileSync(join(root, file), "utf8")))
      .sort();
    expect(found).to.deep.equal(Object.keys(servers).sort());
    for (const [file, how] of Object.entries(servers)) {
      if (!("checkedIn" in how)) continue;
      expect(readFileSync(join(root, how.checkedIn), "utf8"), file).to.contain("ERR_AUTH_HOST");
    }
  });

  for (const [file, start] of Object.entries(servers)) {
    if ("checkedIn" in start) continue;
    it(`answers to this machine's own names alone: ${file}`, async () => {
      const server = await start();
      open.push(server);
      const { host } = new URL(server.url);
      const foreign = await ask("evil.example", server.url);
      // MCP answers in the form of JSON-RPC, which has no codes of ours.
      if (!file.endsWith("/httpFront.ts")) expect(foreign.code).to.equal("ERR_AUTH_HOST");
      expect(foreign.status).to.equal(403);
      expect((await ask(host, server.url)).status).not.to.equal(403);
    });
  }

  it("is held to them on every address of the loopback interface", async () => {
    const server = await mcpFront("127.0.0.2");
    open.push(server);
    expect((await ask("evil.example", server.url)).status).to.equal(403);
    expect((await ask(new URL(server.url).host, server.url)).status).not.to.equal(403);
  });
});
