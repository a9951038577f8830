import { id } from "ethers";

import { attestationServiceFunctions, attestationServiceRole } from "../attestation/role.ts";
import type { DeployedContractName } from "../deployment.ts";
import type { Hex } from "../encoding/hex.ts";
import { orchestratorFunctions, orchestratorRole } from "../escrow/role.ts";

/** The registries whose code can be replaced, until it is frozen. */
export const upgradeableContracts = [
  "agentRegistry",
  "policyRegistry",
  "contractRegistry",
  "attestationRegistry",
  "keyEscrow",
] as const satisfies readonly DeployedContractName[];
export type UpgradeableContractName = (typeof upgradeableContracts)[number];

/** What a role may call: signatures by contract. */
export type RoleFunctions = Readonly<Partial<Record<DeployedContractName, readonly string[]>>>;

export interface GovernanceRole {
  /** Number in the AccessManager, uint64. */
  readonly id: bigint;
  /** As it stands on chain (`RoleLabel`). */
  readonly label: string;
  /** What its holders can do, for people. */
  readonly words: string;
  readonly functions: RoleFunctions;
  /** Whether its holders act only after a delay outside local chains. */
  readonly delayed: boolean;
}

const upgrades = ["upgradeToAndCall(address,bytes)", "freezeUpgrades()"] as const;

/**
 * The roles of DESIGN.md §10: the deployment sets them up from this table, and whoever reads a chain compares with it.
 * No function here takes an agent's name to write in it. The log has no role: each log belongs to who registered it.
 */
export const governanceRoles = {
  attestationService: {
    id: attestationServiceRole,
    label: "affiant: attestation service",
    words: "enrols and retires attested agents, and opens rounds of attestation",
    functions: { attestationRegistry: attestationServiceFunctions },
    delayed: false,
  },
  orchestrator: {
    id: orchestratorRole,
    label: "affiant: orchestrator",
    words:
      "makes groups, seats their members, publishes the epochs of their keys, names trustees, and vetoes a recovery",
    functions: { keyEscrow: orchestratorFunctions },
    delayed: false,
  },
  upgrader: {
    id: 3n,
    label: "affiant: upgrader",
    words:
      "replaces the registries' code, gives that up for good, announces verifiers, and sets the pace of attestation",
    functions: {
      agentRegistry: upgrades,
      policyRegistry: upgrades,
      contractRegistry: upgrades,
      attestationRegistry: [...upgrades, "setSchedule((uint16,uint16,uint24,uint24,uint24,uint16))"],
      keyEscrow: upgrades,
      verifierRegistry: ["schedule(bytes32,address,uint256)"],
    },
    delayed: true,
  },
  guardian: {
    id: 4n,
    label: "affiant: guardian",
    words: "stops things and starts none: cancels what the upgrader scheduled, withdraws a verifier, stops a circuit",
    functions: {
      verifierRegistry: ["cancel(bytes32)", "disable(bytes32)"],
    },
    delayed: false,
  },
} as const satisfies Record<string, GovernanceRole>;
export type GovernanceRoleName = keyof typeof governanceRoles;
export const governanceRoleNames = Object.keys(governanceRoles) as readonly GovernanceRoleName[];

/** The AccessManager's own role 0: grants and takes roles, and says which function belongs to which. */
export const adminRoleId = 0n;

/** The role that nobody has to be given. */
export const publicRoleId = 2n ** 64n - 1n;

/** The first four bytes of keccak256 of a signature. */
export function selectorOf(signature: string): Hex {
  return id(signature).slice(0, 10) as Hex;
}
