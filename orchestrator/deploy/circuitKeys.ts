import { Contract, type Signer } from "ethers";

import { type Artifact } from "./artifacts.ts";
import { readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { circuitIdOf } from "../../protocol/zk/circuitId.ts";
import { assertKeyAllowed } from "../../protocol/zk/keyGate.ts";
import { type CircuitName, publicSignalTable } from "../../protocol/zk/publicSignals.ts";

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

/**
 * Enters a verifier for a circuit that never had one; it takes effect at once.
 * @param signer who administers the table
 */
export async function enterVerifier(
  signer: Signer,
  verifierRegistry: string,
  circuit: CircuitName,
  verifier: string,
): Promise<void> {
  const abi = ["function schedule(bytes32 circuitId, address verifier, uint256 publicSignalCount)"];
  const table = new Contract(verifierRegistry, abi, signer);
  try {
    const sent = await table.getFunction("schedule")(circuitIdOf(circuit), verifier, publicSignalTable[circuit].length);
    await sent.wait();
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the verifier of ${circuit} could not be entered`, { cause });
  }
}
