import type { Artifact } from "./artifacts.ts";
import { readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { assertKeyAllowed } from "../../protocol/zk/keyGate.ts";
import type { CircuitName } from "../../protocol/zk/publicSignals.ts";

/** The circuits whose verifiers belong to a deployment, and the contracts that verify them. */
export const verifierContracts = { "key-ownership": "KeyOwnershipVerifier" } as const satisfies Record<
  CircuitName,
  string
>;

/**
 * Whether the keys in a folder may go on a chain, and whether the compiled verifiers carry those very keys. Asked before
 * anything is sent.
 * @param folder the committed development artifacts unless given; else the export of a ceremony
 * @throws AffiantError ERR_INPUT_KEY_DEVELOPMENT, ERR_INPUT_KEY_INITIAL, ERR_INPUT_KEY_MISMATCH, ERR_INPUT_ARTIFACT
 */
export async function assertKeysAllowed(
  chainId: bigint,
  artifacts: ReadonlyMap<string, Artifact>,
  folder?: string,
): Promise<void> {
  for (const [circuit, contract] of Object.entries(verifierContracts) as [CircuitName, string][]) {
    const { verificationKey, keyKind } = await readVerifyingArtifacts(circuit, folder);
    const bytecode = artifacts.get(contract)?.bytecode;
    if (bytecode === undefined)
      throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `no artifact was read for ${contract}`);
    assertKeyAllowed({ verificationKey, kind: keyKind, chainId, bytecode });
  }
}
