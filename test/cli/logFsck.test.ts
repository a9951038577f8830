import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { affiant } from "./run.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";
import { eventually } from "../helpers/eventually.ts";

describe("cli: affiant log fsck", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let leaf: string;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    const relayer = await home.start();
    const actor = await Actor.registered(chain);
    for (let i = 0; i < 3; i++) {
      const signed = await actor.sign({ input: i });
      leaf = signed.leaf;
      const { status } = await relayer.post("/v1/entries", { leaf, disclosures: signed.disclosures });
      expect(status).to.equal(201);
    }
    await relayer.post("/v1/log/anchor");
    await eventually(async () => {
      await chain.mine(1);
      return (await relayer.get("/v1/log/anchors")).body.anchors.length === 1;
    });
    await relayer.close();
  });

  after(async () => {
    await home?.remove();
    await chain?.close();
  });

  it("ends with 0 for a clean store, also held to the chain", async () => {
    const alone = await affiant(["log", "fsck", "--data", home.dir, "--json"]);
    expect(alone).to.include({ code: 0, stderr: "" });
    expect(alone.json()).to.deep.include({ size: 3, faults: [], faultCount: 0 });
    const deployment = join(home.dir, "deployment.json");
    const held = await affiant([
      "log",
      "fsck",
      "--data",
      home.dir,
      "--rpc",
      chain.url,
      "--deployment",
      deployment,
      "--json",
    ]);
    expect(held.code).to.equal(0);
    expect(held.json().checked).to.deep.include({ anchors: 1, "anchors on chain": 1 });
  });

  it("ends with 1 for one flipped bit in a leaf, names the place, and repairs nothing that it cannot", async () => {
    const copy = `${home.dir}-flipped`;
    await cp(home.dir, copy, { recursive: true });
    const file = join(copy, "relayer.db");
    const bytes = await readFile(file);
    const at = bytes.indexOf(leaf.slice(-60));
    expect(at).to.be.greaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);
    for (const args of [["--repair"], []]) {
      const { code, json } = await affiant(["log", "fsck", "--data", copy, ...args, "--json"]);
      expect(code).to.equal(1);
      const places = (json() as { faults: { place: string }[] }).faults.map(({ place }) => place);
      expect(places).to.include("entry 2");
    }
    await rm(copy, { recursive: true });
  });

  it("ends with 2 and an error's code where there is no store", async () => {
    const { code, stdout, stderr } = await affiant(["log", "fsck", "--data", join(home.dir, "nothing"), "--json"]);
    expect(code).to.equal(2);
    expect(stdout + stderr).to.contain("ERR_INPUT_DATA_FOLDER");
  });
});
