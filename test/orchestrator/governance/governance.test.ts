import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { type BaseContract, Contract, id, Interface, type Signer } from "ethers";
import { network } from "hardhat";

import { readGovernance } from "../../../auditor/governance/readGovernance.ts";
import { governanceInWords } from "../../../cli/governance/show.ts";
import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import {
  freezeSteps,
  type GovernanceStep,
  handoverSteps,
  upgradeSteps,
} from "../../../orchestrator/governance/steps.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../../protocol/generated/abi/ContractRegistry.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { governanceRoleNames, governanceRoles, type RoleFunctions } from "../../../protocol/governance/roles.ts";
import { signingKey } from "../../contracts/registries.ts";

const day = 24 * 3600;
const errors = new Interface([
  "error AccessManagerNotScheduled(bytes32)",
  "error AccessManagerNotReady(bytes32)",
  "error AccessManagerExpired(bytes32)",
  "error AccessManagerUnauthorizedAccount(address, uint64)",
  "error AccessManagerUnauthorizedCall(address, address, bytes4)",
  "error UpgradesAreFrozen()",
  "error TooFewApprovals(uint256, uint256)",
]);

async function governedChain() {
  const { ethers, networkHelpers } = await network.create();
  const [deployer, upgrader, guardian, agent, ...owners] = await ethers.getSigners();
  const deployment = await deployContracts(deployer!, {
    holders: { upgrader: upgrader!.address, guardian: guardian!.address, upgraderDelaySec: 2 * day },
  });
  const look = () =>
    readGovernance((method, ...params) => ethers.provider.send(method, params as unknown[]), deployment, {
      logRange: 7,
    });
  const policies = new Contract(deployment.contracts.policyRegistry.address, policyRegistryAbi, agent);
  const agents = new Contract(deployment.contracts.agentRegistry.address, agentRegistryAbi, agent);
  const take = async (signer: Signer, { to, data }: GovernanceStep) =>
    await (await signer.sendTransaction({ to, data })).wait();
  return {
    ethers,
    networkHelpers,
    deployment,
    look,
    take,
    policies,
    agents,
    deployer: deployer!,
    upgrader: upgrader!,
    guardian: guardian!,
    agent: agent!,
    owners,
  };
}

const connectedTo = (contract: BaseContract, signer: Signer) =>
  new Contract(contract.target, contract.interface, signer);

/** What a transaction reverts with, by name. */
async function refusal(sending: Promise<unknown>): Promise<string> {
  try {
    await sending;
  } catch (error) {
    const data = (error as { data?: unknown }).data;
    return (typeof data === "string" ? errors.parseError(data)?.name : undefined) ?? String(error);
  }
  return "nothing";
}

describe("the plan of governance", () => {
  it("names every restricted function of the contracts, once", () => {
    const root = join(import.meta.dirname, "../../../contracts");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sol"));
    const restricted = files.flatMap((file) => {
      const source = readFileSync(join(root, file), "utf8");
      return [...source.matchAll(/function (\w+)\(([^)]*)\)([^{;]*)/g)]
        .filter(([, , , modifiers]) => /\brestricted\b/.test(modifiers ?? ""))
        .map(([, name = ""]) => (name === "_authorizeUpgrade" ? "upgradeToAndCall" : name));
    });
    const planned = governanceRoleNames.flatMap((name) =>
      Object.values(governanceRoles[name].functions as RoleFunctions).flatMap((signatures) =>
        signatures.map((signature) => signature.split("(")[0] ?? ""),
      ),
    );
    expect([...new Set(planned)].sort()).to.deep.equal([...new Set(restricted)].sort());
    const seen = governanceRoleNames.flatMap((name) =>
      Object.entries(governanceRoles[name].functions as RoleFunctions).flatMap(([contract, signatures]) =>
        signatures.map((signature) => `${contract}.${signature}`),
      ),
    );
    expect(new Set(seen).size).to.equal(seen.length);
  });
});

