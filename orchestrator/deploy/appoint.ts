import { Contract, id, type Signer } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { mined } from "../chain/mined.ts";

const accessManagerAbi = [
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)",
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)",
];

/** A role of the AccessManager: which functions of which contract it opens. */
export interface Role {
  readonly id: bigint;
  readonly target: string;
  /** Solidity signatures. */
  readonly functions: readonly string[];
}

/**
 * Gives an account a role, without delay, and makes the role's functions its own. Repeating it changes nothing and sends
 * nothing.
 * @param admin administers the roles of the deployment
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if a transaction is not mined as it should be
 */
export async function appoint(admin: Signer, accessManager: string, role: Role, account: string): Promise<void> {
  const manager = new Contract(accessManager, accessManagerAbi, admin);
  const call = (name: string, ...args: unknown[]) => manager.getFunction(name).staticCall(...args) as Promise<unknown>;
  try {
    const selectors = role.functions.map((signature) => id(signature).slice(0, 10));
    const roles = await Promise.all(selectors.map((selector) => call("getTargetFunctionRole", role.target, selector)));
    const left = selectors.filter((_, i) => roles[i] !== role.id);
    if (left.length > 0) {
      await mined(manager.getFunction("setTargetFunctionRole")(role.target, left, role.id));
    }
    const [isMember] = (await call("hasRole", role.id, account)) as [boolean];
    if (!isMember) await mined(manager.getFunction("grantRole")(role.id, account, 0));
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `${account} could not be given role ${role.id}`, { cause });
  }
}
