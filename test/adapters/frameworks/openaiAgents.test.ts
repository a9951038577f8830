/** OpenAI's Agents SDK itself (its core, which `@openai/agents` is made of), with a model that says what it is told to. */
import {
  Agent as OpenAiAgent,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  tool,
  Usage,
} from "@openai/agents-core";
import { expect } from "chai";

import { wrapTools } from "../../../sdk/openai-agents.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalAgent, localAgent } from "../localAgent.ts";

/** Wants these calls at once, then is content; remembers what it was asked. */
class ScriptedModel implements Model {
  readonly requests: ModelRequest[] = [];
  readonly #calls: readonly { id: string; tool: string; args: string }[];

  constructor(calls: readonly { id: string; tool: string; args: string }[]) {
    this.#calls = calls;
  }

  getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.requests.push(request);
    const calls = this.#calls.map(({ id, tool: name, args }) => {
      return { type: "function_call" as const, callId: id, name, arguments: args, status: "completed" as const };
    });
    const text = { type: "output_text" as const, text: "done" };
    const said = {
      type: "message" as const,
      role: "assistant" as const,
      status: "completed" as const,
      content: [text],
    };
    return Promise.resolve({ usage: new Usage(), output: this.requests.length === 1 ? calls : [said] });
  }

  getStreamedResponse(): never {
    throw new Error("not asked for");
  }
}

const parameters = { type: "object" as const, properties: {}, required: [], additionalProperties: true as const };

describe("adapters/frameworks: OpenAI's Agents SDK", () => {
  const folder = tempFolders();
  let local: LocalAgent;
  let done: unknown[];
  beforeEach(async () => {
    local = await localAgent(await folder());
    done = [];
  });
  afterEach(() => local.agent.close());

  async function run(...calls: { id: string; tool: string; args: string }[]): Promise<string> {
    const make = (name: string, answer: string) => {
      const execute = (input: unknown): string => {
        done.push([name, input]);
        return answer;
      };
      return tool({ name, description: name, parameters, strict: false, execute });
    };
    const tools = wrapTools([make("lookup", "found"), make("refund", "refunded")], {
      agent: local.agent,
      thread: "chat",
    });
    const model = new ScriptedModel(calls);
    const runner = new Runner({ tracingDisabled: true });
    await runner.run(new OpenAiAgent({ name: "support", model, tools }), "go");
    return JSON.stringify(model.requests[1]?.input);
  }

  it("enters a call with its arguments digit by digit, and the call id as its key", async () => {
    expect(await run({ id: "call-1", tool: "lookup", args: '{"order":9007199254740993}' })).to.contain("found");
    expect(local.entries()).to.have.length(1);
    expect(local.entries()[0]).to.deep.include({ act: "lookup", thread: "chat", output: "found" });
    expect(local.entries()[0]?.input).to.deep.equal({ order: "9007199254740993" });
    expect(local.agent.journal.byIdempotencyKey("call-1")?.seq).to.equal(0);
  });

  it("of two refunds at once makes one, and the model reads why", async () => {
    const told = await run({ id: "a", tool: "refund", args: "{}" }, { id: "b", tool: "refund", args: "{}" });
    expect(done).to.have.length(1);
    expect(told).to.contain("Refused: Refund once in a conversation").and.to.contain("ERR_AUTH_POLICY");
    expect(local.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
  });

  it("has nothing to enter where the SDK itself turns arguments down that are no JSON", async () => {
    const told = await run({ id: "a", tool: "lookup", args: "{oops" });
    expect(told).to.contain("error");
    expect(done).to.deep.equal([]);
    expect(local.entries()).to.deep.equal([]);
  });

  it("refuses to wrap a hosted tool, unless it is named", () => {
    const hosted = { type: "hosted_tool", name: "web_search" };
    expect(thrownCode(() => wrapTools([hosted], { agent: local.agent }))).to.equal("ERR_INPUT_CONFIG");
    expect(wrapTools([hosted], { agent: local.agent, unrecorded: ["web_search"] })).to.deep.equal([hosted]);
  });
});
