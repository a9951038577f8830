/** The command line of the orchestrator, with a pipeline of another field than the shop's: examples/grid. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import type { Endpoints } from "../../orchestrator/start/endpoints.ts";
import { statusOf } from "../../orchestrator/start/work.ts";
import { faultsOf } from "../../scripts/torture/orchestrator/checks.ts";
import { processesOf } from "../../scripts/torture/orchestrator/processes.ts";
import { UpRun } from "../../scripts/torture/orchestrator/upRun.ts";
import { affiant } from "../cli/run.ts";
import { eventually } from "../helpers/eventually.ts";

const root = join(import.meta.dirname, "../..");
const agents = ["market", "home-a", "home-b", "solar"];

describe("a pipeline from its descriptor", function () {
  this.timeout(600_000);
  let dir: string;
  let data: string;
  let descriptor: string;
  let run: UpRun | undefined;

  before(() => {
    // A copy that can be changed, beside links to what it imports.
    dir = mkdtempSync(join(tmpdir(), "affiant-pipeline-"));
    data = join(dir, "data");
    mkdirSync(join(dir, "examples"));
    for (const name of ["agent", "node_modules", "protocol", "examples/shop"]) {
      symlinkSync(join(root, name), join(dir, name));
    }
    cpSync(join(root, "package.json"), join(dir, "package.json"));
    cpSync(join(root, "examples/grid"), join(dir, "examples/grid"), { recursive: true });
    descriptor = join(dir, "examples/grid/pipeline.yaml");
  });

  after(async () => {
    await run?.end("SIGTERM");
    rmSync(dir, { recursive: true, force: true });
  });

  const endpoints = () => JSON.parse(readFileSync(join(data, "endpoints.json"), "utf8")) as Endpoints;
  const processOf = (kind: string, agent: string) =>
    processesOf(data).find((one) => one.kind === kind && one.agent === agent)?.pid;
  const events = async (): Promise<readonly string[]> => {
    const { stdout } = await affiant(["events", "--data", data]);
    return stdout.split("\n").map((line) => line.slice(26));
  };

  it("plans what is to be made, and makes nothing", async () => {
    const planned = (await affiant(["plan", descriptor, "--data", data, "--json"])).json();
    expect(planned.changes.map((one: { kind: string; subject: string }) => [one.kind, one.subject])).to.deep.equal([
      ...agents.map((name) => ["add", name]),
      ["group", "neighbours"],
    ]);
    const site = planned.placement.assignment as Record<string, string>;
    expect(site["market"]).to.equal("street-cabinet");
    expect(site["home-a"]).not.to.equal(site["home-b"]);
    expect(existsSync(data)).to.equal(false);
  });

  it("comes up attested and keyed, and works", async () => {
    run = new UpRun(descriptor, data);
    expect(await run.up(), run.output).to.equal(true);
    expect(await faultsOf(readPipeline(descriptor), data)).to.deep.equal([]);
    const { market = "" } = endpoints().agents;
    await eventually(async () => (await statusOf([market]))?.waiting === 0);
    // A day has 24 hours.
    expect((await statusOf([market]))?.done).to.equal(24);
  });

  it("attests an agent anew whose wrapper was killed, and only then gives it keys again", async () => {
    process.kill(processOf("wrapper", "home-a") ?? -1, "SIGKILL");
    await eventually(async () => (await events()).includes("home-a is attested anew and has its keys again"));
    expect(await faultsOf(readPipeline(descriptor), data)).to.deep.equal([]);
  });

  it("rolls a changed descriptor out to whom it changes, under their identities, and lets the others run on", async () => {
    const before = agents.map((name) => processOf("program", name));
    const status = async () => (await affiant(["status", "--data", data, "--json"])).json().pipeline;
    const known = await status();
    writeFileSync(descriptor, readFileSync(descriptor, "utf8").replace('"2200"', '"2600"'));
    const { stdout, code } = await affiant(["up", descriptor, "--data", data]);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.match(/^update home-b: .*\n$/);
    const now = await status();
    const short = ({ agent, did, version, state }: Record<string, unknown>) => ({ agent, did, version, state });
    const wanted = known.map((one: Record<string, unknown>) => {
      return { ...short(one), ...(one["agent"] === "home-b" ? { version: 2 } : {}) };
    });
    expect(now.map(short)).to.deep.equal(wanted);
    const after = agents.map((name) => processOf("program", name));
    expect(agents.filter((_, i) => before[i] !== after[i])).to.deep.equal(["home-b"]);
    expect((await affiant(["plan", descriptor, "--data", data])).stdout).to.include("nothing changes");
  });

  it("keeps what runs when a descriptor is wrong, and names line and path", async () => {
    const wrong = join(dir, "examples/grid/wrong.yaml");
    writeFileSync(wrong, readFileSync(descriptor, "utf8").replace("- name: solar", "- name: home-a"));
    const { stderr, code } = await affiant(["up", wrong, "--data", data]);
    expect(code).to.equal(2);
    expect(stderr).to.match(/wrong\.yaml:\d+: agents\.3\.name is taken by an agent before it: home-a/);
    expect(await statusOf(Object.values(endpoints().agents))).to.include({ waiting: 0 });
  });

  it("ends on affiant down", async () => {
    const { code, stdout } = await affiant(["down", "--data", data]);
    expect([code, stdout]).to.deep.equal([0, "all processes ended\n"]);
    await eventually(() => run?.ended === true);
    expect(processesOf(data)).to.deep.equal([]);
  });
});
