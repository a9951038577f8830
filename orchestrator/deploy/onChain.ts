import { keccak256 } from "ethers";

import { type Deployment, deployedContractNames } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { codeFoundBy, codeHashProbe } from "../../protocol/jsonRpc/codeHashProbe.ts";
import type { Eip1193 } from "./chainRpc.ts";

/**
 * @returns the chain's id
 * @throws AffiantError ERR_CONFLICT_CHAIN if it is not the one expected: a wrong URL, or an endpoint that lies
 */
export async function assertChainId(rpc: Eip1193, expected: bigint, what: string): Promise<bigint> {
  const found = BigInt((await rpc.request({ method: "eth_chainId" })) as string);
  if (found === expected) return found;
  throw new AffiantError("ERR_CONFLICT_CHAIN", `${what} is on chain ${expected}, this is ${found}`, {
    details: { expectedChainId: Number(expected), foundChainId: Number(found) },
  });
}

/** Asks in another way: on one empty answer nothing is deployed a second time. */
async function assertAbsent(rpc: Eip1193, { contracts }: Deployment): Promise<void> {
  const { address } = contracts.accessManager;
  const data = codeHashProbe(address.toLowerCase() as Hex);
  if (codeFoundBy(await rpc.request({ method: "eth_call", params: [{ data }, "latest"] })) === false) return;
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the endpoint does not say whether there is code at ${address}`);
}

/**
 * Whether the code that a deployment names is on a chain: all of it (`present`) or none (`absent`, a fresh chain).
 * @throws AffiantError ERR_CONFLICT_CHAIN for another chain id, other code at an address, or a part that is missing:
 *   then the file and the chain do not belong together and deploying again would split history in two
 */
export async function deploymentOnChain(rpc: Eip1193, deployment: Deployment): Promise<"present" | "absent"> {
  await assertChainId(rpc, BigInt(deployment.chainId), "the deployment");
  const codes = await Promise.all(
    deployedContractNames.map(async (name) => {
      const { address, codeHash } = deployment.contracts[name];
      const code = (await rpc.request({ method: "eth_getCode", params: [address, "latest"] })) as string;
      return { name, address, codeHash, code };
    }),
  );
  if (codes.every(({ code }) => code === "0x")) {
    await assertAbsent(rpc, deployment);
    return "absent";
  }
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
