import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readTranscripts } from "../../../adapters/transcript/readTranscripts.ts";
import type { TranscriptConversation } from "../../../adapters/transcript/types.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

const system = { role: "system", content: "Be brief." };
const user = { role: "user", content: "What is 2 + 2, and the weather?" };
const call = (id: string, name: string, args: string) => ({
  id,
  type: "function",
  function: { name, arguments: args },
});
const asks = (calls: object[], content: string | null = null) => ({ role: "assistant", content, tool_calls: calls });
const answers = (id: string, content: unknown) => ({ role: "tool", tool_call_id: id, content });
const bye = { role: "assistant", content: "Four." };
const conversation = [system, user, asks([call("c1", "sum", '{"a":2,"b":2}')]), answers("c1", '{"sum":4}'), bye];

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("adapters/transcript", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affiant-transcript-"));
  });

  after(() => rm(folder, { recursive: true }));

  async function read(content: unknown): Promise<TranscriptConversation[]> {
    const file = join(folder, "transcript.json");
    await writeFile(
      file,
      typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
    );
    return collect(readTranscripts(file));
  }

  async function refusal(content: unknown): Promise<string> {
    try {
      await read(content);
    } catch (error) {
      if (isAffiantError(error, "ERR_INPUT_FILE")) return error.message;
      throw error;
    }
    return "accepted";
  }

  const actsOf = (read: TranscriptConversation[]) => read.flatMap(({ acts }) => acts);

  it("makes one act of a call and its result", async () => {
    const [only, ...others] = await read([{ task: 7, messages: conversation }]);
    expect(others).to.deep.equal([]);
    expect(only?.warnings).to.deep.equal([]);
    const { thread, idempotencyKey, ...act } = only!.acts[0]!;
    expect(thread).to.match(/^t-[0-9a-f]{40}$/);
    expect(idempotencyKey).to.match(/^transcript-[0-9a-f]{64}$/);
    expect(act).to.deep.equal({
      act: "sum",
      input: { a: 2, b: 2 },
      output: { sum: 4 },
      context: {
        callIndex: 0,
        callIndexInMessage: 0,
        callsInMessage: 1,
        messageIndex: 2,
        turn: 1,
        reply: null,
        toolCallId: "c1",
        inputIsText: false,
      },
    });
  });

  it("reads every form of file alike", async () => {
    const expected = actsOf(await read([{ messages: conversation }]));
    const forms: [string, unknown][] = [
      ["an array with `traj`", [{ traj: conversation }]],
      ["one object, indented", JSON.stringify({ messages: conversation }, null, 2)],
      ["an array of messages", conversation],
      ["an array of arrays", [conversation]],
      ["JSON Lines of objects", `${JSON.stringify({ messages: conversation })}\n`],
      ["JSON Lines of arrays", `${JSON.stringify(conversation)}\n\n`],
      ["a byte order mark", `\uFEFF${JSON.stringify(conversation)}`],
    ];
    for (const [form, content] of forms) expect(actsOf(await read(content)), form).to.deep.equal(expected);
  });

  it("keeps conversations of JSON Lines apart", async () => {
    const other = conversation.map((message) => (message === user ? { ...user, content: "And 3 + 3?" } : message));
    const lines = await read(`${JSON.stringify(conversation)}\n${JSON.stringify(other)}\n`);
    expect(lines.map(({ index, messageCount }) => [index, messageCount])).to.deep.equal([
      [0, 5],
      [1, 5],
    ]);
    expect(new Set(actsOf(lines).map(({ thread }) => thread)).size).to.equal(2);
  });

  it("keeps what is not JSON as text, and says so of arguments", async () => {
    const [result] = await read([
      system,
      user,
      asks([call("c", "say", "hello")], "A moment."),
      answers("c", "Error: no"),
    ]);
    expect(result?.acts[0]).to.deep.include({ input: "hello", output: "Error: no" });
    expect(result?.acts[0]?.context).to.deep.include({ inputIsText: true, reply: "A moment." });
    expect(result?.warnings).to.deep.equal([
      { conversation: 0, message: 2, text: "the arguments of say are not JSON and are kept as text" },
    ]);
  });

  it("matches results by id, in any order, and lets an id be used again", async () => {
    const [result] = await read([
      asks([call("a", "x", "1"), call("b", "y", "2")]),
      answers("b", "20"),
      answers("a", "10"),
      asks([call("a", "z", "3")]),
      answers("a", null),
    ]);
    expect(result?.warnings).to.deep.equal([]);
    expect(result?.acts.map(({ act, output, context }) => [act, output, context.callsInMessage])).to.deep.equal([
      ["x", 10, 2],
      ["y", 20, 2],
      ["z", null, 1],
    ]);
  });

  it("gives a conversation that grew its old ids again", async () => {
    const grown = [...conversation, user, asks([call("c2", "sum", '{"a":3,"b":3}')]), answers("c2", "6"), bye];
    const early = actsOf(await read(conversation));
    const late = actsOf(await read(grown));
    expect(late).to.have.length(2);
    expect(late[0]).to.deep.equal(early[0]);
    expect(late[1]?.thread).to.equal(early[0]?.thread);
    expect(late[1]?.idempotencyKey).not.to.equal(early[0]?.idempotencyKey);
  });

  it("gives two conversations other ids when only their meta data differ", async () => {
    const [first, second] = actsOf(
      await read([
        { trial: 0, messages: conversation },
        { trial: 1, messages: conversation },
      ]),
    );
    expect(first?.thread).not.to.equal(second?.thread);
    expect(first?.idempotencyKey).not.to.equal(second?.idempotencyKey);
  });

  it("keeps two equal conversations as two, with the same ids on every reading", async () => {
    const twice = [{ messages: conversation }, { messages: conversation }];
    const read1 = await read(twice);
    expect(new Set(actsOf(read1).map(({ idempotencyKey }) => idempotencyKey)).size).to.equal(2);
    expect(new Set(actsOf(read1).map(({ thread }) => thread)).size).to.equal(2);
    expect(read1[1]?.warnings[0]?.text).to.contain("word for word like 1 conversation");
    expect(await read(twice)).to.deep.equal(read1);
  });

  it("leaves a last call without result for later, and records one that was passed over", async () => {
    const pending = await read(conversation.slice(0, 3));
    expect(pending[0]?.acts).to.deep.equal([]);
    expect(pending[0]?.warnings).to.deep.equal([
      { conversation: 0, message: 2, text: "sum has no result yet; it is left for a later import" },
    ]);
    const passedOver = await read([...conversation.slice(0, 3), user]);
    expect(passedOver[0]?.acts[0]).not.to.have.property("output");
    expect(passedOver[0]?.warnings[0]?.text).to.equal("sum never got a result");
  });

  it("names results that answer nothing", async () => {
    const [result] = await read([...conversation, answers("c1", "5"), answers("c9", "6")]);
    expect(result?.acts[0]?.output).to.deep.equal({ sum: 4 });
    expect(result?.warnings.map(({ message, text }) => [message, text])).to.deep.equal([
      [5, 'a result for call "c1", which already has one; it is not imported'],
      [6, 'a result for call "c9", which nobody made; it is not imported'],
    ]);
  });

  it("repairs half characters, and says where", async () => {
    const [result] = await read([asks([call("c", "say", '{"a":"\\ud83d"}')]), answers("c", "x\ud83d")]);
    expect(result?.acts[0]).to.deep.include({ input: { a: "\uFFFD" }, output: "x\uFFFD" });
    expect(result?.warnings.map(({ message }) => message)).to.deep.equal([1, 0]);
  });

  it("refuses what it cannot read, with the place", async () => {
    const cases: [unknown, RegExp][] = [
      ["", /holds no conversation/],
      ["[]", /holds no conversation/],
      ["hello", /found "h", at character 0/],
      ["[1]", /expected value or end, found "1", at character 1/],
      [`[${JSON.stringify(conversation)} {}]`, /expected comma or end/],
      [`[${JSON.stringify(conversation)},]`, /expected value, found "\]"/],
      [JSON.stringify([conversation]).slice(0, -1), /ends in the middle/],
      [[{ messages: conversation }, { text: "no messages" }], /conversation 1: no list of messages/],
      [[{ messages: [], traj: [] }], /which are meant/],
      [[...conversation, { content: "who?" }], /conversation 0: message 5 has no role/],
      [[conversation, [{ content: "who?" }]], /conversation 1, message 0: no role/],
      ['[{"role": user}]', /conversation 0 \(at character 1\): not JSON/],
      [[asks([{ id: "c", type: "function" }])], /message 0, tool call 0: no `function`/],
      [[asks([call("c", "", "{}")])], /a call without a name/],
      [[{ ...user, tool_calls: [call("c", "x", "{}")] }], /tool calls in a message of role user/],
      [[{ role: "tool", content: "4" }], /without `tool_call_id`/],
      [[asks([call("c", "pay", '{"x":1e400}')]), answers("c", "1")], /conversation 0, message 0: .*beyond any/],
      [
        [{ role: "assistant", content: [{ type: "new_call", call_id: "c", name: "pay" }] }],
        /which may be a tool's call/,
      ],
      [{ resourceSpans: [] }, /an export of OpenTelemetry spans/],
      [[{ role: "user", content: 5 }], /neither text nor a list of parts/],
      [[asks([call("c", "x", "[".repeat(300) + "]".repeat(300))]), answers("c", "")], /nested deeper than 200/],
      [new Uint8Array([0x7b, 0xff, 0x7d]), /is not UTF-8/],
    ];
    for (const [content, message] of cases) expect(await refusal(content)).to.match(message);
  });

  it("reports progress up to the whole file", async () => {
    const file = join(folder, "progress.json");
    await writeFile(file, JSON.stringify(conversation));
    const reports: [number, number][] = [];
    await collect(readTranscripts(file, { onProgress: (read, total) => reports.push([read, total]) }));
    const [read, total] = reports.at(-1) ?? [0, 0];
    expect(read).to.equal(total).and.to.be.greaterThan(0);
  });
});
