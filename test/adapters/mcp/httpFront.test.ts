/** The SDK's own client over streamable HTTP, a published server behind the gateway. */
import { request } from "node:http";
import { createRequire } from "node:module";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { expect } from "chai";

import type { Act } from "../../../agent/entry/signEntry.ts";
import { HttpFront } from "../../../adapters/mcp/httpFront.ts";
import { ChildPort } from "../../../adapters/mcp/stdioPort.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { memoryLedger } from "./memoryLedger.ts";

const serverScript = createRequire(import.meta.url).resolve("@modelcontextprotocol/server-everything/dist/index.js");

describe("adapters/mcp over streamable HTTP", () => {
  let front: HttpFront;
  let url: string;
  let entries: readonly Act[];
  let closeLedger: () => Promise<void>;
  const folder = tempFolders();

  beforeEach(async () => {
    const opened = memoryLedger(await folder(), ({ tool }) =>
      tool === "echo" ? undefined : { code: "ERR_AUTH_POLICY", detail: "echo only" },
    );
    entries = opened.entries;
    closeLedger = opened.close;
    front = new HttpFront({
      host: "127.0.0.1",
      port: 0,
      maxSessions: 2,
      connectServer: () => ChildPort.open({ program: process.execPath, args: [serverScript, "stdio"] }),
      ledger: opened.ledger,
    });
    url = await front.listen();
  });

  afterEach(async () => {
    await front.close();
    await closeLedger();
  });

  async function connect(): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
    const client = new Client({ name: "test", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(url));
    await client.connect(transport as Transport);
    return { client, transport };
  }

  it("keeps sessions apart: each is a thread of its own", async () => {
    const [one, two] = [await connect(), await connect()];
    for (const { client } of [one, two]) await client.callTool({ name: "echo", arguments: { message: "hi" } });
    const refused = await one.client.callTool({ name: "get-env", arguments: {} });
    expect(refused.isError).to.equal(true);
    expect(entries.map(({ kind }) => kind)).to.deep.equal(["act", "act", "refusal"]);
    expect(entries[0]?.thread).to.equal(entries[2]?.thread);
    expect(entries[0]?.thread).not.to.equal(entries[1]?.thread);
    await Promise.all([one.client.close(), two.client.close()]);
  });

  it("bounds the sessions, and makes room when one ends", async () => {
    const [one] = [await connect(), await connect()];
    const third = await connect().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    expect(third).to.contain("too many sessions");
    await one!.transport.terminateSession();
    const { client } = await connect();
    expect((await client.listTools()).tools).not.to.have.length(0);
  });

  it("knows no session but its own, and no strange host", async () => {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const without = await fetch(url, { method: "POST", headers, body });
    expect(without.status).to.equal(400);
    const wrong = await fetch(url, { method: "POST", headers: { ...headers, "mcp-session-id": "x" }, body });
    expect(wrong.status).to.equal(404);

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
});
