import { expect } from "chai";
import { type BaseContract, Contract, id, Interface, type Signer } from "ethers";
import { network } from "hardhat";

import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { adminRoleId, governanceRoles, publicRoleId, selectorOf } from "../../../protocol/governance/roles.ts";

const day = 24 * 3600;
const upgraderRole = governanceRoles.upgrader.id;
const guardianRole = governanceRoles.guardian.id;
const upgradeSelector = selectorOf("upgradeToAndCall(address,bytes)");

const managerAbi = [
  "function schedule(address target, bytes data, uint48 when)",
  "function execute(address target, bytes data)",
  "function cancel(address caller, address target, bytes data)",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function revokeRole(uint64 roleId, address account)",
  "function labelRole(uint64 roleId, string label)",
  "function setRoleAdmin(uint64 roleId, uint64 admin)",
  "function setRoleGuardian(uint64 roleId, uint64 guardian)",
  "function setGrantDelay(uint64 roleId, uint32 newDelay)",
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
  "function setTargetAdminDelay(address target, uint32 newDelay)",
  "function setTargetClosed(address target, bool closed)",
  "function updateAuthority(address target, address newAuthority)",
  "function multicall(bytes[] data)",
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)",
];
const registryAbi = ["function upgradeToAndCall(address, bytes)", "function setAuthority(address)"];
const errors = new Interface([
  "error AccessManagerNotScheduled(bytes32)",
  "error AccessManagerNotReady(bytes32)",
  "error AccessManagerUnauthorizedCall(address, address, bytes4)",
  "error AccessManagerUnauthorizedCancel(address, address, address, bytes4)",
  "error AccessManagerUnauthorizedAccount(address, uint64)",
  "error AccessManagedUnauthorized(address)",
  "error AuthorityIsHeld(address)",
]);

/** What a transaction reverts with, by name; "nothing" if it does not. */
async function refusal(sending: Promise<unknown>): Promise<string> {
  try {
    await sending;
  } catch (error) {
    const data = (error as { data?: unknown }).data;
    return (typeof data === "string" ? errors.parseError(data)?.name : undefined) ?? String(error);
  }
  return "nothing";
}

async function fixture(adminDelaySec: number) {
  const { ethers, networkHelpers } = await network.create();
  const [deployer, admin, upgrader, guardian, orchestrator, service, stranger] = await ethers.getSigners();
  const { contracts } = await deployContracts(deployer!, {
    holders: {
      upgrader: upgrader!.address,
      guardian: guardian!.address,
      orchestrator: orchestrator!.address,
      attestationService: service!.address,
      upgraderDelaySec: 2 * day,
    },
  });
  const manager = new Contract(contracts.accessManager.address, managerAbi, admin);
  const as = (contract: BaseContract, signer: Signer) =>
    new Contract(contract.target, contract.interface, signer) as Contract;
  await as(manager, deployer!).getFunction("grantRole")(adminRoleId, admin!.address, 0);
  await manager.getFunction("revokeRole")(adminRoleId, deployer!.address);
  await manager.getFunction("grantRole")(adminRoleId, admin!.address, adminDelaySec);
  const registry = new Contract(contracts.policyRegistry.address, registryAbi, stranger);
  const next = await (await ethers.deployContract("PolicyRegistryV2")).getAddress();
  const administer = async (name: string, ...args: unknown[]) => {
    const call = manager.interface.encodeFunctionData(name, args);
    if (adminDelaySec > 0) {
      await manager.getFunction("schedule")(manager.target, call, 0);
      await networkHelpers.time.increase(adminDelaySec);
      return await manager.getFunction("execute")(manager.target, call);
    }
    return await manager.getFunction(name)(...args);
  };
  const upgrade = (by: Signer) => as(registry, by).getFunction("upgradeToAndCall")(next, "0x");
  const upgradeCall = registry.interface.encodeFunctionData("upgradeToAndCall", [next, "0x"]);
  const announce = (by: Signer) => as(manager, by).getFunction("schedule")(registry.target, upgradeCall, 0);
  const cancel = (by: Signer, caller: Signer & { address: string }) =>
    as(manager, by).getFunction("cancel")(caller.address, registry.target, upgradeCall);
  return {
    networkHelpers,
    manager,
    registry,
    next,
    as,
    administer,
    upgrade,
    upgradeCall,
    announce,
    cancel,
    admin: admin!,
    upgrader: upgrader!,
    guardian: guardian!,
    orchestrator: orchestrator!,
    service: service!,
    stranger: stranger!,
  };
}