describe("who can do what", () => {
  it("is read from the chain: roles, delays, functions, code, and what to take note of", async () => {
    const { look, deployment, deployer, upgrader, guardian } = await governedChain();
    const { roles, pending, contracts, circuits, warnings } = await look();
    const members = (name: string) => roles.find((role) => role.name === name)?.members;
    const [admin] = members("admin")!;
    expect(admin).to.include({ account: deployer.address, delaySec: 0 });
    expect(members("affiant: upgrader")).to.have.lengthOf(1);
    expect(members("affiant: upgrader")![0]).to.include({ account: upgrader.address, delaySec: 2 * day });
    expect(members("affiant: guardian")![0]).to.include({ account: guardian.address, delaySec: 0 });
    expect(roles.find(({ name }) => name === "affiant: upgrader")?.guardian).to.equal("4");
    expect(pending).to.deep.equal([]);
    expect(contracts.map(({ contract }) => contract)).to.have.lengthOf(5);
    for (const { contract, implementation, frozen } of contracts) {
      expect(implementation).to.equal(deployment.contracts[contract].implementation?.address);
      expect(frozen).to.equal(false);
    }
    expect(circuits[0]?.verifier).to.equal(deployment.verifiers?.["key-ownership"]?.address);
    expect(warnings).to.deep.equal([
      `the deployer ${deployer.address} is admin without delay: it can give itself any role and act at once`,
    ]);
  });

  it("shows a function that was moved to another role, and a role that the plan does not know", async () => {
    const { look, deployment, deployer } = await governedChain();
    const { accessManager, policyRegistry } = deployment.contracts;
    const contract = new Contract(
      accessManager.address,
      ["function setTargetFunctionRole(address, bytes4[], uint64)", "function grantRole(uint64, address, uint32)"],
      deployer,
    );
    await contract["setTargetFunctionRole"]!(policyRegistry.address, [id("freezeUpgrades()").slice(0, 10)], 77n);
    await contract["grantRole"]!(77n, deployer.address, 0);
    const { roles, warnings } = await look();
    expect(roles.find((role) => role.id === "77")).to.deep.include({
      name: "role 77",
      functions: [{ contract: "policyRegistry", function: "freezeUpgrades()" }],
    });
    expect(warnings).to.include(
      "policyRegistry.freezeUpgrades() is opened by role 77; the plan says affiant: upgrader",
    );
  });
});

