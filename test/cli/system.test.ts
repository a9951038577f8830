import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { affiant } from "./run.ts";
import { startWorld, type World } from "../agent/world/world.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { testOperatorToken } from "../helpers/world/relayer.ts";

/** A conversation of the airline's support agent with some calls; the last one breaks the rule on passengers. */
function conversation(user: string, calls: number): unknown {
  const messages: unknown[] = [{ role: "user", content: `I am ${user}.` }];
  for (let i = 0; i < calls; i++) {
    const call = {
      id: `call_${i}`,
      type: "function",
      function: { name: "get_user_details", arguments: JSON.stringify({ user_id: user }) },
    };
    messages.push({ role: "assistant", content: null, tool_calls: [call] });
    messages.push({
      role: "tool",
      tool_call_id: `call_${i}`,
      content: JSON.stringify({ user_id: user, payment_methods: {} }),
    });
  }
  return { messages: [...messages, { role: "assistant", content: "Done." }] };
}

describe("cli: with a chain and a relayer", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());
  afterEach(() => world.proxy.heal());

  /** A data folder as `npm start` leaves it: no flags are needed. */
  async function systemFolder(): Promise<string> {
    const dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    await writeFile(
      join(dataDir, "endpoints.json"),
      JSON.stringify({ relayerUrl: world.proxy.url, rpcUrl: world.chain.url, deploymentPath }),
    );
    await mkdir(join(dataDir, "relayer"));
    await writeFile(join(dataDir, "relayer/operator.token"), testOperatorToken, { mode: 0o600 });
    return dataDir;
  }

  const policy = "examples/airline/policy";

  it("imports a history, exports evidence, and audits it: every verdict holds", async () => {
    const dataDir = await systemFolder();
    const file = join(dataDir, "history.json");
    await writeFile(file, JSON.stringify([conversation("ann_1", 3), conversation("bob_2", 2)]));
    const on = ["--data", dataDir, "--json"];

    const first = await affiant(["log", "import", file, "--agent", "support", "--policy", policy, ...on]);
    expect(first).to.include({ code: 0, stderr: "" });
    expect(first.json()).to.deep.include({ created: true, registered: true, conversations: 2, added: 5, known: 0 });

    const second = await affiant(["log", "import", file, "--agent", "support", "--policy", policy, ...on]);
    expect(second.json()).to.deep.include({ created: false, registered: false, added: 0, known: 5 });

    await writeFile(
      file,
      JSON.stringify([conversation("ann_1", 3), conversation("bob_2", 2), conversation("cy_3", 1)]),
    );
    const third = await affiant(["log", "import", file, "--agent", "support", ...on]);
    expect(third.json()).to.deep.include({ conversations: 3, added: 1, known: 5 });

    const evidence = join(dataDir, "evidence.jsonl");
    const exported = await affiant(["log", "export", "--out", evidence, ...on]);
    expect(exported.json()).to.deep.include({ file: evidence, entryCount: 6, policyCount: 1 });

    const audited = await affiant(["audit", evidence, "--rpc", world.chain.url, ...on]);
    expect(audited.code).to.equal(0);
    expect((audited.json() as { summary: object }).summary).to.include({ fullyProven: true, integrityHolds: true });

    const offline = await affiant(["audit", evidence, ...on]);
    expect(offline.code, "without a chain something stays unproven").to.equal(3);

    const again = join(dataDir, "again.jsonl");
    await affiant(["log", "export", "support", "--out", again, ...on]);
    expect((await readFile(again)).equals(await readFile(evidence)), "the same facts, the same file").to.equal(true);

    await writeFile(again, (await readFile(again, "utf8")).replace('"leaf":"e', '"leaf":"f'));
    expect((await affiant(["audit", again, "--rpc", world.chain.url, ...on])).code).to.equal(1);
  });

  it("goes on with an import that was interrupted, and no entry is there twice", async () => {
    const dataDir = await systemFolder();
    const file = join(dataDir, "history.json");
    await writeFile(file, JSON.stringify(Array.from({ length: 150 }, (_, i) => conversation(`user_${i}`, 4))));
    const args = ["log", "import", file, "--agent", "support", "--policy", policy, "--data", dataDir, "--json"];
    // The relayer takes one batch and is not heard of again.
    world.proxy.when("POST", /entries:batch/, (nth) => (nth === 0 ? undefined : { kind: "answer", status: 409 }));
    const broken = await affiant(args);
    expect(broken.code).to.not.equal(0);
    world.proxy.heal();
    const resumed = await affiant(args);
    expect(resumed.code).to.equal(0);
    const { added, known, head } = resumed.json() as { added: number; known: number; head: { seq: number } };
    expect(added + known).to.equal(600);
    expect(known).to.be.at.least(256);
    expect(head.seq).to.equal(599);
  });

  it("imports what can be read and names the rest, or, where all or nothing is wanted, signs nothing", async () => {
    const dataDir = await systemFolder();
    const file = join(dataDir, "history.jsonl");
    await writeFile(file, `${JSON.stringify(conversation("ann_1", 2))}\n{"messages": 7}\n`);
    const args = ["log", "import", file, "--agent", "support", "--policy", policy, "--data", dataDir, "--json"];
    const { code, stderr } = await affiant([...args, "--all-or-nothing"]);
    expect(code).to.equal(2);
    expect(JSON.parse(stderr)).to.include({ code: "ERR_INPUT_FILE" });
    expect((await affiant(["agent", "list", "--data", dataDir, "--json"])).json()).to.deep.equal({ agents: [] });

    const rest = await affiant(args);
    expect(rest.code).to.equal(1);
    expect(rest.json()).to.deep.include({ conversations: 1, added: 2 });
    expect((rest.json() as { unread: string[] }).unread).to.have.length(1);
    expect((rest.json() as { unread: string[] }).unread[0]).to.match(/^conversation 1: /);
  });

  it("appends one act, commits and shows a policy, and shows how things stand", async () => {
    const dataDir = await systemFolder();
    const on = ["--data", dataDir, "--json"];
    await affiant(["agent", "create", "shop", ...on]);
    const committed = await affiant(["policy", "commit", policy, "--agent", "shop", ...on]);
    expect(committed.json()).to.include({ registered: true, version: 1, added: true });
    const shown = await affiant(["policy", "show", "shop", ...on]);
    expect((shown.json() as { policyHash: string }).policyHash).to.equal(
      (committed.json() as { policyHash: string }).policyHash,
    );

    const append = [
      "log",
      "append",
      "get_user_details",
      "--agent",
      "shop",
      "--input",
      '{"user_id":"a"}',
      "--idempotency-key",
      "k",
    ];
    expect((await affiant([...append, ...on])).json()).to.include({ seq: 0, added: true });
    expect((await affiant([...append, ...on])).json()).to.include({ seq: 0, added: false });

    const status = await affiant(["status", ...on]);
    expect(status.code).to.equal(0);
    const { relayer, agents } = status.json() as { relayer: { up: boolean }; agents: { entries: number }[] };
    expect(relayer.up).to.equal(true);
    expect(agents.map(({ entries }) => entries)).to.deep.equal([1]);
  });

  it("leaves payloads out of the evidence that are to stay at home", async () => {
    const dataDir = await systemFolder();
    const file = join(dataDir, "history.json");
    await writeFile(file, JSON.stringify(conversation("ann_1", 1)));
    const on = ["--data", dataDir, "--json"];
    await affiant(["log", "import", file, "--agent", "support", "--policy", policy, ...on]);
    const sizeOf = async (...flags: string[]) => {
      const out = join(dataDir, `evidence${flags.length}.jsonl`);
      expect((await affiant(["log", "export", "--out", out, ...flags, ...on])).code).to.equal(0);
      const entry = (await readFile(out, "utf8")).split("\n").find((line) => line.includes('"type":"entry"'))!;
      return (JSON.parse(entry) as { disclosures: string[] }).disclosures.length;
    };
    expect(await sizeOf()).to.equal(3);
    expect(await sizeOf("--withhold", "input", "output")).to.equal(1);
  });

  it("has nothing to export: says so, and leaves no file", async () => {
    const dataDir = await systemFolder();
    const out = join(dataDir, "evidence.jsonl");
    const { code, stderr } = await affiant(["log", "export", "--out", out, "--data", dataDir, "--json"]);
    expect(code).to.equal(1);
    expect(JSON.parse(stderr)).to.include({ code: "ERR_NOT_FOUND_ENTRY" });
  });

  it("says that the relayer is down, and still what it knows", async () => {
    const dataDir = await folder();
    await writeFile(
      join(dataDir, "endpoints.json"),
      JSON.stringify({
        relayerUrl: "http://127.0.0.1:9",
        rpcUrl: world.chain.url,
        deploymentPath: join(world.home.dir, "deployment.json"),
      }),
    );
    const { code, stdout } = await affiant(["status", "--data", dataDir, "--json"]);
    expect(code).to.equal(1);
    const { relayer, chain } = JSON.parse(stdout) as { relayer: object; chain: object };
    expect(relayer).to.deep.include({ up: false });
    expect(chain).to.deep.include({ up: true });
  });
});