describe("the delay of upgrades", () => {
  for (const [who, adminDelaySec] of [
    ["an administrator without delay", 0],
    ["an administrator with a delay", 2 * day],
  ] as const) {
    describe(`against ${who}`, () => {
      it("holds for whom the upgrader's role is granted without one, and the guardian cancels", async () => {
        const world = await fixture(adminDelaySec);
        const { administer, upgrade, announce, cancel, networkHelpers, stranger, guardian, manager } = world;
        await administer("grantRole", upgraderRole, stranger.address, 0);
        const [isMember, delaySec] = (await manager.getFunction("hasRole")(
          upgraderRole,
          stranger.address,
        )) as unknown[];
        expect([isMember, delaySec]).to.deep.equal([true, BigInt(2 * day)]);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagerNotScheduled");
        await announce(stranger);
        await networkHelpers.time.increase(2 * day - 60);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagerNotReady");
        await cancel(guardian, stranger);
        await networkHelpers.time.increase(2 * day);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagerNotScheduled");
        await announce(stranger);
        await networkHelpers.time.increase(2 * day);
        expect(await refusal(upgrade(stranger))).to.equal("nothing");
      });

      for (const [role, roleId] of [
        ["a role of its own", 77n],
        ["the orchestrator's", governanceRoles.orchestrator.id],
        ["the administrator's", adminRoleId],
        ["everybody's", publicRoleId],
      ] as const) {
        it(`holds for a function that was moved to ${role}, and so does the guardian's office`, async () => {
          const world = await fixture(adminDelaySec);
          const { administer, upgrade, announce, cancel, networkHelpers, registry, guardian } = world;
          await administer("setTargetFunctionRole", registry.target, [upgradeSelector], roleId);
          const by = { 77: world.stranger, 2: world.orchestrator, 0: world.admin }[Number(roleId)] ?? world.stranger;
          if (roleId === 77n) await administer("grantRole", roleId, by.address, 0);
          expect(await refusal(upgrade(by))).to.equal("AccessManagerNotScheduled");
          await announce(by);
          await networkHelpers.time.increase(2 * day - 60);
          expect(await refusal(upgrade(by))).to.equal("AccessManagerNotReady");
          await cancel(guardian, by);
          await networkHelpers.time.increase(2 * day);
          expect(await refusal(upgrade(by))).to.equal("AccessManagerNotScheduled");
        });
      }

      it("holds whatever else is set", async () => {
        const world = await fixture(adminDelaySec);
        const { administer, upgrade, announce, cancel, registry, orchestrator, stranger, guardian, manager, as } =
          world;
        await administer("setTargetAdminDelay", registry.target, 0);
        await administer("setRoleAdmin", upgraderRole, governanceRoles.orchestrator.id);
        await administer("setGrantDelay", upgraderRole, 0);
        await administer("setRoleGuardian", upgraderRole, 77n);
        await administer("labelRole", upgraderRole, "another name");
        await administer("setTargetClosed", registry.target, true);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagedUnauthorized");
        await administer("setTargetClosed", registry.target, false);
        await as(manager, orchestrator).getFunction("grantRole")(upgraderRole, stranger.address, 0);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagerNotScheduled");
        await announce(stranger);
        await cancel(guardian, stranger);
        expect(await refusal(upgrade(stranger))).to.equal("AccessManagerNotScheduled");
      });

      it("is not left behind with the manager: no registry obeys another one", async () => {
        const { administer, registry, manager, admin, as, stranger } = await fixture(adminDelaySec);
        expect(await refusal(administer("updateAuthority", registry.target, stranger.address))).to.equal(
          "AuthorityIsHeld",
        );
        const call = registry.interface.encodeFunctionData("setAuthority", [stranger.address]);
        for (const name of ["execute", "schedule"]) {
          const args = name === "execute" ? [registry.target, call] : [registry.target, call, 0];
          expect(await refusal(manager.getFunction(name)(...args)), name).to.equal("AccessManagerUnauthorizedCall");
        }
        const direct = as(registry, admin).getFunction("setAuthority")(stranger.address);
        expect(await refusal(direct)).to.equal("AccessManagedUnauthorized");
      });
    });
  }

  it("holds for the calls of one multicall, in one transaction", async () => {
    const { manager, admin, registry, upgradeCall } = await fixture(0);
    const encode = (name: string, ...args: unknown[]) => manager.interface.encodeFunctionData(name, args);
    const calls = [
      encode("grantRole", upgraderRole, admin.address, 0),
      encode("execute", registry.target, upgradeCall),
    ];
    expect(await refusal(manager.getFunction("multicall")(calls))).to.equal("AccessManagerNotScheduled");
  });

  it("is not gone round by any other role", async () => {
    const { upgrade, announce, upgrader, guardian, orchestrator, service, stranger } = await fixture(2 * day);
    expect(await refusal(upgrade(upgrader))).to.equal("AccessManagerNotScheduled");
    for (const by of [guardian, orchestrator, service, stranger]) {
      expect(await refusal(upgrade(by)), by.address).to.equal("AccessManagedUnauthorized");
      expect(await refusal(announce(by)), by.address).to.equal("AccessManagerUnauthorizedCall");
    }
  });

  it("an announced grant of the upgrader's role is cancelled by the guardian, who cannot keep its own office", async () => {
    const { manager, admin, as, guardian, stranger, orchestrator } = await fixture(2 * day);
    const cancel = (by: Signer, call: string) =>
      as(manager, by).getFunction("cancel")(admin.address, manager.target, call);
    const grant = manager.interface.encodeFunctionData("grantRole", [upgraderRole, stranger.address, 0]);
    await manager.getFunction("schedule")(manager.target, grant, 0);
    for (const by of [stranger, orchestrator]) {
      expect(await refusal(cancel(by, grant))).to.equal("AccessManagerUnauthorizedCancel");
    }
    await cancel(guardian, grant);
    expect(await refusal(manager.getFunction("execute")(manager.target, grant))).to.equal("AccessManagerNotScheduled");

    const removal = manager.interface.encodeFunctionData("revokeRole", [guardianRole, guardian.address]);
    await manager.getFunction("schedule")(manager.target, removal, 0);
    expect(await refusal(cancel(guardian, removal))).to.equal("AccessManagerUnauthorizedCancel");
  });

  it("leaves functions of other roles as they are", async () => {
    const { administer, manager, stranger } = await fixture(0);
    const selector = id("publishEpoch(bytes32,uint256,bytes32,bytes32,address[])").slice(0, 10);
    await administer("setTargetFunctionRole", stranger.address, [selector], 77n);
    await administer("grantRole", 77n, stranger.address, 0);
    const canCall = new Contract(
      manager.target,
      ["function canCall(address, address, bytes4) view returns (bool, uint32)"],
      stranger,
    );
    const answer = (await canCall.getFunction("canCall")(stranger.address, stranger.address, selector)) as unknown[];
    expect([...answer]).to.deep.equal([true, 0n]);
  });
});
