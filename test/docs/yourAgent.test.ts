/** docs/your-agent.md: each snippet does what the page says, and takes as few lines as it says. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { hookSettings } from "../../adapters/hooks/hookSettings.ts";
import { codingAgents } from "../../adapters/hooks/hookEvent.ts";
import { localAgent } from "../adapters/localAgent.ts";
import { localService } from "../adapters/service/localService.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/your-agent.md"), "utf8");

/** The first block of a language below a heading. */
function snippet(heading: string, language: string): string {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(section)?.[1] ?? "";
}

/** Lines that are there for us: those that name what is ours, or what came of it. */
function ourLines(code: string, ours: RegExp): readonly string[] {
  return code.split("\n").filter((line) => ours.test(line));
}

const frameworks = [
  { heading: "The Vercel AI SDK", entry: "ai", world: "ai" },
  { heading: "LangChain, LangGraph", entry: "langchain", world: "langchain" },
  { heading: "OpenAI's Agents SDK", entry: "openai-agents", world: "openaiAgents" },
  { heading: "Mastra", entry: "mastra", world: "mastra" },
] as const;

describe("docs/your-agent.md", () => {
  const folder = tempFolders();
  let place: string;
  before(async () => {
    // Below the checkout, where the frameworks' packages are found.
    await mkdir(join(root, "cache"), { recursive: true });
    place = await mkdtemp(join(root, "cache/your-agent-"));
  });
  after(() => rm(place, { recursive: true }));

  for (const { heading, entry, world } of frameworks) {
    it(`${heading}: three lines of ours, and the refund is on record`, async () => {
      const code = snippet(heading, "ts");
      expect(ourLines(code, /@affiant\/sdk|openAgent\.|wrapTools\(/)).to.have.length(3);
      const local = await localAgent(await folder());
      const given = new URL("yourAgentWorlds.ts", import.meta.url).pathname;
      const run = `${code.replaceAll("import { openAgent, wrapTools }", "import { wrapTools }")}
        ${world === "langchain" ? "await recorded.find((tool) => tool.name === 'refund').invoke({ ...answer.tool_calls[0], type: 'tool_call' });" : ""}
        ${world === "mastra" ? "await recorded.refund.execute({ order: 7 }, { agent: { toolCallId: 'c', threadId: 't' } });" : ""}`;
      const file = join(place, `${entry}.ts`);
      const imports = `import { worlds, openAgentOf } from ${JSON.stringify(given)};
        const { model, tools } = worlds.${world}(); const openAgent = openAgentOf();\n`;
      await writeFile(
        file,
        imports + run.replace(`"@affiant/sdk/${entry}"`, JSON.stringify(join(root, `sdk/${entry}.ts`))),
      );
      const { openAgentIs } = await import("./yourAgentWorlds.ts");
      openAgentIs(local.agent);
      await import(file);
      expect(local.entries().map(({ act, kind, input }) => [act, kind, input])).to.deep.equal([
        ["refund", "act", { order: 7 }],
      ]);
      local.agent.close();
    });
  }

  it("Python: as short, and on record", async () => {
    const at = await localService(await folder());
    const code = snippet("Python", "python").replace("data/agents/support/service.sock", at.socket);
    expect(ourLines(code, /affiant|Agent\.|agent\.act|act\.outcome/)).to.have.length.at.most(4);
    const env = { PYTHONPATH: join(root, "clients/python"), PATH: process.env["PATH"] };
    const child = spawn("python3", ["-c", code], { env, stdio: ["ignore", "inherit", "inherit"] });
    await once(child, "close");
    expect(at.local.entries().map(({ act, output }) => [act, output])).to.deep.equal([["refund", "refunded"]]);
    await at.close();
  });

  it("a shell script: claimed, and on record; a refused act is not done", async () => {
    const at = await localService(await folder());
    const code = snippet("A shell script, or any other language", "sh").replace(/^socket=.*$/m, `socket=${at.socket}`);
    const sh = async (script: string): Promise<string> => {
      const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
      const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
      return output;
    };
    expect(await sh(code)).to.contain('"status":"recorded"');
    expect(await sh(code.replaceAll("refund-7", "refund-8")))
      .to.contain("ERR_AUTH_POLICY")
      .and.not.to.contain("recorded");
    expect(at.local.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
    await at.close();
  });

  it("names the coding agents that there are settings for", () => {
    for (const agent of codingAgents) expect(Object.keys(hookSettings(agent, "/s"))).not.to.deep.equal([]);
    expect(page).to.contain("affiant -- hook claude-code --agent support");
  });
});
