/** Servers behind HTTP that fail, forget, stream and break off, byte by byte; a client in memory before the gateway. */
import type { ServerResponse } from "node:http";

import { expect } from "chai";

import { type HttpServer, HttpServerPort } from "../../../../adapters/mcp/http/httpServerPort.ts";
import { ToolGateway } from "../../../../adapters/mcp/toolGateway.ts";
import { eventually } from "../../../helpers/eventually.ts";
import { tempFolders } from "../../../helpers/tempFolder.ts";
import { memoryLedger } from "../memoryLedger.ts";
import { WirePort } from "../wirePort.ts";
import { type Heard, rawServer, say } from "./rawServer.ts";

describe("adapters/mcp/http: servers", () => {
  const folder = tempFolders();
  const opened: { close(): Promise<unknown> }[] = [];

  afterEach(async () => {
    for (const open of opened.splice(0).reverse()) await open.close();
  });

  async function scene(answer: (heard: Heard, response: ServerResponse) => void, more: Partial<HttpServer> = {}) {
    const memory = memoryLedger(await folder(), () => undefined);
    const server = await rawServer(answer);
    const client = new WirePort();
    const port = new HttpServerPort({ url: server.url, headers: {}, maxBytes: 1 << 20, ...more });
    const gateway = new ToolGateway({ client, server: port, ledger: memory.ledger, session: "s" });
    await gateway.start();
    opened.push(server, memory, gateway);
    const answered = (count: number) => eventually(() => Promise.resolve(client.received.length >= count));
    return { ...memory, client, heard: server.heard, answered, gateway, port };
  }

  const call = (id: number, name = "read", args = "{}", meta = "") =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}${meta}}}`;
  const modern = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","traceparent":"00-aa-bb-01"}`;
  const result = (id: number | string) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`;
  const idOf = ({ body }: Heard) => (JSON.parse(body) as { id: number }).id;

  it("passes the very bytes both ways, and the headers that were given", async () => {
    const sent = call(1, "transfer", `{ "wei":1000000000000000001 }`, modern);
    const said = `{"jsonrpc":"2.0","id":1,\n "result":{"balance":9007199254740993}}`;
    const { client, heard, entries, answered } = await scene((_heard, response) => say(response, said), {
      headers: { authorization: "Bearer t", "x-api-key": "k" },
    });
    client.say(sent);
    await answered(1);
    expect(heard[0]?.body).to.equal(sent);
    expect(client.received).to.deep.equal([said]);
    expect(heard[0]?.headers).to.include({
      authorization: "Bearer t",
      "x-api-key": "k",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "transfer",
    });
    expect(entries[0]?.input).to.deep.equal({ wei: "1000000000000000001" });
    expect(entries[0]?.output).to.deep.equal({ balance: "9007199254740993" });
  });

  for (const [status, body] of [
    [401, "no token"],
    [404, "gone"],
    [500, "boom"],
    [403, "<html>"],
    [200, "<html>"],
  ] as const) {
    it(`answers under the request's id where the server says HTTP ${status} and ${body}`, async () => {
      const { client, entries, answered } = await scene((_heard, response) =>
        say(response, body, status, { "content-type": "text/html" }),
      );
      client.say(call(7));
      await answered(1);
      const said = JSON.parse(client.received[0] as string) as { id: number; error: { message: string } };
      expect(said.id).to.equal(7);
      expect(said.error.message).to.contain(`HTTP ${status}`);
      expect(entries.map(({ output }) => (output as { outcome: string }).outcome)).to.deep.equal(["unknown"]);
    });
  }

  it("keeps the server's own code where its error does not say for which request it is", async () => {
    const body = `{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}`;
    const { client, answered } = await scene((_heard, response) => say(response, body, 404));
    client.say(call(7));
    await answered(1);
    expect(JSON.parse(client.received[0] as string)).to.have.nested.property("error.code", -32001);
  });

  it("enters a refusal of the server's own as its outcome", async () => {
    const body = `{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"Header mismatch"}}`;
    const { client, entries, answered } = await scene((_heard, response) => say(response, body, 400));
    client.say(call(7, "read", "{}", modern));
    await answered(1);
    expect(client.received).to.deep.equal([body]);
    expect(entries[0]?.output).to.deep.equal({ error: { code: -32020, message: "Header mismatch" } });
  });

  it("lets a slow call hold up no other", async () => {
    let slow: ServerResponse | undefined;
    const { client, answered } = await scene((heard, response) => {
      if (idOf(heard) === 1) slow = response;
      else say(response, result(idOf(heard)));
    });
    client.say(call(1));
    client.say(call(2));
    await answered(1);
    expect(client.received).to.deep.equal([result(2)]);
    say(slow as ServerResponse, result(1));
    await answered(2);
  });

  it("opens a session anew that the server has forgotten, and makes the call once", async () => {
    let session = 0;
    const isKnown = (heard: Heard) => heard.headers["mcp-session-id"] === `s${session}`;
    const { client, heard, answered, entries } = await scene((one, response) => {
      if (one.method !== "POST") return say(response, "", 405);
      if (one.body.includes('"initialize"')) {
        const body = `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}`;
        return say(response, body, 200, { "mcp-session-id": `s${session}` });
      }
      if (!isKnown(one)) return say(response, `{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"?"}}`, 404);
      if (one.body.includes("notifications/")) return void response.writeHead(202).end();
      say(response, result(idOf(one)));
    });
    client.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`);
    await answered(1);
    client.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`);
    client.say(call(1));
    await answered(2);
    session = 1;
    client.say(call(2));
    await answered(3);
    expect(client.received.slice(1)).to.deep.equal([result(1), result(2)]);
    expect(heard.filter((one) => one.body === call(2) && isKnown(one))).to.have.length(1);
    expect(heard.at(-1)?.headers).to.include({ "mcp-protocol-version": "2025-11-25" });
    expect(entries).to.have.length(2);
  });

  it("reads a stream, takes up one that broke, and knows when the answer will not come", async () => {
    const { client, answered, entries } = await scene((one, response) => {
      if (one.method === "POST" && idOf(one) === 2)
        return void response.writeHead(200, { "content-type": "text/event-stream" }).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (one.method === "POST") {
        response.write(`retry: 1\nid: e1\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n`);
        return void response.end();
      }
      expect(one.headers["last-event-id"]).to.equal("e1");
      response.end(`data: {"jsonrpc":"2.0","id":1,\ndata: "result":{"content":[]}}\n\n`);
    });
    client.say(call(1));
    await answered(2);
    client.say(call(2));
    await answered(3);
    expect(client.received[1]).to.equal(`{"jsonrpc":"2.0","id":1,\n"result":{"content":[]}}`);
    expect(client.received[2]).to.contain("ended its answer");
    expect(entries.map(({ output }) => (output as { outcome?: string }).outcome ?? "answered")).to.deep.equal([
      "answered",
      "unknown",
    ]);
  });

  it("enters a call that its client gave up as unknown, and closes its stream (2026-07-28)", async () => {
    let isGone = false;
    const { client, heard, entries } = await scene((_one, response) => response.on("close", () => (isGone = true)));
    client.say(call(1, "read", "{}", modern));
    await eventually(() => Promise.resolve(heard.length === 1));
    client.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`);
    await eventually(() => Promise.resolve(entries.length === 1 && isGone));
    expect(entries[0]?.output).to.deep.equal({ outcome: "unknown", why: "the client gave the call up" });
    expect(client.received).to.deep.equal([]);
  });

  it("renews credentials that the server did not take, once", async () => {
    let token = "old";
    const credentials = {
      authorization: () => Promise.resolve(`Bearer ${token}`),
      refused: () => Promise.resolve(token !== (token = "new")),
    };
    const { client, heard, answered } = await scene(
      (one, response) => {
        if (one.headers.authorization === "Bearer new") say(response, result(idOf(one)));
        else say(response, "", 401, { "www-authenticate": "Bearer" });
      },
      { credentials },
    );
    client.say(call(1));
    await answered(1);
    expect(client.received).to.deep.equal([result(1)]);
    expect(heard.map((one) => one.headers.authorization)).to.deep.equal(["Bearer old", "Bearer new"]);
  });

  it("gives a call's arguments the headers that the tool asks for (x-mcp-header)", async () => {
    const tools = `[{"name":"read","inputSchema":{"properties":{"a":{"properties":{"b":{"type":"string","x-mcp-header":"Deep"}}}}}}]`;
    const { client, heard, answered } = await scene((one, response) =>
      say(
        response,
        one.body.includes("tools/list") ? `{"jsonrpc":"2.0","id":1,"result":{"tools":${tools}}}` : result(2),
      ),
    );
    client.say(
      `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
    );
    await answered(1);
    client.say(call(2, "read", `{"a":{"b":"grün"}}`, modern));
    await answered(2);
    expect(heard[1]?.headers).to.include({ "mcp-param-deep": "=?base64?Z3LDvG4=?=" });
  });

  it("follows no redirect with its credentials", async () => {
    const { client, heard, answered } = await scene((_one, response) =>
      response.writeHead(307, { location: "http://evil.example/" }).end(),
    );
    client.say(call(1));
    await answered(1);
    expect(heard).to.have.length(1);
    expect(client.received[0]).to.contain("HTTP 307");
  });
});
