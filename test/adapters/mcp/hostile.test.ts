/** Clients and servers that say what none should, byte by byte: acts without a record 0, false entries 0. */
import { expect } from "chai";

import type { Gate } from "../../../adapters/mcp/gate.ts";
import { ToolGateway } from "../../../adapters/mcp/toolGateway.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { memoryLedger } from "./memoryLedger.ts";
import { WirePort } from "./wirePort.ts";

const allow: Gate = () => undefined;
const denyDelete: Gate = ({ tool }) =>
  tool === "delete_all" ? { code: "ERR_AUTH_POLICY", detail: "forbidden" } : undefined;
const onceOnly: Gate = ({ tool }, before) =>
  before.some(({ act }) => act === tool) ? { code: "ERR_AUTH_POLICY", detail: "once only" } : undefined;

describe("adapters/mcp: hostile clients and servers", () => {
  const folder = tempFolders();
  const opened: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const open of opened.splice(0)) await open.close();
  });

  async function scene(gate: Gate, record?: (act: Act) => Promise<unknown>) {
    const memory = memoryLedger(await folder(), gate, record);
    const [client, server] = [new WirePort(), new WirePort()];
    const problems: unknown[] = [];
    const onProblem = (problem: unknown) => problems.push(problem);
    const gateway = new ToolGateway({ client, server, ledger: memory.ledger, session: "s", onProblem });
    await gateway.start();
    opened.push(gateway, memory);
    /** Resolves when everything that was said is dealt with. */
    const ended = () => gateway.close();
    return { ...memory, client, server, problems, ended };
  }

  const call = (id: number, name: string, args = "{}") =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`;
  const result = (id: number, text = "ok") =>
    `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${text}"}]}}`;
  const kinds = (entries: readonly Act[]) => entries.map(({ act, kind }) => [act, kind]);

  const shapes: readonly (readonly [what: string, text: string, act: string])[] = [
    [
      "a call as a notification",
      `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"read","arguments":{}}}`,
      "read",
    ],
    [
      "a list as the tool's name",
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["read"],"arguments":{}}}`,
      "mcp.message",
    ],
    ["no name at all", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, "mcp.message"],
    [
      "a list of arguments",
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":[1]}}`,
      "read",
    ],
    [
      "a method twice",
      `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"read"}}`,
      "read",
    ],
    [
      "a method in another case beside",
      `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"read"}}`,
      "read",
    ],
    [
      "a method in another case",
      `{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"read"}}`,
      "mcp.message",
    ],
    [
      "a name in another case beside",
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Name":"delete_all"}}`,
      "read",
    ],
    [
      "arguments twice within",
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":1,"a":2}}}`,
      "read",
    ],
    ["a batch", `[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}]`, "mcp.message"],
    ["a fraction as id", `{"jsonrpc":"2.0","id":1.5,"method":"tools/call","params":{"name":"read"}}`, "read"],
    ["an object as id", `{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"read"}}`, "read"],
    ["a method of the server's own", `{"jsonrpc":"2.0","id":1,"method":"admin/wipe","params":{}}`, "mcp.message"],
    ["a request and a response at once", `{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, "mcp.message"],
    ["no JSON", `{"jsonrpc":"2.0","id":1,"method":"tools/call"`, "mcp.message"],
  ];
  for (const [what, text, act] of shapes) {
    it(`lets ${what} not pass, and enters the refusal`, async () => {
      const { client, server, entries, ended } = await scene(allow);
      client.say(text);
      await ended();
      expect(server.received).to.deep.equal([]);
      expect(kinds(entries)).to.deep.equal([[act, "refusal"]]);
      expect(entries[0]?.output).to.deep.include({ refused: "ERR_INPUT_MCP_MESSAGE" });
    });
  }

  it("passes the very bytes on, and keeps every digit", async () => {
    const { client, server, entries, ended } = await scene(allow);
    const text = call(1, "transfer", `{ "wei":1000000000000000001,"messageId":1234567890123456789, "e":1e400 }`);
    const answer = `{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"accountId":9007199254740993}}}`;
    server.onReceived = () => server.say(answer);
    client.say(text);
    await ended();
    expect(server.received).to.deep.equal([text]);
    expect(client.received).to.deep.equal([answer]);
    expect(entries[0]?.input).to.deep.equal({
      wei: "1000000000000000001",
      messageId: "1234567890123456789",
      e: "1e400",
    });
    expect(entries[0]?.output).to.deep.equal({ structuredContent: { accountId: "9007199254740993" } });
  });

  it("enters a result with half a character, and one that is nested too deep", async () => {
    const { client, server, entries, ended } = await scene(allow);
    const deep = `{"jsonrpc":"2.0","id":2,"result":{"x":${"[".repeat(1_500)}1${"]".repeat(1_500)}}}`;
    const answers = [`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"cut \\ud83d"}]}}`, deep];
    server.onReceived = () => server.say(answers.shift() as string);
    client.say(call(1, "read"));
    client.say(call(2, "read"));
    await ended();
    expect(client.received).to.have.length(2);
    expect(entries[0]?.output).to.deep.equal({ content: [{ type: "text", text: "cut \uFFFD" }] });
    expect(entries[1]?.output).to.have.keys("sha256", "chars", "why");
  });

  it("refuses a second call under an id that is open", async () => {
    const { client, server, entries, ended } = await scene(allow);
    client.say(call(7, "refund"));
    client.say(call(7, "read"));
    await ended();
    expect(server.received).to.deep.equal([call(7, "refund")]);
    expect(kinds(entries)).to.deep.equal([
      ["read", "refusal"],
      ["refund", "act"],
    ]);
  });

  it('takes 1 and "1" for two ids', async () => {
    const { client, server, entries, ended } = await scene(allow);
    client.say(call(1, "refund"));
    client.say(call(1, "read").replace('"id":1', '"id":"1"'));
    server.onReceived = (text) => {
      if (text.includes('"read"')) server.say(result(1, "number").replace('"id":1', '"id":"1"'));
    };
    await ended();
    expect(
      entries.map(({ act, output }) => [act, (output as { outcome?: string }).outcome ?? "answered"]),
    ).to.deep.equal([
      ["read", "answered"],
      ["refund", "unknown"],
    ]);
  });

  it("enters what a call gave although it was cancelled", async () => {
    const { client, server, entries, ended } = await scene(denyDelete);
    client.say(call(1, "refund"));
    client.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`);
    server.onReceived = (text) => {
      if (text.includes("cancelled")) server.say(result(1, "refunded"));
    };
    await ended();
    expect(entries).to.have.length(1);
    expect(entries[0]?.output).to.deep.equal({ content: [{ type: "text", text: "refunded" }] });
  });

  it("lets one of five at once through under a once-only rule", async () => {
    const { client, server, entries, ended } = await scene(onceOnly);
    for (const id of [1, 2, 3, 4, 5]) client.say(call(id, "refund"));
    server.onReceived = () => server.say(result(1));
    await ended();
    expect(server.received).to.have.length(1);
    expect(entries.filter(({ kind }) => kind === "refusal")).to.have.length(4);
  });

  it("takes one answer a call", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.onReceived = () => {
      server.say(result(1, "first"));
      server.say(result(1, "second"));
    };
    client.say(call(1, "read"));
    await ended();
    expect(entries.map(({ output }) => output)).to.deep.equal([{ content: [{ type: "text", text: "first" }] }]);
  });

  it("keeps a server's own words out of the protocol, and answers what it garbles", async () => {
    const { client, server, entries, problems, ended } = await scene(allow);
    server.onReceived = () => {
      server.say("Loading model...");
      server.say(`{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}`);
    };
    client.say(call(1, "read"));
    await ended();
    expect(problems).to.have.length(2);
    expect(entries[0]?.output).to.deep.equal({ unreadable: 'it names "a" twice' });
    expect(client.received).to.have.length(1);
  });

  it("ties a task's result to its call, asked for or not, and enters it once", async () => {
    const { client, server, entries, ended } = await scene(allow);
    const task = `{"jsonrpc":"2.0","id":5,"result":{"task":{"taskId":"T1","status":"working"}}}`;
    server.onReceived = (text) => {
      if (text.includes("tools/call")) server.say(task);
      if (text.includes("tasks/result")) server.say(result(6, "wired 500 dollars"));
    };
    client.say(call(5, "transfer", '{"cents":50000}'));
    client.say(`{"jsonrpc":"2.0","id":6,"method":"tasks/result","params":{"taskId":"T1"}}`);
    client.say(`{"jsonrpc":"2.0","id":7,"method":"tasks/result","params":{"taskId":"T1"}}`);
    await ended();
    expect(kinds(entries)).to.deep.equal([["transfer", "act"]]);
    expect(entries[0]).to.deep.include({ output: { content: [{ type: "text", text: "wired 500 dollars" }] } });
    expect(entries[0]?.context).to.deep.include({ taskId: "T1" });
  });

  it("takes the status that a server sends unasked, where it holds the result", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.onReceived = () => {
      server.say(`{"jsonrpc":"2.0","id":5,"result":{"resultType":"task","taskId":"T2","status":"working"}}`);
      server.say(
        `{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"T2","status":"completed","result":{"content":[]}}}`,
      );
    };
    client.say(call(5, "transfer"));
    await ended();
    expect(entries.map(({ output }) => output)).to.deep.equal([{ content: [] }]);
  });

  it("counts a call that wanted more input as one act", async () => {
    const { client, server, entries, ended } = await scene(onceOnly);
    const more = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{},"requestState":"st-1"}}`;
    const retry = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"refund","arguments":{},"inputResponses":{},"requestState":"st-1"}}`;
    server.onReceived = (text) => server.say(text.includes('"id":1,') ? more : result(2, "refunded"));
    client.say(call(1, "refund"));
    await new Promise((resolve) => setImmediate(resolve));
    client.say(retry);
    await ended();
    expect(server.received).to.have.length(2);
    expect(kinds(entries)).to.deep.equal([["refund", "act"]]);
  });

  it("judges a retry as a call of its own where it changes the call, or its state was never given", async () => {
    const { client, server, entries, ended } = await scene(onceOnly);
    const more = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"st-1"}}`;
    server.onReceived = () => server.say(more);
    client.say(call(1, "refund", '{"cents":1}'));
    await new Promise((resolve) => setImmediate(resolve));
    const retry = (id: number, cents: number, state: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"refund","arguments":{"cents":${cents}},"requestState":"${state}"}}`;
    client.say(retry(2, 999, "st-1"));
    client.say(retry(3, 1, "st-2"));
    await ended();
    expect(server.received).to.have.length(1);
    expect(entries.filter(({ kind }) => kind === "refusal")).to.have.length(2);
  });

  it("counts a retry without a state by the answers that it brings", async () => {
    const { client, server, entries, ended } = await scene(onceOnly);
    const more = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"sure":{}}}}`;
    const retry = (id: number, key: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"refund","arguments":{},"inputResponses":{"${key}":{}}}}`;
    server.onReceived = (text) => server.say(text.includes('"id":1,') ? more : result(3, "refunded"));
    client.say(call(1, "refund"));
    await new Promise((resolve) => setImmediate(resolve));
    client.say(retry(2, "other"));
    client.say(retry(3, "sure"));
    client.say(retry(4, "sure"));
    await ended();
    expect(server.received).to.have.length(2);
    expect(entries.map(({ kind }) => kind).sort()).to.deep.equal(["act", "refusal", "refusal"]);
  });

  it("loses no call where a server gives one task, or one state, to two", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.onReceived = (text) => {
      const { id } = JSON.parse(text) as { id: number };
      const outcome =
        id < 3 ? `{"resultType":"task","taskId":"T"}` : `{"resultType":"input_required","requestState":"st"}`;
      server.say(`{"jsonrpc":"2.0","id":${id},"result":${outcome}}`);
    };
    for (const id of [1, 2, 3, 4]) client.say(call(id, `tool${id}`));
    await ended();
    expect(entries.map(({ act }) => act).sort()).to.deep.equal(["tool1", "tool2", "tool3", "tool4"]);
  });

  it("takes a task's failed question for no outcome of the task", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.onReceived = (text) => {
      const { id, method } = JSON.parse(text) as { id: number; method: string };
      if (method === "tools/call")
        server.say(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"task","taskId":"T"}}`);
      else if (id === 2) server.say(`{"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"busy"}}`);
      else
        server.say(`{"jsonrpc":"2.0","id":${id},"result":{"taskId":"T","status":"completed","result":{"content":[]}}}`);
    };
    client.say(call(1, "transfer"));
    await new Promise((resolve) => setImmediate(resolve));
    for (const id of [2, 3]) client.say(`{"jsonrpc":"2.0","id":${id},"method":"tasks/get","params":{"taskId":"T"}}`);
    await ended();
    expect(entries.map(({ output }) => output)).to.deep.equal([{ content: [] }]);
  });

  it("takes what the tasks extension tells unasked (2026-07-28)", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.onReceived = () => {
      server.say(`{"jsonrpc":"2.0","id":5,"result":{"resultType":"task","taskId":"T2","status":"working"}}`);
      server.say(
        `{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"T2","status":"failed","error":{"code":-1,"message":"no"}}}`,
      );
    };
    client.say(call(5, "transfer"));
    await ended();
    expect(entries.map(({ output }) => output)).to.deep.equal([{ error: { code: -1, message: "no" } }]);
  });

  it("lets a client answer what the server asked, once, and nothing else", async () => {
    const { client, server, entries, ended } = await scene(allow);
    server.say(`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}`);
    await new Promise((resolve) => setImmediate(resolve));
    const answer = `{"jsonrpc":"2.0","id":"q","result":{"action":"accept"}}`;
    client.say(answer);
    client.say(answer);
    await ended();
    expect(server.received).to.deep.equal([answer]);
    expect(kinds(entries)).to.deep.equal([["mcp.message", "refusal"]]);
  });

  it("refuses a client of 2026-07-28 in a result that says what it is", async () => {
    const { client, ended } = await scene(denyDelete);
    const meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`;
    client.say(call(1, "delete_all", `{}${meta}`));
    await ended();
    expect(JSON.parse(client.received[0] as string)).to.have.nested.property("result.resultType", "complete");
  });
});
