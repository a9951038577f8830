// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Ids of the circuits whose proofs our contracts ask for
/// @dev `protocol/zk/circuitId.ts` computes the same ids.
library CircuitIds {
    bytes32 internal constant CIRCUIT_TYPEHASH = keccak256("Circuit(string name)");

    /// `circuits/key-ownership.circom`: public signals [commitment, action].
    bytes32 internal constant KEY_OWNERSHIP = keccak256(abi.encode(CIRCUIT_TYPEHASH, keccak256("key-ownership")));
}
