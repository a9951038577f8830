import type { Deployment } from "../../protocol/deployment.ts";
import {
  type GovernanceRole,
  governanceRoleNames,
  governanceRoles,
  publicRoleId,
  type RoleFunctions,
} from "../../protocol/governance/roles.ts";
import type { Governance } from "./governance.ts";

/** What in a state of governance weakens the promise that nothing changes unseen. */
export function warningsOf(state: Omit<Governance, "warnings">, deployment: Deployment): readonly string[] {
  const admin = state.roles.find(({ id }) => id === "0");
  const warnings: string[] = [];
  for (const { account, delaySec } of admin?.members ?? []) {
    if (delaySec > 0) continue;
    const who = account === deployment.deployer ? `the deployer ${account}` : account;
    warnings.push(`${who} is admin without delay: it can give itself any role and act at once`);
  }
  if (admin?.members.length === 0) warnings.push("nobody is admin: no role can be given or taken any more");
  const upgrader = state.roles.find(({ id }) => id === `${governanceRoles.upgrader.id}`);
  for (const { account, delaySec } of upgrader?.members ?? []) {
    if (delaySec === 0) warnings.push(`${account} can replace code at once: its upgrades are not announced`);
  }
  for (const name of governanceRoleNames) {
    const role: GovernanceRole = governanceRoles[name];
    for (const [contract, signatures] of Object.entries(role.functions as RoleFunctions)) {
      for (const signature of signatures) {
        const now = state.roles.find(({ functions }) =>
          functions.some((found) => found.contract === contract && found.function === signature),
        );
        if (now?.id === `${role.id}`) continue;
        const who = now?.id === `${publicRoleId}` ? "open to everybody" : `opened by ${now?.name ?? "no role"}`;
        warnings.push(`${contract}.${signature} is ${who}; the plan says ${role.label}`);
      }
    }
  }
  for (const { contract, implementation, setAtBlocks } of state.contracts) {
    const first = deployment.contracts[contract].implementation?.address;
    if (setAtBlocks.length > 1) warnings.push(`the code of ${contract} was replaced ${setAtBlocks.length - 1} times`);
    else if (first !== undefined && first !== implementation) {
      warnings.push(`${contract} runs ${implementation}; the deployment file names ${first}`);
    }
  }
  return warnings;
}
