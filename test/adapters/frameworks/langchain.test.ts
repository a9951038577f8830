/** LangChain itself, with its own fake model. */
import { type AIMessage, HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { expect } from "chai";

import { wrapTools } from "../../../sdk/langchain.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalAgent, localAgent } from "../localAgent.ts";

const schema = { type: "object", properties: { order: { type: "number" } } } as const;

describe("adapters/frameworks: LangChain", () => {
  const folder = tempFolders();
  let local: LocalAgent;
  let done: string[];
  beforeEach(async () => {
    local = await localAgent(await folder());
    done = [];
  });
  afterEach(() => local.agent.close());

  function tools() {
    const make = (name: string, work: () => unknown) =>
      tool(
        () => {
          done.push(name);
          return work();
        },
        { name, description: name, schema },
      );
    const fail = (): never => {
      throw new Error("the bank said no");
    };
    return wrapTools([make("lookup", () => "found"), make("refund", () => "refunded"), make("fail", fail)], {
      agent: local.agent,
    });
  }

  /** One turn: the model wants calls, and they are made at once, as LangGraph's tool node makes them. */
  async function turn(
    calls: readonly { name: string; args: object; id: string }[],
    config = {},
  ): Promise<ToolMessage[]> {
    const wrapped = tools();
    const model = fakeModel().respondWithTools(calls.map((call) => ({ ...call, args: { ...call.args } })));
    const answer = (await model.bindTools(wrapped).invoke([new HumanMessage("go")])) as AIMessage;
    return Promise.all(
      (answer.tool_calls ?? []).map((call) => {
        const called = wrapped.find(({ name }) => name === call.name);
        return called?.invoke({ ...call, type: "tool_call" as const }, config) as Promise<ToolMessage>;
      }),
    );
  }

  it("enters a call under the run's thread, with the tool call's id as its key", async () => {
    const [answer] = await turn([{ name: "lookup", args: { order: 7 }, id: "call-1" }], {
      configurable: { thread_id: "chat 1" },
    });
    expect([answer?.content, answer?.tool_call_id]).to.deep.equal(["found", "call-1"]);
    const [entry] = local.entries();
    expect(entry).to.deep.include({ act: "lookup", kind: "act", input: { order: 7 }, output: "found" });
    // "chat 1" is no name that an entry can hold: its digest stands.
    expect(entry?.thread).to.match(/^[0-9a-f]{64}$/);
    expect(local.agent.journal.byIdempotencyKey("call-1")?.seq).to.equal(0);
  });

  it("of two refunds at once makes one, and answers the other in a message that the model reads", async () => {
    const answers = await turn([
      { name: "refund", args: {}, id: "a" },
      { name: "refund", args: {}, id: "b" },
    ]);
    expect(done).to.deep.equal(["refund"]);
    expect(answers.map(({ status, tool_call_id }) => [status, tool_call_id])).to.deep.equal([
      ["success", "a"],
      ["error", "b"],
    ]);
    expect(answers[1]?.content).to.contain("Refund once in a conversation");
    expect(local.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
  });

  it("enters what a failing tool said, and lets the error through", async () => {
    const [, , fail] = tools();
    const call = { name: "fail", args: {}, id: "a", type: "tool_call" as const };
    expect(((await fail?.invoke(call).catch((error: unknown) => error)) as Error).message).to.equal("the bank said no");
    expect(local.entries().map(({ output }) => output)).to.deep.equal([{ error: "Error: the bank said no" }]);
  });

  it("throws the refusal where there is no tool call to answer, and batches are judged as well", async () => {
    const [, refund] = tools();
    const made = refund?.batch([{}, {}]) as Promise<unknown>;
    expect(await rejectionCode(made)).to.equal("ERR_AUTH_POLICY");
    expect(done).to.deep.equal(["refund"]);
  });

  it("refuses to wrap what a provider runs, unless it is named", () => {
    const hosted = { type: "web_search", name: "web_search" };
    expect(thrownCode(() => wrapTools([hosted], { agent: local.agent }))).to.equal("ERR_INPUT_CONFIG");
    expect(wrapTools([hosted], { agent: local.agent, unrecorded: ["web_search"] })).to.deep.equal([hosted]);
  });
});
