/**
 * Mastra itself, with wrapped tools: an agent that wants the same refund twice makes it once, and its model reads why. The package is
 * installed into a folder of its own, since it is larger than all that this project installs for its tests. Ends with exit code 1 if
 * that is not what happens.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const packages = ["@mastra/core@1.71.0", "zod@4.6.7"];
const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "affiant-mastra-"));
const from = (path: string): string => JSON.stringify(join(root, path));

const program = `
import { createTool } from "@mastra/core/tools";
import { Agent } from "@mastra/core/agent";
import { z } from "zod";
import { localAgent } from ${from("test/adapters/localAgent.ts")};
import { wrapTools } from ${from("sdk/mastra.ts")};
import { MockLanguageModelV3 } from ${from("node_modules/ai/dist/test/index.js")};

const local = await localAgent(process.argv[2]);
let done = 0;
const inputSchema = z.object({ order: z.number() });
const refund = createTool({ id: "refund", description: "refund", inputSchema, execute: async () => (done++, "paid") });
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const prompts = [];
const doGenerate = async ({ prompt }) => {
  prompts.push(prompt);
  const wants = prompts.length <= 2;
  const call = { type: "tool-call", toolCallId: "c" + prompts.length, toolName: "refund", input: '{"order":7}' };
  const reason = wants ? "tool-calls" : "stop";
  const content = [wants ? call : { type: "text", text: "done" }];
  return { content, finishReason: { unified: reason, raw: reason }, usage, warnings: [] };
};
const model = new MockLanguageModelV3({ doGenerate });
const tools = wrapTools({ refund }, { agent: local.agent, thread: "chat" });
await new Agent({ id: "support", name: "support", instructions: "refund", model, tools }).generate("go", { maxSteps: 4 });
const kinds = local.entries().map(({ kind }) => kind).join();
const told = JSON.stringify(prompts[2]);
if (done !== 1 || kinds !== "act,refusal" || !told.includes("Refused: Refund once in a conversation")) {
  throw new Error(done + " refunds, " + kinds + ", the model was told " + told);
}
console.log("Mastra made one refund, entered one refusal, and its model read why");
process.exit(0);
`;

try {
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", ...packages], {
    cwd: folder,
  });
  writeFileSync(join(folder, "mastra.ts"), program);
  execFileSync(process.execPath, ["--no-warnings", "mastra.ts", join(folder, "data")], {
    cwd: folder,
    stdio: "inherit",
  });
} finally {
  rmSync(folder, { recursive: true });
}
