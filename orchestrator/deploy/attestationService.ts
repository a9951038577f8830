import type { Signer } from "ethers";

import { appoint } from "./appoint.ts";
import { attestationServiceFunctions, attestationServiceRole } from "../../protocol/attestation/role.ts";
import type { Deployment } from "../../protocol/deployment.ts";

/**
 * Gives an account the role of the attestation service, without delay: it must be able to open a round when one is due.
 * Repeating it changes nothing.
 * @param admin administers the roles of the deployment
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if a transaction is not mined as it should be
 */
export function appointAttestationService(admin: Signer, { contracts }: Deployment, account: string): Promise<void> {
  const { accessManager, attestationRegistry } = contracts;
  const role = {
    id: attestationServiceRole,
    target: attestationRegistry.address,
    functions: attestationServiceFunctions,
  };
  return appoint(admin, accessManager.address, role, account);
}
