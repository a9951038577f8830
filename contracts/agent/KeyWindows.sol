// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IdentityWord} from "../types/IdentityWord.sol";
import {Identity} from "./AgentStore.sol";

/// @dev The list of an agent's signing keys: the keys themselves one to a slot, since a key has 256 bits that cannot be
/// left out; the blocks at which they were added and revoked packed beside others. The first two pairs lie in the word
/// that every write touches anyway, so that the second key costs one new slot.
library KeyWindows {
    uint256 private constant INLINE_WINDOWS = 2;
    uint256 private constant INLINE_OFFSET = 96;
    uint256 private constant WINDOWS_PER_SLOT = 3;
    uint256 private constant WINDOW_BITS = 80;
    uint256 private constant BLOCK_BITS = 40;
    uint256 private constant BLOCK_MASK = (1 << BLOCK_BITS) - 1;

    function keyAt(Identity storage identity, uint256 index) internal view returns (bytes32) {
        return index == 0 ? identity.firstKey : identity.laterKeys[index];
    }

    /// @dev From the newest to the oldest: that is the one most often asked for.
    function indexOf(
        Identity storage identity,
        IdentityWord word,
        bytes32 key
    ) internal view returns (bool found, uint256 index) {
        for (index = word.keyCount(); index > 0;) {
            unchecked {
                --index;
            }
            if (keyAt(identity, index) == key) return (true, index);
        }
    }

    /// @return added block, and the block of revocation or 0.
    function windowAt(
        Identity storage identity,
        IdentityWord word,
        uint256 index
    ) internal view returns (uint256 added, uint256 revoked) {
        (uint256 slot, uint256 shift) = _place(index);
        uint256 packed = (index < INLINE_WINDOWS ? IdentityWord.unwrap(word) : identity.laterWindows[slot]) >> shift;
        return (packed & BLOCK_MASK, (packed >> BLOCK_BITS) & BLOCK_MASK);
    }

    /// @dev The word is returned, not stored: the caller changes more of it. The place of the new window is still zero.
    function append(
        Identity storage identity,
        IdentityWord word,
        bytes32 key,
        uint256 blockNumber
    ) internal returns (IdentityWord) {
        uint256 index = word.keyCount();
        if (index == 0) identity.firstKey = key;
        else identity.laterKeys[index] = key;
        (uint256 slot, uint256 shift) = _place(index);
        return _orInto(identity, word.withOneKeyMore(), index, slot, blockNumber << shift);
    }

    /// @dev The key is not revoked yet, so that its place is still zero.
    function close(
        Identity storage identity,
        IdentityWord word,
        uint256 index,
        uint256 blockNumber
    ) internal returns (IdentityWord) {
        (uint256 slot, uint256 shift) = _place(index);
        return _orInto(identity, word, index, slot, blockNumber << (shift + BLOCK_BITS));
    }

    function _orInto(
        Identity storage identity,
        IdentityWord word,
        uint256 index,
        uint256 slot,
        uint256 bits
    ) private returns (IdentityWord) {
        if (index < INLINE_WINDOWS) return IdentityWord.wrap(IdentityWord.unwrap(word) | bits);
        identity.laterWindows[slot] |= bits;
        return word;
    }

    function _place(uint256 index) private pure returns (uint256 slot, uint256 shift) {
        if (index < INLINE_WINDOWS) return (0, INLINE_OFFSET + index * WINDOW_BITS);
        uint256 later = index - INLINE_WINDOWS;
        return (later / WINDOWS_PER_SLOT, (later % WINDOWS_PER_SLOT) * WINDOW_BITS);
    }
}
