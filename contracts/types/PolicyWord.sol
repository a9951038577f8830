// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev The first storage slot of an agent's policy versions.
///
///   bits   0 –  23  count        versions committed
///   bits  24 –  55  nonce        next nonce of the account's requests under nonce key 0
///   bits  56 –  95  block[1]     block in which version 1 was committed
///   bits  96 – 135  block[2]
///   bits 136 – 175  block[3]
///   bits 176 – 215  block[4]
///   bits 216 – 255  block[5]
type PolicyWord is uint256;

using PolicyWordLib for PolicyWord global;

/// @dev How many blocks the word itself holds.
uint256 constant INLINE_VERSIONS = 5;

library PolicyWordLib {
    uint256 private constant MASK_24 = type(uint24).max;

    function count(PolicyWord word) internal pure returns (uint256) {
        return PolicyWord.unwrap(word) & MASK_24;
    }

    function nonce(PolicyWord word) internal pure returns (uint32) {
        return uint32(PolicyWord.unwrap(word) >> 24);
    }

    /// @dev `version` is 1 to INLINE_VERSIONS.
    function inlineBlock(PolicyWord word, uint256 version) internal pure returns (uint256) {
        return uint40(PolicyWord.unwrap(word) >> (16 + 40 * version));
    }

    function withNonce(PolicyWord word, uint32 value) internal pure returns (PolicyWord) {
        return
            PolicyWord.wrap((PolicyWord.unwrap(word) & ~(uint256(type(uint32).max) << 24)) | (uint256(value) << 24));
    }

    /// @dev `version` is the next one. Its place is still zero, if the word has one for it.
    function withVersion(PolicyWord word, uint256 version, uint256 blockNumber) internal pure returns (PolicyWord) {
        uint256 bits = PolicyWord.unwrap(word) + 1;
        if (version <= INLINE_VERSIONS) bits |= blockNumber << (16 + 40 * version);
        return PolicyWord.wrap(bits);
    }
}
