import { Contract, id, type Signer } from "ethers";

import { attestationServiceFunctions, attestationServiceRole } from "../../protocol/attestation/role.ts";
import { type Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const accessManagerAbi = [
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
];

/**
 * Gives an account the role of the attestation service, without delay: it must be able to open a round when one is due.
 * Repeating it changes nothing.
 * @param admin administers the roles of the deployment
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if a transaction is not mined as it should be
 */
export async function appointAttestationService(admin: Signer, deployment: Deployment, account: string): Promise<void> {
  const { accessManager, attestationRegistry } = deployment.contracts;
  const manager = new Contract(accessManager.address, accessManagerAbi, admin);
  const selectors = attestationServiceFunctions.map((signature) => id(signature).slice(0, 10));
  try {
    const allow = manager.getFunction("setTargetFunctionRole");
    await (await allow(attestationRegistry.address, selectors, attestationServiceRole)).wait();
    await (await manager.getFunction("grantRole")(attestationServiceRole, account, 0)).wait();
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the attestation service could not be given its role", { cause });
  }
}
