import { keccak256, type Provider } from "ethers";

import { type Deployment, deployedContractNames } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Whether the code that a deployment names is on a chain: all of it (`present`) or none (`absent`, a fresh chain).
 * @throws AffiantError ERR_CONFLICT_CHAIN for another chain id, other code at an address, or a part that is missing:
 *   then the file and the chain do not belong together and deploying again would split history in two
 */
export async function deploymentOnChain(provider: Provider, deployment: Deployment): Promise<"present" | "absent"> {
  const { chainId } = await provider.getNetwork();
  if (chainId !== BigInt(deployment.chainId)) {
    throw new AffiantError(
      "ERR_CONFLICT_CHAIN",
      `the deployment is on chain ${deployment.chainId}, this is ${chainId}`,
      {
        details: { expectedChainId: deployment.chainId, foundChainId: Number(chainId) },
      },
    );
  }
  const codes = await Promise.all(
    deployedContractNames.map(async (name) => {
      const { address, codeHash } = deployment.contracts[name];
      return { name, address, codeHash, code: await provider.getCode(address) };
    }),
  );
  if (codes.every(({ code }) => code === "0x")) return "absent";
  const wrong = codes.find(({ code, codeHash }) => code === "0x" || keccak256(code) !== codeHash);
  if (!wrong) return "present";
  const what = wrong.code === "0x" ? "no code" : "other code";
  throw new AffiantError(
    "ERR_CONFLICT_CHAIN",
    `the chain holds ${what} at ${wrong.address}, where ${wrong.name} should be`,
    {
      details: { contract: wrong.name, address: wrong.address },
    },
  );
}
