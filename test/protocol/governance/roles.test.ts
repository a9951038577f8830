import { expect } from "chai";
import { Interface, type InterfaceAbi } from "ethers";

import type { DeployedContractName } from "../../../protocol/deployment.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../../protocol/generated/abi/ContractRegistry.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { verifierRegistryAbi } from "../../../protocol/generated/abi/VerifierRegistry.ts";
import { governanceRoleNames, governanceRoles, type RoleFunctions } from "../../../protocol/governance/roles.ts";
import { attestationRegistryAbi } from "../../../protocol/generated/abi/AttestationRegistry.ts";

const abis: Partial<Record<DeployedContractName, readonly Interface[]>> = Object.fromEntries(
  Object.entries({
    agentRegistry: [agentRegistryAbi],
    policyRegistry: [policyRegistryAbi],
    contractRegistry: [contractRegistryAbi],
    attestationRegistry: [iAttestationRegistryAbi, attestationRegistryAbi],
    keyEscrow: [keyEscrowAbi],
    verifierRegistry: [verifierRegistryAbi],
  }).map(([name, parts]) => [name, parts.map((abi) => new Interface(abi as InterfaceAbi))]),
);

describe("protocol/governance/roles", () => {
  it("names functions that the contracts have: another signature would be a right that nobody has", () => {
    const named = governanceRoleNames.flatMap((role) =>
      Object.entries(governanceRoles[role].functions as RoleFunctions).flatMap(([contract, signatures]) =>
        signatures.map((signature) => [contract, signature] as const),
      ),
    );
    expect(named.length).to.be.greaterThan(10);
    for (const [contract, signature] of named) {
      const parts = abis[contract as DeployedContractName] ?? [];
      const found = parts.some((abi) => abi.getFunction(signature) !== null);
      expect(found, `${contract}.${signature}`).to.equal(true);
    }
  });
});
