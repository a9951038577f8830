// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev The first storage slot of an agent: all that a write needs to know, in one SLOAD and one SSTORE.
///
///   bits   0 –  39  changed      block of the last ERC-1056 event
///   bits  40 –  71  nonce        next nonce of the account's requests under nonce key 0
///   bits  72 –  79  flags        FLAG_* below
///   bits  80 –  95  keyCount     signing keys ever added; 0 = not registered
///   bits  96 – 135  added[0]     block at which signing key 0 was added
///   bits 136 – 175  revoked[0]   block at which it was revoked; 0 = never
///   bits 176 – 215  added[1]
///   bits 216 – 255  revoked[1]
///
/// 40 bits of block number last 8,700 years at four blocks a second.
type IdentityWord is uint256;

using IdentityWordLib for IdentityWord global;

/// @dev Final: set once, and nothing of the agent is written after.
uint256 constant FLAG_DEACTIVATED = 1;
/// @dev The owner is not the agent's own account but stands in the owner slot.
uint256 constant FLAG_OWNER_SET = 2;
/// @dev There are guardians, or a recovery was begun.
uint256 constant FLAG_GUARDED = 4;
/// @dev Somebody was offered the ownership and has not taken it.
uint256 constant FLAG_OWNER_PENDING = 8;

library IdentityWordLib {
    uint256 private constant MASK_40 = (1 << 40) - 1;
    uint256 private constant KEY_COUNT_ONE = 1 << 80;

    function changed(IdentityWord word) internal pure returns (uint256) {
        return IdentityWord.unwrap(word) & MASK_40;
    }

    function nonce(IdentityWord word) internal pure returns (uint32) {
        return uint32(IdentityWord.unwrap(word) >> 40);
    }

    function keyCount(IdentityWord word) internal pure returns (uint256) {
        return uint16(IdentityWord.unwrap(word) >> 80);
    }

    function has(IdentityWord word, uint256 flag) internal pure returns (bool) {
        return (IdentityWord.unwrap(word) >> 72) & flag != 0;
    }

    function withChanged(IdentityWord word, uint256 blockNumber) internal pure returns (IdentityWord) {
        return IdentityWord.wrap((IdentityWord.unwrap(word) & ~MASK_40) | (blockNumber & MASK_40));
    }

    function withNonce(IdentityWord word, uint32 value) internal pure returns (IdentityWord) {
        return
            IdentityWord.wrap(
                (IdentityWord.unwrap(word) & ~(uint256(type(uint32).max) << 40)) | (uint256(value) << 40)
            );
    }

    function withFlag(IdentityWord word, uint256 flag) internal pure returns (IdentityWord) {
        return IdentityWord.wrap(IdentityWord.unwrap(word) | (flag << 72));
    }

    function withoutFlag(IdentityWord word, uint256 flag) internal pure returns (IdentityWord) {
        return IdentityWord.wrap(IdentityWord.unwrap(word) & ~(flag << 72));
    }

    /// @dev The caller keeps the count below 2^16.
    function withOneKeyMore(IdentityWord word) internal pure returns (IdentityWord) {
        return IdentityWord.wrap(IdentityWord.unwrap(word) + KEY_COUNT_ONE);
    }
}