describe("an upgrade", () => {
  it("is announced, waits, takes effect, and keeps the state of before", async () => {
    const chain = await governedChain();
    const { ethers, networkHelpers, deployment, look, take, policies, agents, upgrader, agent } = chain;
    await (await agents["register"]!(signingKey(1))).wait();
    const hashes = [1, 2, 3, 4, 5, 6, 7].map((version) => id(`policy ${version}`));
    for (const hash of hashes) await (await policies["commit"]!(agent.address, hash)).wait();
    const versions = async () =>
      await Promise.all(hashes.map(async (_, i) => [...(await policies["versionAt"]!(agent.address, i + 1))]));
    const before = await versions();
    expect(before.map(([hash]) => hash)).to.deep.equal(hashes);
    const next = await (await ethers.deployContract("PolicyRegistryV2")).getAddress();
    const [announce, upgrade] = upgradeSteps(deployment, "policyRegistry", next, {
      account: upgrader.address,
      delaySec: 2 * day,
    });

    expect(await refusal(take(upgrader, upgrade!))).to.equal("AccessManagerNotScheduled");
    await take(upgrader, announce!);
    const { pending } = await look();
    expect(pending).to.have.lengthOf(1);
    expect(pending[0]).to.include({
      caller: upgrader.address,
      target: "policyRegistry",
      call: `upgradeToAndCall(${next}, 0x)`,
      state: "waiting",
    });
    const words = governanceInWords(await look()).join("\n");
    expect(words).to.contain(
      `policyRegistry.upgradeToAndCall(${next}, 0x), by ${upgrader.address}: cannot be done before`,
    );
    expect(await refusal(take(upgrader, upgrade!))).to.equal("AccessManagerNotReady");
    await networkHelpers.time.increase(2 * day);
    expect((await look()).pending[0]?.state).to.equal("ready");
    await take(upgrader, upgrade!);

    const after = await look();
    expect(after.pending).to.deep.equal([]);
    const registry = after.contracts.find(({ contract }) => contract === "policyRegistry");
    expect(registry?.implementation).to.equal(next);
    expect(registry?.setAtBlocks).to.have.lengthOf(2);
    expect(after.warnings).to.include("the code of policyRegistry was replaced 1 times");
    expect(await versions()).to.deep.equal(before);
    await (await policies["commit"]!(agent.address, id("policy 8"))).wait();
    expect(await policies["versionCount"]!(agent.address)).to.equal(8n);
    const second = new Contract(
      policies.target,
      ["function remark(string)", "function remarkOf(address) view returns (string)"],
      agent,
    );
    await (await second.getFunction("remark")("kept beside")).wait();
    expect(await second.getFunction("remarkOf")(agent.address)).to.equal("kept beside");
    expect(await versions()).to.deep.equal(before);
    expect(await policies["agentRegistry"]!()).to.equal(deployment.contracts.agentRegistry.address);
  });

  it("is cancelled by the guardian, and expires when it is not made within a week", async () => {
    const { ethers, networkHelpers, deployment, look, take, upgrader, guardian, deployer } = await governedChain();
    const next = await (await ethers.deployContract("PolicyRegistryV2")).getAddress();
    const [announce, upgrade, cancel] = upgradeSteps(deployment, "policyRegistry", next, {
      account: upgrader.address,
      delaySec: 2 * day,
    });
    await take(upgrader, announce!);
    await take(guardian, cancel!);
    expect((await look()).pending).to.deep.equal([]);
    await networkHelpers.time.increase(2 * day);
    expect(await refusal(take(upgrader, upgrade!))).to.equal("AccessManagerNotScheduled");
    await take(upgrader, announce!);
    await networkHelpers.time.increase(9 * day);
    expect((await look()).pending[0]?.state).to.equal("expired");
    expect(await refusal(take(upgrader, upgrade!))).to.equal("AccessManagerExpired");
    expect(await refusal(take(deployer, announce!))).to.equal("AccessManagerUnauthorizedCall");
  });

  it("is impossible after a freeze, which is announced as well", async () => {
    const { ethers, networkHelpers, deployment, look, take, upgrader } = await governedChain();
    const [announce, freeze] = freezeSteps(deployment, "policyRegistry", {
      account: upgrader.address,
      delaySec: 2 * day,
    });
    expect(await refusal(take(upgrader, freeze!))).to.equal("AccessManagerNotScheduled");
    await take(upgrader, announce!);
    await networkHelpers.time.increase(2 * day);
    await take(upgrader, freeze!);
    expect((await look()).contracts.find(({ contract }) => contract === "policyRegistry")?.frozen).to.equal(true);
    const next = await (await ethers.deployContract("PolicyRegistryV2")).getAddress();
    const [again, upgrade] = upgradeSteps(deployment, "policyRegistry", next, {
      account: upgrader.address,
      delaySec: 2 * day,
    });
    await take(upgrader, again!);
    await networkHelpers.time.increase(2 * day);
    expect(await refusal(take(upgrader, upgrade!))).to.equal("UpgradesAreFrozen");
  });
});

