import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Interface } from "ethers";

import type { GovernanceStep } from "../../orchestrator/governance/steps.ts";
import { formatDeployment } from "../../protocol/deployment.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { affiant } from "./run.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

const nobody = `0x${"de".repeat(20)}`;

describe("cli: affiant governance", () => {
  let chain: TestChain;
  let folder: string;

  before(async () => {
    chain = await startChain();
    folder = await mkdtemp(join(tmpdir(), "affiant-governance-"));
    await writeFile(join(folder, "deployment.json"), formatDeployment(chain.deployment));
  });
  after(async () => {
    await chain?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const governance = (...args: readonly string[]) => {
    const deployment = join(folder, "deployment.json");
    return affiant(["governance", ...args, "--rpc", chain.url, "--deployment", deployment, "--json"]);
  };
  const stepsOf = (json: unknown) => (json as { steps: GovernanceStep[] }).steps;

  it("prints steps that the chain takes, with an announcement where the upgrader has a delay, and shows what is announced", async () => {
    const { accessManager, policyRegistry, logAnchor } = chain.deployment.contracts;
    const upgrade = async () => stepsOf((await governance("upgrade", "policyRegistry", logAnchor.address)).json());
    const [only, ...others] = await upgrade();
    expect(only?.to).to.equal(policyRegistry.address);
    expect(others).to.deep.equal([]);

    const grant = new Interface(["function grantRole(uint64, address, uint32)"]);
    const { deployer } = chain.deployment;
    const send = async (to: string, data: string) => await mined(chain.deployer.sendTransaction({ to, data }));
    await send(accessManager.address, grant.encodeFunctionData("grantRole", [3, deployer, 3600]));
    const [announce, then, cancel] = await upgrade();
    expect(then).to.include({
      to: policyRegistry.address,
      data: only!.data,
      when: "3600 seconds later, within a week",
    });
    await send(announce!.to, announce!.data);
    const { pending } = (await governance("show")).json() as { pending: object[] };
    expect(pending).to.have.lengthOf(1);
    const call = `upgradeToAndCall(${logAnchor.address}, 0x)`;
    expect(pending[0]).to.include({ target: "policyRegistry", call, caller: deployer, state: "waiting" });
    await send(cancel!.to, cancel!.data);
    const after = (await governance("show")).json() as { pending: object[] };
    expect(after.pending).to.deep.equal([]);
  });

  it("prints a freeze and a handover, whose calls are what their words say", async () => {
    const { accessManager, agentRegistry } = chain.deployment.contracts;
    const steps = stepsOf((await governance("freeze", "agentRegistry")).json());
    const freeze = steps.find(({ to }) => to !== accessManager.address);
    expect(freeze).to.deep.include({
      to: agentRegistry.address,
      data: new Interface(["function freezeUpgrades()"]).encodeFunctionData("freezeUpgrades"),
    });
    const [, , remove] = stepsOf((await governance("handover", "--to", accessManager.address)).json());
    const revoke = new Interface(["function revokeRole(uint64, address)"]);
    expect(remove).to.deep.include({
      who: accessManager.address,
      to: accessManager.address,
      data: revoke.encodeFunctionData("revokeRole", [0, chain.deployment.deployer]),
    });
  });

  it("refuses code that is not there, contracts without a proxy, and handovers to nobody or by nobody", async () => {
    const to = chain.deployment.contracts.accessManager.address;
    const asked = [
      ["upgrade", "policyRegistry", nobody],
      ["upgrade", "logAnchor", to],
      ["upgrade", "policyRegistry", to, "--by", nobody],
      ["handover", "--to", nobody],
      ["handover", "--from", nobody, "--to", to],
    ];
    const answers = await Promise.all(asked.map((args) => governance(...args)));
    for (const [i, { code, stderr }] of answers.entries()) {
      expect(code, asked[i]?.join(" ")).to.equal(2);
      expect(stderr).to.contain("ERR_INPUT_CONFIG");
    }
  });
});
