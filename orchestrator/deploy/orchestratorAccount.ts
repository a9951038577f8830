import { type Signer } from "ethers";

import { appoint } from "./appoint.ts";
import { type Deployment } from "../../protocol/deployment.ts";
import { orchestratorFunctions, orchestratorRole } from "../../protocol/escrow/role.ts";

/**
 * Gives an account the orchestrator's role: groups, their members and epochs. Once it is set, the administrator itself
 * can do none of that without the role.
 * @param admin administers the roles of the deployment
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if a transaction is not mined as it should be
 */
export function appointOrchestrator(
  admin: Signer,
  { contracts }: Pick<Deployment, "contracts">,
  account: string,
): Promise<void> {
  const role = { id: orchestratorRole, target: contracts.keyEscrow.address, functions: orchestratorFunctions };
  return appoint(admin, contracts.accessManager.address, role, account);
}
