import { AbiCoder, id, keccak256 } from "ethers";

import { attestationRegistryTypes } from "../eip712/attestationRegistry.ts";
import { encodeType } from "../eip712/typedData.ts";
import type { Hex } from "../encoding/hex.ts";

const typeHash = id(encodeType(attestationRegistryTypes, "Seed"));

/** What a round is opened with. @param secret 32 random bytes, used once */
export function secretCommitment(secret: Hex): Hex {
  return keccak256(secret) as Hex;
}

export interface SeedParts {
  readonly secret: Hex;
  /** Hash of the block that was fixed when the round was opened. */
  readonly blockHash: Hex;
  /** Head of the registry's history when the round was opened. */
  readonly rotHead: Hex;
  readonly round: bigint;
}

/** The seed of a round, from which every pair of it follows. 32 bytes. */
export function roundSeed({ secret, blockHash, rotHead, round }: SeedParts): Hex {
  const types = ["bytes32", "bytes32", "bytes32", "bytes32", "uint256"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [typeHash, secret, blockHash, rotHead, round])) as Hex;
}
