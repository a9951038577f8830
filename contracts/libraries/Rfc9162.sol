// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Proofs about the Merkle tree of RFC 9162 §2.1 (SHA-256, leaves tagged 0x00 and nodes 0x01)
/// @dev Hashing is done by the SHA-256 precompile, which takes 65 bytes: the tag at 0x1f, the left hash at 0x20, the
/// right one at 0x40. So the free memory pointer is overwritten while a proof is climbed, and put back before the end;
/// nothing is allocated meanwhile, and a node costs no copying.
///
/// The precompile can only fail for want of gas. What is left only shrinks, so if any call fails, the last one does too:
/// its result alone is looked at.
///
/// Both algorithms below are those of RFC 9162 §2.1.3.2 and §2.1.4.2 with the walk in two parts. While the node's index
/// `fn` and the last index `sn` of its level differ, every level takes one hash of the proof, from the left or the right
/// by the low bit of `fn`. From the level on where they meet, the node is the last of its level, has no right sibling,
/// and takes a hash, always from the left, exactly at the one bits of `fn`. A proof of another length than that leaves
/// the pointer elsewhere than at the proof's end; calldata past the end may have been hashed by then, to no effect.
library Rfc9162 {
    /// SHA-256 of nothing: the root of the empty tree.
    bytes32 internal constant EMPTY_ROOT = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice Whether `proof` leads from the leaf at `index` to the root of the tree of `size` leaves.
    /// @param leafHash SHA-256(0x00 || entry). @param size below 2^128.
    function verifyInclusion(
        bytes32 leafHash,
        uint256 index,
        uint256 size,
        bytes32[] calldata proof,
        bytes32 root
    ) internal view returns (bool valid) {
        if (index >= size) return false;
        assembly ("memory-safe") {
            let freeMemory := mload(0x40)
            let ptr := proof.offset
            let ok := 1
            let fn := index
            let sn := sub(size, 1)
            mstore(0x00, 1) // the tag, at 0x1f
            mstore(0x40, leafHash)
            for {} xor(fn, sn) {} {
                switch and(fn, 1)
                case 0 {
                    mstore(0x20, mload(0x40))
                    mstore(0x40, calldataload(ptr))
                }
                default {
                    mstore(0x20, calldataload(ptr))
                }
                ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                ptr := add(ptr, 0x20)
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            for {} fn {
                fn := shr(1, fn)
            } {
                if and(fn, 1) {
                    mstore(0x20, calldataload(ptr))
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                    ptr := add(ptr, 0x20)
                }
            }
            let atEnd := eq(ptr, add(proof.offset, shl(5, proof.length)))
            valid := and(and(ok, atEnd), eq(mload(0x40), root))
            mstore(0x40, freeMemory)
        }
    }

    /// @notice Whether `proof` shows that the tree of `newSize` leaves begins with the tree of `oldSize` leaves.
    /// @dev Equal sizes need equal roots and an empty proof. From the empty tree, whose root is EMPTY_ROOT, every tree
    /// follows with an empty proof.
    /// @param oldSize at most 2^128. @param newSize at most 2^128.
    function verifyConsistency(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) internal view returns (bool valid) {
        if (oldSize > newSize) return false;
        if (oldSize == 0) {
            if (oldRoot != EMPTY_ROOT || proof.length != 0) return false;
            return newSize != 0 || newRoot == EMPTY_ROOT;
        }
        if (oldSize == newSize) return oldRoot == newRoot && proof.length == 0;
        return _climb(oldSize, oldRoot, newSize, newRoot, proof);
    }

    /// @dev RFC 9162 §2.1.4.2 for 0 < oldSize < newSize: both roots are computed from the proof, the old one from the
    /// hashes that lie to its left only.
    function _climb(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) private view returns (bool valid) {
        assembly ("memory-safe") {
            let freeMemory := mload(0x40)
            let ptr := proof.offset
            let ok := 1
            // The lowest node that ends the old tree: its level is the number of trailing zeros of oldSize.
            let width := and(oldSize, sub(0, oldSize))
            let fn := div(sub(oldSize, 1), width)
            let sn := div(sub(newSize, 1), width)
            // If that node is the whole old tree, the proof leaves it out.
            let oldHash := oldRoot
            if fn {
                oldHash := calldataload(ptr)
                ptr := add(ptr, 0x20)
            }
            mstore(0x00, 1) // the tag, at 0x1f
            mstore(0x40, oldHash) // the new tree's hash lives here
            for {} xor(fn, sn) {} {
                switch and(fn, 1)
                case 0 {
                    mstore(0x20, mload(0x40))
                    mstore(0x40, calldataload(ptr))
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                }
                default {
                    mstore(0x20, calldataload(ptr))
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                    let newHash := mload(0x40)
                    mstore(0x40, oldHash)
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                    oldHash := mload(0x40)
                    mstore(0x40, newHash)
                }
                ptr := add(ptr, 0x20)
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            for {} fn {
                fn := shr(1, fn)
            } {
                if and(fn, 1) {
                    mstore(0x20, calldataload(ptr))
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                    let newHash := mload(0x40)
                    mstore(0x40, oldHash)
                    ok := staticcall(gas(), 2, 0x1f, 0x41, 0x40, 0x20)
                    oldHash := mload(0x40)
                    mstore(0x40, newHash)
                    ptr := add(ptr, 0x20)
                }
            }
            let atEnd := eq(ptr, add(proof.offset, shl(5, proof.length)))
            valid := and(and(ok, atEnd), and(eq(oldHash, oldRoot), eq(mload(0x40), newRoot)))
            mstore(0x40, freeMemory)
        }
    }
}
