import { fakeModel } from "@langchain/core/testing";
import { tool as langChainTool } from "@langchain/core/tools";
import { tool as openAiTool, setTracingDisabled, Usage } from "@openai/agents-core";
import { jsonSchema, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";

import type { Agent } from "../../agent/agent.ts";

let agent: Agent;

/** Which agent the page's `openAgent.fromDataDir("support", …)` opens. */
export function openAgentIs(local: Agent): void {
  agent = local;
}

export function openAgentOf() {
  const fromDataDir = (name: string, { policy }: { policy: string }): Promise<Agent> => {
    if (name !== "support" || policy !== "./policy") throw new Error(`${name} ${policy}`);
    return Promise.resolve(agent);
  };
  return { fromDataDir };
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const schema = { type: "object" as const, properties: {}, required: [], additionalProperties: true as const };

/** A model that refunds order 7, and the tool for it, as each framework has them. */
export const worlds = {
  ai() {
    const call = { type: "tool-call" as const, toolCallId: "c", toolName: "refund", input: '{"order":7}' };
    const said = { type: "text" as const, text: "done" };
    const model = new MockLanguageModelV4({
      doGenerate: [
        { content: [call], finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] },
        { content: [said], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] },
      ],
    });
    return {
      model,
      tools: { refund: tool({ inputSchema: jsonSchema({ type: "object" }), execute: () => "refunded" }) },
    };
  },
  langchain() {
    const model = fakeModel().respondWithTools([{ name: "refund", args: { order: 7 }, id: "c" }]);
    return { model, tools: [langChainTool(() => "refunded", { name: "refund", description: "refund", schema })] };
  },
  openaiAgents() {
    setTracingDisabled(true);
    let asked = 0;
    const call = { type: "function_call", callId: "c", name: "refund", arguments: '{"order":7}', status: "completed" };
    const content = [{ type: "output_text", text: "done" }];
    const said = { type: "message", role: "assistant", status: "completed", content };
    const getResponse = () => Promise.resolve({ usage: new Usage(), output: [asked++ === 0 ? call : said] });
    const execute = (): string => "refunded";
    const refund = openAiTool({ name: "refund", description: "refund", parameters: schema, strict: false, execute });
    return { model: { getResponse }, tools: [refund] };
  },
  /** The real package is tried by `scripts/frameworks/mastra.ts`: it is too large for every install. */
  mastra() {
    return { model: undefined, tools: { refund: { id: "refund", execute: () => Promise.resolve("refunded") } } };
  },
};
