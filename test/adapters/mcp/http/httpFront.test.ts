/** The official clients over streamable HTTP, of both eras, and official servers of both behind the gateway. */
import { request } from "node:http";
import { join } from "node:path";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { expect } from "chai";

import type { Upstream } from "../../../../adapters/mcp/http/frontOptions.ts";
import { HttpFront } from "../../../../adapters/mcp/http/httpFront.ts";
import type { Gate } from "../../../../adapters/mcp/gate.ts";
import { childUpstream, httpUpstream } from "../../../../adapters/mcp/upstreams.ts";
import { tempFolders } from "../../../helpers/tempFolder.ts";
import { memoryLedger } from "../memoryLedger.ts";
import { officialHttpServer } from "../officialServer.ts";

const program = join(import.meta.dirname, "../officialStdioServer.ts");
const noPay: Gate = ({ tool }) => (tool === "pay" ? { code: "ERR_AUTH_POLICY", detail: "no payments" } : undefined);

describe("adapters/mcp over streamable HTTP", () => {
  const opened: { close(): Promise<unknown> }[] = [];
  const folder = tempFolders();

  afterEach(async () => {
    for (const open of opened.splice(0).reverse()) await open.close();
  });

  async function serve(upstream: Upstream, gate: Gate = () => undefined, more: { maxSessions?: number } = {}) {
    const memory = memoryLedger(await folder(), gate);
    const problems: unknown[] = [];
    const onProblem = (problem: unknown) => problems.push(problem);
    const front = new HttpFront({ host: "127.0.0.1", port: 0, upstream, ledger: memory.ledger, onProblem, ...more });
    opened.push(memory, front);
    return { ...memory, url: await front.listen(), problems };
  }

  const stdio = () =>
    childUpstream({ program: process.execPath, args: ["--no-warnings", program] }, 2, () => undefined);
  async function http(): Promise<Upstream> {
    const server = await officialHttpServer();
    opened.push(server);
    return httpUpstream({ url: server.url, headers: {}, maxBytes: 1 << 20 });
  }

  async function connect(url: string, mode: "legacy" | "auto" | { pin: string }): Promise<Client> {
    const client = new Client(
      { name: "test", version: "1" },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode } },
    );
    client.setRequestHandler("elicitation/create", () => ({ action: "accept" as const, content: {} }));
    opened.push(client);
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    return client;
  }

  const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]?.text ?? "";

  for (const [name, make] of [
    ["stdio", () => Promise.resolve(stdio())],
    ["HTTP", http],
  ] as const) {
    for (const mode of ["legacy", { pin: "2026-07-28" }, "auto"] as const) {
      it(`serves the official client (${JSON.stringify(mode)}) before an official server over ${name}`, async () => {
        const { url, entries } = await serve(await make());
        const client = await connect(url, mode);
        expect((await client.listTools()).tools.map((tool) => tool.name)).to.include("echo");
        const result = await client.callTool({ name: "echo", arguments: { message: "grüß" } });
        expect(textOf(result)).to.equal("Echo: grüß");
        expect(entries.map(({ act, kind, input }) => [act, kind, input])).to.deep.equal([
          ["echo", "act", { message: "grüß" }],
        ]);
        expect((entries[0]?.output as { content: unknown }).content).to.deep.equal(result.content);
        expect(client.getProtocolEra()).to.equal(mode === "legacy" ? "legacy" : "modern");
      });
    }

    it(`takes a call that asks its user first for one act, over ${name}`, async () => {
      const once: Gate = ({ tool }, before) =>
        before.some(({ act }) => act === tool) ? { code: "ERR_AUTH_POLICY", detail: "once" } : undefined;
      const { url, entries } = await serve(await make(), once);
      const client = await connect(url, { pin: "2026-07-28" });
      expect(textOf(await client.callTool({ name: "pay", arguments: { cents: 5 } }))).to.equal("paid 5");
      expect(entries.map(({ act, kind }) => [act, kind])).to.deep.equal([["pay", "act"]]);
      const again = await client.callTool({ name: "pay", arguments: { cents: 5 } });
      expect(again.isError).to.equal(true);
      expect(entries.map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
    });
  }

  it("serves the SDK's first client, and keeps its sessions apart: each is a thread of its own", async () => {
    const { url, entries } = await serve(stdio(), noPay);
    const connectFirst = async (): Promise<FirstClient> => {
      const client = new FirstClient({ name: "test", version: "1" });
      await client.connect(new FirstTransport(new URL(url)) as Transport);
      opened.push(client);
      return client;
    };
    const [one, two] = [await connectFirst(), await connectFirst()];
    for (const client of [one, two]) await client.callTool({ name: "echo", arguments: { message: "hi" } });
    const refused = await one.callTool({ name: "pay", arguments: {} });
    expect(refused.isError).to.equal(true);
    expect(entries.map(({ kind }) => kind)).to.deep.equal(["act", "act", "refusal"]);
    expect(entries[0]?.thread).to.equal(entries[2]?.thread);
    expect(entries[0]?.thread).not.to.equal(entries[1]?.thread);
  });

  it("ends the quietest session for a new one, so that those that nobody ended keep nobody out", async () => {
    const { url } = await serve(await http(), undefined, { maxSessions: 2 });
    for (let count = 0; count < 5; count++) {
      const answer = await post(url, initialize);
      expect(answer.status).to.equal(200);
    }
  });

  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`;
  const post = (url: string, body: string, more: Record<string, string> = {}) =>
    fetch(url, { method: "POST", headers: { ...headers, ...more }, body });

  it("knows no session but its own, and no strange host", async () => {
    const { url } = await serve(await http());
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    expect((await post(url, body)).status).to.equal(400);
    expect((await post(url, body, { "mcp-session-id": "x" })).status).to.equal(404);
    expect((await post(url, body, { origin: "https://evil.example" })).status).to.equal(403);
    // fetch does not let us lie about the host; a page that rebinds its name to 127.0.0.1 can.
    const status = await new Promise((resolve, reject) => {
      const asked = request(url, { method: "POST", headers: { ...headers, host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once("error", reject).end(body);
    });
    expect(status).to.equal(403);
  });

  const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`;
  const echo = `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"message":"a"},${meta}}}`;
  const head = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "echo",
    "mcp-param-message": "a",
  };

  for (const [what, more] of [
    ["Mcp-Name", { "mcp-name": "read" }],
    ["Mcp-Method", { "mcp-method": "tools/list" }],
    ["MCP-Protocol-Version", { "mcp-protocol-version": "2025-11-25" }],
    ["Mcp-Name in base64", { "mcp-name": "=?base64?cmVhZA==?=" }],
  ] as const) {
    it(`refuses and enters a call whose ${what} says something else than its body`, async () => {
      const { url, entries } = await serve(await http());
      expect((await post(url, echo, head)).status).to.equal(200);
      const answer = await post(url, echo, { ...head, ...more });
      expect(answer.status).to.equal(400);
      expect(await answer.json())
        .to.deep.include({ id: 3 })
        .and.to.have.nested.property("error.code", -32020);
      expect(entries.map(({ act, kind }) => [act, kind])).to.deep.equal([
        ["echo", "act"],
        ["echo", "refusal"],
      ]);
    });
  }

  it("names the revisions that it knows", async () => {
    const { url } = await serve(await http());
    const answer = await post(url, echo.replaceAll("2026-07-28", "2031-01-01"), {
      ...head,
      "mcp-protocol-version": "2031-01-01",
    });
    expect(answer.status).to.equal(400);
    expect(await answer.json()).to.have.nested.property("error.code", -32022);
  });

  it("answers what is no message, too large, or of another type in JSON", async () => {
    const { url, entries } = await serve(await http());
    const garbled = await post(url, `{"jsonrpc":"2.0","id":1`);
    expect([garbled.status, garbled.headers.get("content-type")]).to.deep.equal([400, "application/json"]);
    expect(entries.map(({ act, kind }) => [act, kind])).to.deep.equal([["mcp.message", "refusal"]]);
    expect((await post(url, "x", { "content-type": "text/plain" })).status).to.equal(415);
    const large = await post(url, echo.replace('"a"', `"${"x".repeat(200_000)}"`), {
      ...head,
      "mcp-param-message": "x",
    });
    // The server compares its header; what counts here is that the body came through.
    expect(large.status).to.equal(400);
    expect(await large.json()).to.have.nested.property("error.code", -32020);
  });
});
