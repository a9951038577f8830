import { Interface } from "ethers";

import type { DeployedContractName, Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  adminRoleId,
  governanceRoleNames,
  governanceRoles,
  upgradeableContracts,
  type UpgradeableContractName,
} from "../../protocol/governance/roles.ts";

/** One transaction of governance, for whoever signs it: a wallet, or a multisig's page. Nothing is sent from here. */
export interface GovernanceStep {
  readonly who: string;
  readonly when: string;
  readonly what: string;
  readonly to: string;
  readonly data: Hex;
}

const manager = new Interface([
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function revokeRole(uint64 roleId, address account)",
  "function schedule(address target, bytes data, uint48 when)",
  "function execute(address target, bytes data)",
  "function cancel(address caller, address target, bytes data)",
  "function multicall(bytes[] data)",
]);
const registry = new Interface(["function upgradeToAndCall(address, bytes)", "function freezeUpgrades()"]);

const encode = (from: Interface, name: string, args: readonly unknown[]): Hex =>
  from.encodeFunctionData(name, args) as Hex;

/** @throws AffiantError ERR_INPUT_CONFIG if the contract cannot be upgraded */
export function upgradeableNamed(name: string): UpgradeableContractName {
  const found = upgradeableContracts.find((contract) => contract === name);
  if (found) return found;
  throw new AffiantError("ERR_INPUT_CONFIG", `${name} cannot be upgraded`, {
    hint: `These can: ${upgradeableContracts.join(", ")}`,
  });
}

/** Who replaces code, and how long after announcing it. */
export interface Upgrader {
  readonly account: string;
  /** 0: at once, and then the manager takes no announcement either. */
  readonly delaySec: number;
}

/** Announce, wait, replace. The third step is the guardian's, instead of the second. */
export function upgradeSteps(
  deployment: Deployment,
  contract: UpgradeableContractName,
  implementation: string,
  upgrader: Upgrader,
): readonly GovernanceStep[] {
  const call = encode(registry, "upgradeToAndCall", [implementation, "0x"]);
  return delayedSteps(deployment, contract, call, `replace the code of ${contract} by ${implementation}`, upgrader);
}

/** The same for giving up upgrades: it is announced as well, and then cannot be undone. */
export function freezeSteps(
  deployment: Deployment,
  contract: UpgradeableContractName,
  upgrader: Upgrader,
): readonly GovernanceStep[] {
  const call = encode(registry, "freezeUpgrades", []);
  return delayedSteps(deployment, contract, call, `freeze the code of ${contract} for good`, upgrader);
}

function delayedSteps(
  { contracts }: Deployment,
  contract: DeployedContractName,
  call: Hex,
  what: string,
  { account, delaySec }: Upgrader,
): readonly GovernanceStep[] {
  const target = contracts[contract].address;
  const to = contracts.accessManager.address;
  if (delaySec === 0) return [{ who: account, when: "now", what, to: target, data: call }];
  return [
    { who: account, when: "now", what: `announce: ${what}`, to, data: encode(manager, "schedule", [target, call, 0]) },
    { who: account, when: `${delaySec} seconds later, within a week`, what, to: target, data: call },
    {
      who: "the guardian, or the upgrader itself",
      when: "any time before, instead of it",
      what: `cancel: ${what}`,
      to,
      data: encode(manager, "cancel", [account, target, call]),
    },
  ];
}

export interface HandoverOptions {
  readonly from: string;
  readonly to: string;
  /** Ids of the roles that `from` holds, admin among them or not. */
  readonly held: readonly bigint[];
  /** Seconds that the new administrator has to wait between announcing and doing. */
  readonly adminDelaySec: number;
  readonly upgraderDelaySec: number;
}

/**
 * Every role to a multisig. The old administrator is removed by the new one: if that could not act, because its address is
 * wrong or its signers are gone, nothing would be lost yet.
 */
export function handoverSteps({ contracts }: Deployment, options: HandoverOptions): readonly GovernanceStep[] {
  const { from, to, held, adminDelaySec, upgraderDelaySec } = options;
  const address = contracts.accessManager.address;
  const moved = governanceRoleNames.filter((name) => held.includes(governanceRoles[name].id));
  const calls = moved.flatMap((name) => {
    const { id, delayed } = governanceRoles[name];
    const grant = encode(manager, "grantRole", [id, to, delayed ? upgraderDelaySec : 0]);
    return [grant, encode(manager, "revokeRole", [id, from])];
  });
  const grantAdmin = encode(manager, "grantRole", [adminRoleId, to, adminDelaySec]);
  const removal = encode(manager, "revokeRole", [adminRoleId, from]);
  const give = {
    who: from,
    when: "now",
    what: `give ${to} the roles admin${moved.map((name) => `, ${name}`).join("")}`,
    to: address,
    data: encode(manager, "multicall", [[...calls, grantAdmin]]),
  };
  const remove = { who: to, when: "then", what: `take the role of admin from ${from}`, to: address, data: removal };
  if (adminDelaySec === 0) return [give, remove];
  const announce = {
    who: to,
    when: "then",
    what: `announce that ${from} will be no admin any more`,
    to: address,
    data: encode(manager, "schedule", [address, removal, 0]),
  };
  return [give, announce, { ...remove, when: `${adminDelaySec} seconds later, within a week` }];
}
