import { AbiCoder, id, keccak256 } from "ethers";

import { attestationRegistryTypes } from "../eip712/attestationRegistry.ts";
import { encodeType } from "../eip712/typedData.ts";
import type { Hex } from "../encoding/hex.ts";

const typeHash = id(encodeType(attestationRegistryTypes, "Reference"));

export interface ReferenceOpening {
  /** The agent's address. */
  readonly agent: string;
  /** Version of its reference, from 1. */
  readonly version: bigint;
  /** Digest of the canonical manifest of what runs, 32 bytes. */
  readonly measurement: Hex;
  /** 32 random bytes, kept with the reference: without them the digest of a public image could be guessed. */
  readonly salt: Hex;
}

/** What stands on chain of an agent's reference: `keccak256(abi.encode(typeHash, agent, version, measurement, salt))`. */
export function referenceCommitment({ agent, version, measurement, salt }: ReferenceOpening): Hex {
  const types = ["bytes32", "address", "uint256", "bytes32", "bytes32"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [typeHash, agent, version, measurement, salt])) as Hex;
}
