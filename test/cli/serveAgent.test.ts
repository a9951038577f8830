/** `affiant serve-agent` and `affiant hook` as processes, on a real chain. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";

import { affiant } from "./run.ts";
import { startWorld, type World } from "../agent/world/world.ts";
import { desk } from "../adapters/localAgent.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { testOperatorToken } from "../helpers/world/relayer.ts";

const program = join(import.meta.dirname, "../../cli/affiant.js");

describe("affiant serve-agent", () => {
  const folder = tempFolders();
  const started: ChildProcess[] = [];
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(async () => {
    for (const child of started) child.kill();
    await world.close();
  });

  async function policyFolder(): Promise<string> {
    const path = await folder();
    const { schema, policies, facts, thread, name, description, undecidable } = desk;
    await writeFile(join(path, "bundle.yaml"), JSON.stringify({ name, description, facts, thread, undecidable }));
    await writeFile(join(path, "schema.cedarschema"), schema);
    await writeFile(join(path, "policy.cedar"), policies);
    return path;
  }

  it("makes the agent, judges, enters, and leaves evidence; a hook's settings name its socket", async () => {
    const dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    const endpoints = { relayerUrl: world.relayer.url, rpcUrl: world.chain.url, deploymentPath };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
    await mkdir(join(dataDir, "relayer"));
    await writeFile(join(dataDir, "relayer/operator.token"), testOperatorToken, { mode: 0o600 });
    const args = ["serve-agent", "support", "--policy", await policyFolder(), "--port", "0", "--data", dataDir];
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    started.push(child);
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break;
    const socket = join(dataDir, "agents/support/service.sock");
    expect(lines[0])
      .to.match(/^did:ethr:0x7a69:0x[0-9a-f]{40} is served at /)
      .and.to.contain(socket);
    const [url = ""] = /http:\/\/[0-9.:]+/.exec(lines[1] ?? "") ?? [];
    const token = (await readFile(join(dataDir, "agents/support/service.token"), "utf8")).trim();

    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const tell = async (act: object): Promise<number> =>
      (await fetch(`${url}/v1/acts`, { method: "POST", headers, body: JSON.stringify(act) })).status;
    expect(await tell({ act: "refund", input: { order: 7 }, output: "refunded", thread: "t" })).to.equal(201);
    expect(await tell({ act: "refund", input: { order: 8 }, output: "refunded", thread: "t" })).to.equal(403);
    const evidence = await (await fetch(`${url}/v1/evidence?withhold=output`, { headers })).text();
    expect(evidence.split("\n").filter((line) => line.includes('"leaf"'))).to.have.length(2);

    const hook = await affiant(["hook", "gemini-cli", "--agent", "support", "--data", dataDir]);
    expect(hook.code).to.equal(0);
    expect(hook.stdout).to.contain(`gemini-cli '${socket}' call 10 || exit 2`);
    const file = join(dataDir, "settings.json");
    await affiant(["hook", "gemini-cli", "--agent", "support", "--data", dataDir, "--write", "--file", file]);
    expect(Object.keys((JSON.parse(await readFile(file, "utf8")) as { hooks: object }).hooks)).to.deep.equal([
      "BeforeTool",
      "AfterTool",
      "AfterAgent",
      "SessionEnd",
    ]);
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(child.exitCode).to.equal(0);
  });
});