describe("a handover", () => {
  it("makes a multisig the administrator, who then removes the old one, after its own delay", async () => {
    const { ethers, networkHelpers, deployment, look, take, deployer, owners } = await governedChain();
    const [first, second, third] = owners;
    const multisig = await ethers.deployContract("TestMultisig", [[first!, second!, third!].map((o) => o.address), 2]);
    const to = await multisig.getAddress();
    const held = (await look()).roles.filter(({ members }) =>
      members.some(({ account }) => account === deployer.address),
    );
    const [grant, announce, remove] = handoverSteps(deployment, {
      from: deployer.address,
      to,
      held: held.map(({ id: role }) => BigInt(role)),
      adminDelaySec: 2 * day,
      upgraderDelaySec: 2 * day,
    });
    const together = async (step: GovernanceStep) => {
      await (await connectedTo(multisig, first!).getFunction("approve")(step.to, step.data)).wait();
      expect(await refusal(multisig.getFunction("execute")(step.to, step.data))).to.contain("TooFewApprovals");
      await (await connectedTo(multisig, second!).getFunction("approve")(step.to, step.data)).wait();
      return await (await multisig.getFunction("execute")(step.to, step.data)).wait();
    };
    await take(deployer, grant!);
    await together(announce!);
    const { pending } = await look();
    expect(pending[0]).to.include({ caller: to, target: "accessManager", call: `revokeRole(0, ${deployer.address})` });
    await networkHelpers.time.increase(2 * day);
    await together(remove!);

    const { roles, warnings } = await look();
    const holders = roles.flatMap(({ members }) => members.map(({ account }) => account));
    expect(holders).to.not.include(deployer.address);
    expect(roles.find(({ name }) => name === "admin")?.members).to.have.lengthOf(1);
    expect(roles.find(({ name }) => name === "admin")?.members[0]).to.include({ account: to, delaySec: 2 * day });
    expect(warnings).to.deep.equal([]);
    const manager = new Contract(
      deployment.contracts.accessManager.address,
      ["function grantRole(uint64, address, uint32)"],
      deployer,
    );
    expect(await refusal(manager["grantRole"]!(3n, deployer.address, 0))).to.equal("AccessManagerUnauthorizedAccount");
  });
});

describe("an operator who holds every role", () => {
  /** Any value of a type: what matters is who calls. */
  const anyOf = (type: string, agent: string): unknown => {
    if (type.endsWith("[]")) return [];
    if (type === "address") return agent;
    if (type === "bytes32") return signingKey(2);
    if (type === "string") return "text";
    if (type.startsWith("bytes")) return type === "bytes" ? "0x" : `0x${"01".repeat(Number(type.slice(5)))}`;
    return type === "bool" ? true : 1;
  };

  it("writes in no agent's name: every function of an agent's owner refuses the holder of all roles", async () => {
    const { ethers } = await network.create();
    const [operator, agent] = await ethers.getSigners();
    const { contracts } = await deployContracts(operator!);
    const abis = {
      agentRegistry: agentRegistryAbi,
      policyRegistry: policyRegistryAbi,
      contractRegistry: contractRegistryAbi,
    } as const;
    const agents = new Contract(contracts.agentRegistry.address, agentRegistryAbi, agent);
    await (await agents["register"]!(signingKey(1))).wait();
    let asked = 0;
    for (const [name, abi] of Object.entries(abis)) {
      const registry = new Contract(contracts[name as keyof typeof abis].address, abi, operator);
      for (const fragment of registry.interface.fragments) {
        if (fragment.type !== "function") continue;
        const called = registry.interface.getFunction(fragment.format())!;
        if (called.constant || !["agent", "identity"].includes(called.inputs[0]?.name ?? "")) continue;
        if (/Signed$/.test(called.name)) continue; // decided by a signature, whoever carries it
        const args = called.inputs.map(({ type }) => anyOf(type, agent!.address));
        const error = await registry
          .getFunction(called.format())
          .staticCall(...args)
          .then(
            () => undefined,
            (refused: { data?: string; revert?: { name: string } | null; message: string }) =>
              refused.revert?.name ?? registry.interface.parseError(refused.data ?? "0x")?.name ?? refused.message,
          );
        expect(error, `${name}.${called.name}`).to.be.oneOf([
          "NotOwner",
          "NotAgentOwner",
          "NotAgentOrOwner",
          "NotGuardian",
          "NotPendingOwner",
          "NoRecovery",
        ]);
        asked++;
      }
    }
    expect(asked).to.be.greaterThan(12);
  });
});
