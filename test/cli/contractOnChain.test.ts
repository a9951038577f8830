/** A contract's life on a real chain, through the command line alone. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { affiant, type CliResult } from "./run.ts";
import { startWorld, type World } from "../agent/world/world.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("affiant contract, on a chain", () => {
  const folder = tempFolders();
  let world: World;
  let dataDir: string;

  before(async () => {
    world = await startWorld();
    dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    const endpoints = { relayerUrl: world.relayer.url, rpcUrl: world.chain.url, deploymentPath };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
    for (const name of ["payment", "order", "clerk"]) await run("agent", "create", name);
  });
  after(() => world.close());

  const at = (name: string): string => join(dataDir, name);
  const run = (...args: string[]): Promise<CliResult> => affiant([...args, "--json", "--data", dataDir]);
  const keyOf = async (name: string): Promise<string> =>
    ((await run("agent", "show", name)).json() as { signingKey: string }).signingKey;
  const firstFault = ({ stdout }: CliResult): unknown => (JSON.parse(stdout) as { faults: unknown[] }).faults[0];

  it("holds while its issuers stand behind it, and no longer once one of them revokes it", async () => {
    const scope = ["--scope", "payment:charge:max_10000usd"];
    const granted = ["contract", "issue", "--agent", "payment", "--to", await keyOf("order"), ...scope];
    expect(await run(...granted, "--out", at("charge.json"))).to.include({ code: 0, stderr: "" });
    const passedOn = ["contract", "issue", "--agent", "order", "--to", await keyOf("clerk"), ...scope];
    expect((await run(...passedOn, "--under", at("charge.json"), "--out", at("sub.json"))).code).to.equal(0);

    // Nobody knows yet whose key signed it.
    const unknown = await run("contract", "verify", at("charge.json"), "--owner", "payment");
    expect(unknown.code).to.equal(1);
    expect(firstFault(unknown)).to.deep.include({ link: 0, code: "ERR_AUTH_CONTRACT_CHAIN" });

    for (const name of ["payment", "order"]) {
      expect((await run("policy", "commit", "examples/airline/policy", "--agent", name)).code).to.equal(0);
    }
    const holds = await run("contract", "verify", at("sub.json"), "--owner", "payment");
    expect(holds).to.include({ code: 0, stderr: "" });
    expect(holds.json()).to.deep.include({ holds: true, faults: [] });

    const stranger = await run("contract", "revoke", at("sub.json"), "--agent", "clerk");
    expect(stranger.code).to.equal(2);
    expect(JSON.parse(stranger.stderr)).to.include({ code: "ERR_INPUT_UCAN" });

    const revoked = await run("contract", "revoke", at("charge.json"), "--agent", "payment");
    expect(revoked).to.include({ code: 0, stderr: "" });
    expect(revoked.json()).to.include({ added: true });
    expect((await run("contract", "revoke", at("charge.json"), "--agent", "payment")).json()).to.include({
      added: false,
    });

    for (const name of ["charge.json", "sub.json"]) {
      const ended = await run("contract", "verify", at(name), "--owner", "payment");
      expect(ended.code, name).to.equal(1);
      expect(firstFault(ended)).to.deep.include({ link: 0, code: "ERR_AUTH_CONTRACT_REVOKED" });
    }
  });

  it("lets the owner end what others passed on, and leaves its own link in force", async () => {
    const [order, clerk] = [await keyOf("order"), await keyOf("clerk")];
    const scope = ["--scope", "payment:charge"];
    await run("contract", "issue", "--agent", "payment", "--to", order, ...scope, "--out", at("own.json"));
    const under = ["--under", at("own.json"), "--out", at("beneath.json")];
    await run("contract", "issue", "--agent", "order", "--to", clerk, ...scope, ...under);
    const revoked = await run("contract", "revoke", at("beneath.json"), "--agent", "payment", "--link", "2");
    expect(revoked.json()).to.include({ added: true });
    expect(firstFault(await run("contract", "verify", at("beneath.json"), "--owner", "payment"))).to.deep.include({
      link: 1,
      code: "ERR_AUTH_CONTRACT_REVOKED",
    });
    expect((await run("contract", "verify", at("own.json"), "--owner", "payment")).code).to.equal(0);
  });
});
