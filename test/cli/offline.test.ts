import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { Command } from "commander";

import { affiant } from "./run.ts";
import { readEnvironment, relayerEnvironment } from "../../cli/environment.ts";
import { affiantProgram } from "../../cli/program.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { thrownCode } from "../helpers/errorCode.ts";

/** Every command that does something, with its path. */
function leavesOf(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  const here = [...path, command.name()];
  if (command.commands.length === 0) return [[here.join(" "), command]];
  return command.commands.flatMap((inner) => leavesOf(inner as Command, here));
}

const program = await affiantProgram();

describe("cli: help", () => {
  for (const [path, command] of leavesOf(program)) {
    it(`${path} says what it does, takes --json, and gives examples that name it`, () => {
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      expect(command.description()).to.match(/\.$/);
      expect(help).to.contain("Examples:\n");
      expect(help).to.contain(path);
      expect(help).to.contain("--json");
    });
  }

  it("ends with exit code 0, and goes to stdout", async () => {
    const { code, stdout, stderr } = await affiant(["--help"]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(/^Usage: affiant /);
    expect(stdout).to.contain("Exit codes: 0");
  });

  it("prints its version", async () => {
    const { code, stdout } = await affiant(["--version"]);
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: "0.1.0\n" });
  });

  for (const args of [
    [],
    ["frob"],
    ["agent", "frob"],
    ["agent", "create"],
    ["agent", "list", "--frob"],
    ["log", "export", "--withhold", "salt"],
  ]) {
    it(`affiant ${args.join(" ")}: wrong usage is exit code 2, on stderr`, async () => {
      const { code, stdout, stderr } = await affiant(args);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
      expect(stderr).to.not.equal("");
    });
  }
});

