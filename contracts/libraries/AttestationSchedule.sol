// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Who verifies whom in a round, from its seed alone
/// @notice The agents stand on a ring in an order drawn from the seed. The verifiers of the agent at position p are those
/// at p + 1, p + 2, … p + K: a uniformly drawn set, found without storing a plan. With K ≤ (n − 1) / 2 nobody verifies
/// itself, and nobody who verifies another is verified by it.
/// @dev The order is a pseudo-random permutation of [0, n): an alternating, unbalanced Feistel network over Z_a × Z_b
/// with a = ⌈√n⌉ and b = ⌈n / a⌉ (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), walked until it
/// lands below n. Since a·b < n + a, that is hardly ever more than one step. An affine map p → x·p + y would be cheaper,
/// but its verifiers form arithmetic progressions of places, on which colluding agents could sit.
/// The same in TypeScript: `protocol/attestation/permutation.ts`; both are held to `protocol/vectors/attestation.json`.
library AttestationSchedule {
    /// @dev Most verifiers that are ever drawn for one target.
    uint256 internal constant MAX_CANDIDATES = 16;
    uint256 internal constant FEISTEL_ROUNDS = 8;

    /// @param left a
    /// @param right b
    struct Order {
        bytes32 seed;
        uint256 size;
        uint256 left;
        uint256 right;
    }

    function order(bytes32 seed, uint256 size) internal pure returns (Order memory) {
        return order(seed, size, rootOf(size));
    }

    /// @param root `rootOf(size)`, where it was kept.
    function order(bytes32 seed, uint256 size, uint256 root) internal pure returns (Order memory) {
        unchecked {
            return Order(seed, size, root, (size + root - 1) / root);
        }
    }

    /// @return root ⌈√size⌉
    function rootOf(uint256 size) internal pure returns (uint256 root) {
        unchecked {
            root = Math.sqrt(size);
            if (root * root < size) ++root;
        }
    }

    /// @notice How many verifiers are drawn for each of n agents.
    function candidateCount(uint256 size) internal pure returns (uint256) {
        return Math.min(MAX_CANDIDATES, (size - 1) / 2);
    }

    /// @notice The place in the roster of whoever stands at a position of the ring.
    function placeAt(Order memory o, uint256 position) internal pure returns (uint256 place) {
        place = position;
        do place = _forward(o, place); while (place >= o.size);
    }

    /// @notice The position on the ring of whoever is at a place of the roster.
    function positionOf(Order memory o, uint256 place) internal pure returns (uint256 position) {
        position = place;
        do position = _backward(o, position); while (position >= o.size);
    }

    /// @dev Round i adds keccak256(seed ‖ i << 128 | other half), 64 bytes, to one half. In assembly because a verdict
    /// needs dozens of these.
    function _forward(Order memory o, uint256 x) private pure returns (uint256 y) {
        assembly ("memory-safe") {
            let a := mload(add(o, 0x40))
            let b := mload(add(o, 0x60))
            let l := mod(x, a)
            let r := div(x, a)
            mstore(0x00, mload(o))
            for {
                let i := 0
            } lt(i, FEISTEL_ROUNDS) {
                i := add(i, 2)
            } {
                mstore(0x20, or(shl(128, i), r))
                l := addmod(l, keccak256(0x00, 0x40), a)
                mstore(0x20, or(shl(128, add(i, 1)), l))
                r := addmod(r, keccak256(0x00, 0x40), b)
            }
            y := add(mul(r, a), l)
        }
    }

    function _backward(Order memory o, uint256 x) private pure returns (uint256 y) {
        assembly ("memory-safe") {
            let a := mload(add(o, 0x40))
            let b := mload(add(o, 0x60))
            let l := mod(x, a)
            let r := div(x, a)
            mstore(0x00, mload(o))
            for {
                let i := FEISTEL_ROUNDS
            } i {
                i := sub(i, 2)
            } {
                mstore(0x20, or(shl(128, sub(i, 1)), l))
                r := addmod(r, sub(b, mod(keccak256(0x00, 0x40), b)), b)
                mstore(0x20, or(shl(128, sub(i, 2)), r))
                l := addmod(l, sub(a, mod(keccak256(0x00, 0x40), a)), a)
            }
            y := add(mul(r, a), l)
        }
    }
}
