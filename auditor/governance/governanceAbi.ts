import { Interface } from "ethers";

import { governanceRoleNames, governanceRoles, type RoleFunctions } from "../../protocol/governance/roles.ts";

/** What OpenZeppelin's AccessManager (5.x) says and answers. */
export const accessManagerInterface = new Interface([
  "event OperationScheduled(bytes32 indexed operationId, uint32 indexed nonce, uint48 schedule, address caller, address target, bytes data)",
  "event OperationExecuted(bytes32 indexed operationId, uint32 indexed nonce)",
  "event OperationCanceled(bytes32 indexed operationId, uint32 indexed nonce)",
  "event RoleLabel(uint64 indexed roleId, string label)",
  "event RoleGranted(uint64 indexed roleId, address indexed account, uint32 delay, uint48 since, bool newMember)",
  "event RoleRevoked(uint64 indexed roleId, address indexed account)",
  "event TargetFunctionRoleUpdated(address indexed target, bytes4 selector, uint64 indexed roleId)",
  "function getAccess(uint64 roleId, address account) view returns (uint48 since, uint32 currentDelay, uint32 pendingDelay, uint48 effect)",
  "function getRoleGuardian(uint64 roleId) view returns (uint64)",
  "function getRoleAdmin(uint64 roleId) view returns (uint64)",
  "function getRoleGrantDelay(uint64 roleId) view returns (uint32)",
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)",
  "function getTargetAdminDelay(address target) view returns (uint32)",
  "function isTargetClosed(address target) view returns (bool)",
  "function getSchedule(bytes32 id) view returns (uint48)",
  "function expiration() view returns (uint32)",
  "function labelRole(uint64 roleId, string label)",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function revokeRole(uint64 roleId, address account)",
  "function renounceRole(uint64 roleId, address callerConfirmation)",
  "function setRoleAdmin(uint64 roleId, uint64 admin)",
  "function setRoleGuardian(uint64 roleId, uint64 guardian)",
  "function setGrantDelay(uint64 roleId, uint32 newDelay)",
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
  "function setTargetAdminDelay(address target, uint32 newDelay)",
  "function setTargetClosed(address target, bool closed)",
  "function updateAuthority(address target, address newAuthority)",
  "function schedule(address target, bytes data, uint48 when) returns (bytes32 operationId, uint32 nonce)",
  "function execute(address target, bytes data) payable returns (uint32)",
  "function cancel(address caller, address target, bytes data) returns (uint32)",
  "function multicall(bytes[] data) returns (bytes[] results)",
]);

/** What upgradeable registries and the table of verifiers say of their own government. */
export const governedInterface = new Interface([
  "event Upgraded(address indexed implementation)",
  "event UpgradesFrozen()",
  "event AuthorityUpdated(address authority)",
  "event VerifierScheduled(bytes32 indexed circuitId, address indexed verifier, uint256 publicSignalCount, bytes32 codeHash, uint256 activatableAtSec)",
  "event VerifierActivated(bytes32 indexed circuitId, address indexed verifier, bytes32 codeHash)",
  "event VerifierCancelled(bytes32 indexed circuitId, address indexed verifier)",
  "event VerifierDisabled(bytes32 indexed circuitId, address indexed verifier)",
]);

const functionsOfRoles = governanceRoleNames.flatMap((name) =>
  Object.values(governanceRoles[name].functions as RoleFunctions).flat(),
);
const restrictedInterface = new Interface([...new Set(functionsOfRoles)].map((signature) => `function ${signature}`));

/** A call in words; the selector where it is unknown. */
export function callInWords(data: string): string {
  for (const known of [restrictedInterface, accessManagerInterface]) {
    const call = known.parseTransaction({ data });
    if (call) return `${call.name}(${call.args.map(argumentInWords).join(", ")})`;
  }
  return `a function with the selector ${data.slice(0, 10)}`;
}

function argumentInWords(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(argumentInWords).join(", ")}]` : String(value);
}