describe("cli: agents, without a system", () => {
  const folder = tempFolders();

  it("makes an agent, shows it and lists it", async () => {
    const dataDir = await folder();
    const made = await affiant(["agent", "create", "shop", "--chain-id", "31337", "--data", dataDir, "--json"]);
    expect(made).to.include({ code: 0, stderr: "" });
    const { did, signingKey, encrypted } = made.json() as Record<string, unknown>;
    expect(did).to.match(/^did:ethr:0x7a69:0x[0-9a-f]{40}$/);
    expect(encrypted).to.equal(false);

    const shown = await affiant(["agent", "show", "shop", "--data", dataDir, "--json"]);
    expect(shown.json()).to.deep.include({ name: "shop", did, signingKey, head: null });
    const listed = await affiant(["agent", "list", "--json"], { AFFIANT_DATA_DIR: dataDir });
    expect((listed.json() as { agents: unknown[] }).agents).to.have.length(1);
  });

  it("says in one line, with a way out and a code, what went wrong", async () => {
    const dataDir = await folder();
    await affiant(["agent", "create", "shop", "--chain-id", "31337", "--data", dataDir]);
    const again = await affiant(["agent", "create", "shop", "--chain-id", "31337", "--data", dataDir]);
    expect(again).to.include({ code: 1, stdout: "" });
    expect(again.stderr.split("\n")).to.deep.equal([
      "error: there is an agent shop already",
      "  See it: affiant agent show shop. Its keys are never overwritten.",
      "  ERR_CONFLICT_AGENT_EXISTS",
      "",
    ]);
  });

  it("says the same as an RFC 9457 problem with --json", async () => {
    const { code, stdout, stderr } = await affiant(["agent", "show", "nobody", "--data", await folder(), "--json"]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).to.include({ status: 404, code: "ERR_NOT_FOUND_AGENT" });
  });

  for (const [what, args, code] of [
    ["a name that is none", ["agent", "create", "a/b", "--chain-id", "1"], "ERR_INPUT_MALFORMED"],
    ["a chain id that is none", ["agent", "create", "a", "--chain-id", "x"], "ERR_INPUT_CONFIG"],
    ["no deployment", ["agent", "create", "a"], "ERR_INPUT_CONFIG"],
    ["no relayer", ["log", "append", "a.b", "--agent", "a"], "ERR_INPUT_CONFIG"],
    ["a file that is not there", ["audit", "nothing.jsonl"], "ERR_INPUT_FILE"],
    ["a policy folder that is not there", ["policy", "check", "nowhere"], "ERR_INPUT_FILE"],
    ["JSON that is none", ["log", "append", "a.b", "--agent", "a", "--input", "{"], "ERR_INPUT_MALFORMED"],
  ] as const) {
    it(`names bad input with exit code 2: ${what}`, async () => {
      const result = await affiant([...args, "--json"], { AFFIANT_DATA_DIR: await folder() });
      expect(result).to.include({ code: 2, stdout: "" });
      expect(JSON.parse(result.stderr)).to.include({ code });
    });
  }

  it("takes a passphrase from a file, and needs it again", async () => {
    const dataDir = await folder();
    const AFFIANT_PASSPHRASE_FILE = join(dataDir, "secret.txt");
    await writeFile(AFFIANT_PASSPHRASE_FILE, "correct horse\n");
    const args = ["agent", "create", "shop", "--chain-id", "31337", "--data", dataDir, "--json"];
    expect((await affiant(args, { AFFIANT_PASSPHRASE_FILE })).json()).to.include({ encrypted: true });

    const scope = ["--to", "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "--scope", "payment:charge"];
    const issue = [
      "contract",
      "issue",
      "--agent",
      "shop",
      ...scope,
      "--out",
      join(dataDir, "c.json"),
      "--data",
      dataDir,
    ];
    const without = await affiant([...issue, "--json"]);
    expect(JSON.parse(without.stderr)).to.include({ code: "ERR_AUTH_PASSPHRASE" });
    const wrong = await affiant([...issue, "--json"], { AFFIANT_PASSPHRASE: "Correct horse" });
    expect(JSON.parse(wrong.stderr)).to.include({ code: "ERR_AUTH_PASSPHRASE" });
    expect((await affiant(issue, { AFFIANT_PASSPHRASE: "correct horse" })).code).to.equal(0);
  });

  it("checks a policy with Cedar's own words", async () => {
    const good = await affiant(["policy", "check", "examples/airline/policy", "--json"]);
    expect(good.code).to.equal(0);
    expect((good.json() as { rules: unknown[] }).rules.length).to.be.greaterThan(10);

    const bad = await folder();
    await writeFile(join(bad, "bundle.yaml"), "name: bad\ndescription: bad\nfacts: {}\nundecidable: []\n");
    await writeFile(
      join(bad, "schema.cedarschema"),
      'entity Agent; entity System; action "a" appliesTo { principal: Agent, resource: System, context: {} };',
    );
    await writeFile(
      join(bad, "policy.cedar"),
      '@id("x") permit (principal, action, resource) when { context.nothing };',
    );
    const refused = await affiant(["policy", "check", bad, "--json"]);
    expect(refused.code).to.equal(2);
    expect(JSON.parse(refused.stderr)).to.include({ code: "ERR_INPUT_POLICY" });
    expect(refused.stderr).to.contain("nothing");
  });
});

describe("cli: where settings come from", () => {
  const folder = tempFolders();

  it("flags win over the environment, the environment over what npm start left", async () => {
    const dataDir = await folder();
    const left = { relayerUrl: "http://left:1", rpcUrl: "http://left:2", deploymentPath: "deployment.json" };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(left));
    expect(readEnvironment({ dataDir }, {})).to.deep.include({
      dataDir,
      relayerUrl: "http://left:1",
      rpcUrl: "http://left:2",
      deploymentPath: join(dataDir, "deployment.json"),
      given: { rpcUrl: undefined, deploymentPath: undefined },
    });
    const env = {
      AFFIANT_DATA_DIR: dataDir,
      AFFIANT_RELAYER_URL: "http://env:1",
      AFFIANT_RPC_URL: "http://env:2,http://env:3",
    };
    expect(readEnvironment({}, env)).to.include({ relayerUrl: "http://env:1", rpcUrl: "http://env:2" });
    expect(readEnvironment({ relayer: "http://flag:1", rpc: "http://flag:2" }, env)).to.include({
      relayerUrl: "http://flag:1",
      rpcUrl: "http://flag:2",
    });
  });

  it("names an endpoints.json that is none, and a passphrase file that is not there", async () => {
    const dataDir = await folder();
    const AFFIANT_PASSPHRASE_FILE = join(dataDir, "none");
    expect(thrownCode(() => readEnvironment({ dataDir }, { AFFIANT_PASSPHRASE_FILE }))).to.equal("ERR_INPUT_FILE");
    await writeFile(join(dataDir, "endpoints.json"), "{");
    expect(thrownCode(() => readEnvironment({ dataDir }, {}))).to.equal("ERR_INPUT_FILE");
  });

  it("gives the relayer its own folder and the chain of the system", async () => {
    const dataDir = await folder();
    const env = { AFFIANT_RPC_URL: "http://env:2,http://env:3", AFFIANT_DEPLOYMENT: "/d.json", OTHER: "1" };
    expect(relayerEnvironment(readEnvironment({ dataDir }, env), env)).to.deep.equal({
      ...env,
      AFFIANT_DATA_DIR: join(dataDir, "relayer"),
    });
  });
});
