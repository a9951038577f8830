/** The examples for the SDK, by the commands that their READMEs give, on a real chain and relayer. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { startWorld, type World } from "../agent/world/world.ts";
import { affiant } from "../cli/run.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { underName } from "../helpers/underName.ts";
import { testOperatorToken } from "../helpers/world/relayer.ts";

const examples = join(import.meta.dirname, "../../examples");

describe("examples for the SDK", () => {
  const folder = tempFolders();
  const started: ChildProcess[] = [];
  let world: World;
  let dataDir: string;
  before(async () => {
    world = await startWorld();
    dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    const endpoints = { relayerUrl: world.relayer.url, rpcUrl: world.chain.url, deploymentPath };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
    await mkdir(join(dataDir, "relayer"));
    await writeFile(join(dataDir, "relayer/operator.token"), testOperatorToken, { mode: 0o600 });
  });
  after(async () => {
    for (const child of started) child.kill();
    await world.close();
  });

  function start(script: string, ...args: string[]): ChildProcess {
    const child = spawn(process.execPath, ["--no-warnings", join(examples, script), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    return child;
  }

  async function output(script: string, ...args: string[]): Promise<{ code: number | null; stdout: string }> {
    const child = start(script, ...args);
    const [stdout] = await Promise.all([text(child.stdout!), once(child, "close")]);
    return { code: child.exitCode, stdout: stdout.trim() };
  }

  it("an agent in 30 lines: every run adds an entry, and the audit holds", async () => {
    const first = await output("agent-in-30-lines/agent.ts", dataDir);
    expect(first.code).to.equal(0);
    expect(first.stdout).to.match(/^did:ethr:0x7a69:0x[0-9a-f]{40} greeted Ada: its entry 0, number \d+ in the log$/);
    expect((await output("agent-in-30-lines/agent.ts", dataDir)).stdout).to.contain("its entry 1,");

    const evidence = join(dataDir, "clerk.jsonl");
    await affiant(["log", "export", "clerk", "--out", evidence, "--data", dataDir]);
    const audited = await affiant(["audit", evidence, "--rpc", world.chain.url, "--json"]);
    expect(audited.code).to.equal(0);
    expect(audited.json()).to.have.nested.property("summary.fullyProven", true);
  });

  it("a guarded endpoint: charged within the contract, refused beyond it and without one", async () => {
    const on = ["--data", dataDir, "--json"];
    await affiant(["agent", "create", "till", ...on]);
    const { signingKey } = (await affiant(["agent", "create", "buyer", ...on])).json() as { signingKey: string };
    const server = start("guarded-endpoint/server.ts", dataDir, "0");
    const [line] = (await once(createInterface(server.stdout!), "line")) as [string];
    const url = line.replace("POST ", "");
    const contract = join(dataDir, "charge.json");
    const scope = ["--scope", "till:charge:max_100usd", "--out", contract];
    await affiant(["contract", "issue", "--agent", "till", "--to", signingKey, ...scope, ...on]);

    const charge = (amount: string) => output("guarded-endpoint/client.ts", url, contract, amount, dataDir);
    expect(await charge("25")).to.deep.equal({ code: 0, stdout: '{"balance":25}' });
    const beyond = await charge("101");
    expect(beyond.code).to.equal(1);
    expect(beyond.stdout).to.match(/^ERR_AUTH_CONTRACT_SCOPE: /);
    expect(await charge("100")).to.deep.equal({ code: 0, stdout: '{"balance":125}' });

    const without = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    expect(without.status).to.equal(401);
    expect(without.headers.get("content-type")).to.contain("application/problem+json");
    const foreign = await underName("evil.example", url);
    expect([foreign.status, foreign.code]).to.deep.equal([403, "ERR_AUTH_HOST"]);
  });
});
