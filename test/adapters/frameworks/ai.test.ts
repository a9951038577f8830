/** The Vercel AI SDK itself, with its own fake model. */
import { generateText, jsonSchema, stepCountIs, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { expect } from "chai";

import { wrapTools } from "../../../sdk/ai.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalAgent, localAgent } from "../localAgent.ts";

const anything = jsonSchema<Record<string, unknown>>({ type: "object" });
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** A model that calls these tools at once, and then is content. */
function modelThatCalls(...calls: readonly { id: string; tool: string; args: object }[]): MockLanguageModelV4 {
  const content = calls.map(({ id, tool: toolName, args }) => {
    return { type: "tool-call" as const, toolCallId: id, toolName, input: JSON.stringify(args) };
  });
  const answers = [
    { content, finishReason: { unified: "tool-calls" as const, raw: undefined }, usage, warnings: [] },
    {
      content: [{ type: "text" as const, text: "done" }],
      finishReason: { unified: "stop" as const, raw: undefined },
      usage,
      warnings: [],
    },
  ];
  return new MockLanguageModelV4({ doGenerate: answers });
}

describe("adapters/frameworks: the Vercel AI SDK", () => {
  const folder = tempFolders();
  let local: LocalAgent;
  const done: string[] = [];
  beforeEach(async () => {
    local = await localAgent(await folder());
    done.length = 0;
  });
  afterEach(() => local.agent.close());

  const tools = {
    lookup: tool({ inputSchema: anything, execute: (args) => (done.push("lookup"), { found: args }) }),
    refund: tool({ inputSchema: anything, execute: () => (done.push("refund"), "refunded") }),
    fail: tool({
      inputSchema: anything,
      execute: (): Promise<string> => Promise.reject(new Error("the bank said no")),
    }),
    transfer: tool({
      inputSchema: anything,
      async *execute() {
        await Promise.resolve();
        yield { at: "half" };
        yield { at: "end" };
      },
    }),
  };

  function run(model: MockLanguageModelV4, thread?: string) {
    const options = { agent: local.agent, ...(thread === undefined ? {} : { thread }) };
    return generateText({ model, tools: wrapTools(tools, options), prompt: "go", stopWhen: stepCountIs(2) });
  }

  /** What the model was told at its second turn. */
  const told = (model: MockLanguageModelV4): string => JSON.stringify(model.doGenerateCalls[1]?.prompt);

  it("enters a call with its arguments, result, thread and the tool-call id as its key", async () => {
    await run(modelThatCalls({ id: "call-1", tool: "lookup", args: { order: 7 } }), "chat-1");
    expect(local.entries()).to.deep.equal([
      {
        act: "lookup",
        kind: "act",
        thread: "chat-1",
        input: { order: 7 },
        output: { found: { order: 7 } },
        context: { tool: "lookup", protocol: "ai-sdk", callIndex: 0 },
      },
    ]);
    expect(local.agent.journal.byIdempotencyKey("call-1")?.seq).to.equal(0);
  });

  it("of two refunds that a model wants at once makes one; the model reads why, and the refusal is on record", async () => {
    const model = modelThatCalls({ id: "a", tool: "refund", args: {} }, { id: "b", tool: "refund", args: {} });
    await run(model);
    expect(done).to.deep.equal(["refund"]);
    expect(told(model)).to.contain("Refund once in a conversation").and.to.contain("ERR_AUTH_POLICY");
    expect(local.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
  });

  it("makes no call twice under one id, and answers with what is on record", async () => {
    await run(modelThatCalls({ id: "a", tool: "refund", args: {} }), "chat");
    const again = modelThatCalls({ id: "a", tool: "refund", args: {} });
    await run(again, "chat");
    expect(done).to.deep.equal(["refund"]);
    expect(told(again)).to.contain("refunded");
    expect(local.entries()).to.have.length(1);
  });

  it("refuses another call under an id that was used", async () => {
    await run(modelThatCalls({ id: "a", tool: "lookup", args: { order: 1 } }));
    const other = modelThatCalls({ id: "a", tool: "lookup", args: { order: 2 } });
    await run(other);
    expect(done).to.deep.equal(["lookup"]);
    expect(told(other)).to.contain("ERR_CONFLICT_IDEMPOTENCY_REUSED");
  });

  it("enters what a failing tool said", async () => {
    await run(modelThatCalls({ id: "a", tool: "fail", args: {} }));
    expect(local.entries().map(({ output }) => output)).to.deep.equal([{ error: "Error: the bank said no" }]);
  });

  it("enters what a tool that shows its progress gives last", async () => {
    const result = await run(modelThatCalls({ id: "a", tool: "transfer", args: { amount: 1 } }));
    expect(result.steps[0]?.toolResults.map(({ output }) => output as unknown)).to.deep.equal([{ at: "end" }]);
    expect(local.entries().map(({ output }) => output)).to.deep.equal([{ at: "end" }]);
  });

  it("does nothing where no entry could be made", async () => {
    local.trouble = new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer");
    const model = modelThatCalls({ id: "a", tool: "refund", args: {} });
    await run(model);
    expect(done).to.deep.equal([]);
    expect(told(model)).to.contain("ERR_UNAVAILABLE_RECORD");
  });

  it("forgets no rule when the process starts anew", async () => {
    const dataDir = await folder();
    const first = await localAgent(dataDir);
    const wrap = (agent: LocalAgent) => wrapTools(tools, { agent: agent.agent, thread: "chat" });
    const call = { model: modelThatCalls({ id: "a", tool: "refund", args: {} }), prompt: "go" };
    await generateText({ ...call, tools: wrap(first) });
    first.agent.close();
    const second = await localAgent(dataDir);
    await generateText({
      model: modelThatCalls({ id: "b", tool: "refund", args: {} }),
      prompt: "go",
      tools: wrap(second),
    });
    expect(second.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
    second.agent.close();
  });

  it("refuses to wrap a tool that nothing here runs, unless it is named", () => {
    const client = { ask: tool({ inputSchema: anything }) };
    expect(thrownCode(() => wrapTools(client, { agent: local.agent }))).to.equal("ERR_INPUT_CONFIG");
    expect(wrapTools(client, { agent: local.agent, unrecorded: ["ask"] })).to.deep.equal(client);
  });
});
