/** `affiant mcp-proxy` as a process, between the SDK's own client and a published server, on a real chain. */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expect } from "chai";

import { affiant } from "./run.ts";
import { startWorld, type World } from "../agent/world/world.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { testOperatorToken } from "../helpers/world/relayer.ts";

const serverScript = createRequire(import.meta.url).resolve("@modelcontextprotocol/server-everything/dist/index.js");
const program = join(import.meta.dirname, "../../cli/affiant.js");

const bundle = `name: small-sums
description: Sums of small numbers, and echoes.
facts:
  first: input.a
undecidable: []
`;
const schema = `entity Agent; entity System;
action "echo" appliesTo { principal: Agent, resource: System, context: {} };
action "get-sum" appliesTo { principal: Agent, resource: System, context: { first?: Long } };
`;
const cedar = `@id("all") permit(principal, action, resource);
@id("small") @rule("The first number is at most 100") @needs("first")
forbid(principal, action == Action::"get-sum", resource) when { context has first && context.first > 100 };
`;

describe("affiant mcp-proxy", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]?.text ?? "";

  async function systemFolder(): Promise<string> {
    const dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    const endpoints = { relayerUrl: world.proxy.url, rpcUrl: world.chain.url, deploymentPath };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
    await mkdir(join(dataDir, "relayer"));
    await writeFile(join(dataDir, "relayer/operator.token"), testOperatorToken, { mode: 0o600 });
    await writeFile(join(dataDir, "bundle.yaml"), bundle);
    await writeFile(join(dataDir, "schema.cedarschema"), schema);
    await writeFile(join(dataDir, "policy.cedar"), cedar);
    return dataDir;
  }

  async function connect(dataDir: string, ...flags: string[]): Promise<Client> {
    const args = [program, "mcp-proxy", "--agent", "support", "--data", dataDir, ...flags];
    const server = ["--", process.execPath, serverScript, "stdio"];
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [...args, ...server], stderr: "inherit" }),
    );
    return client;
  }

  it("puts every tool call on record, refuses what the policy forbids, and leaves evidence that holds", async () => {
    const dataDir = await systemFolder();
    const on = ["--data", dataDir, "--json"];
    const { did } = (await affiant(["agent", "create", "support", ...on])).json() as { did: string };

    const client = await connect(dataDir, "--policy", dataDir);
    expect((await client.listTools()).tools.map(({ name }) => name)).to.include("echo");
    expect(textOf(await client.callTool({ name: "echo", arguments: { message: "hello" } }))).to.contain("hello");
    expect(textOf(await client.callTool({ name: "get-sum", arguments: { a: 100, b: 1 } }))).to.contain("101");
    const forbidden = await client.callTool({ name: "get-sum", arguments: { a: 101, b: 1 } });
    expect(forbidden.isError).to.equal(true);
    expect(textOf(forbidden)).to.contain("The first number is at most 100").and.to.contain("ERR_AUTH_POLICY");
    await client.close();

    const path = `/v1/agents/${encodeURIComponent(did)}/head`;
    await eventually(async () => ((await world.relayer.get(path)).body as { count?: number } | undefined)?.count === 3);
    await world.relayer.post("/v1/log/anchor");
    const evidence = join(dataDir, "evidence.jsonl");
    const exported = await affiant(["log", "export", "support", "--out", evidence, ...on]);
    expect(exported).to.include({ code: 0, stderr: "" });
    expect(exported.json()).to.include({ entryCount: 3 });
    const audited = await affiant(["audit", evidence, "--rpc", world.chain.url, ...on]);
    expect(audited.code).to.equal(0);
    const { summary, agents } = audited.json() as {
      summary: { verdicts: object; fullyProven: boolean; conformityHolds: boolean };
      agents: { kinds: object }[];
    };
    expect(summary).to.include({ fullyProven: true, conformityHolds: true });
    expect(agents.map(({ kinds }) => kinds)).to.deep.equal([{ act: 2, refusal: 1 }]);
  });

  it("enters calls while the relayer is away, and delivers them next time", async () => {
    const dataDir = await systemFolder();
    const on = ["--data", dataDir, "--json"];
    const { did } = (await affiant(["agent", "create", "support", ...on])).json() as { did: string };
    const client = await connect(dataDir, "--policy", dataDir);
    await client.callTool({ name: "echo", arguments: { message: "one" } });
    const count = async (): Promise<unknown> =>
      ((await world.relayer.get(`/v1/agents/${encodeURIComponent(did)}/head`)).body as { count?: number }).count;
    await eventually(async () => (await count()) === 1);

    world.proxy.when("POST", /entries/, () => ({ kind: "answer", status: 503 }));
    expect(textOf(await client.callTool({ name: "echo", arguments: { message: "two" } }))).to.contain("two");
    await client.close();
    expect(await count()).to.equal(1);
    world.proxy.heal();

    const next = await connect(dataDir, "--policy", dataDir);
    await next.callTool({ name: "echo", arguments: { message: "three" } });
    await eventually(async () => (await count()) === 3);
    await next.close();
  });

  it("refuses what the contract does not cover, and everything while its issuer does not stand behind it", async () => {
    const dataDir = await systemFolder();
    const on = ["--data", dataDir, "--json"];
    const created = await affiant(["agent", "create", "support", ...on]);
    const { signingKey } = created.json() as { signingKey: string };
    await affiant(["agent", "create", "owner", ...on]);
    const file = join(dataDir, "tools.json");
    const issue = ["contract", "issue", "--agent", "owner", "--to", signingKey, "--scope", "mcp:echo", "--out", file];
    expect((await affiant([...issue, ...on])).code).to.equal(0);

    // Without a policy in force no entry can be signed; the contract narrows it.
    const client = await connect(
      dataDir,
      "--policy",
      dataDir,
      "--contract",
      file,
      "--owner",
      "owner",
      "--max-revocation-age",
      "0",
    );
    const echo = async (): Promise<string> =>
      textOf(await client.callTool({ name: "echo", arguments: { message: "hi" } }));
    // The chain does not know yet whose key signed the contract.
    expect(await echo()).to.contain("ERR_AUTH_CONTRACT_CHAIN");
    expect((await affiant(["policy", "commit", dataDir, "--agent", "owner", ...on])).code).to.equal(0);
    await eventually(async () => (await echo()) === "Echo: hi");
    const refused = await client.callTool({ name: "get-sum", arguments: { a: 1, b: 1 } });
    expect(textOf(refused)).to.contain("ERR_AUTH_CONTRACT_SCOPE");
    expect((await affiant(["contract", "revoke", file, "--agent", "owner", ...on])).code).to.equal(0);
    await eventually(async () => (await echo()).includes("ERR_AUTH_CONTRACT_REVOKED"));
    await client.close();
  });
});
