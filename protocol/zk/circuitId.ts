import { AbiCoder, id, keccak256 } from "ethers";

import type { Hex } from "../encoding/hex.ts";
import type { CircuitName } from "./publicSignals.ts";

const CIRCUIT_TYPEHASH = id("Circuit(string name)");

/** The key of a circuit in `VerifierRegistry`, 32 bytes; `contracts/libraries/CircuitIds.sol` has the same ids. */
export function circuitIdOf(circuit: CircuitName): Hex {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes32"], [CIRCUIT_TYPEHASH, id(circuit)])) as Hex;
}
