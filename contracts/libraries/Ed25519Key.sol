// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What can be said on chain about 32 bytes that claim to be an Ed25519 key (RFC 8032)
/// @dev Verifiers disagree about keys whose encoding is not canonical and about points of low order ("Taming the many
/// EdDSAs", IACR 2020/1244). Both are refused here by their encodings. Whether y belongs to a point of the curve, and
/// to one of prime order, needs a scalar multiplication: `protocol/ed25519` decides that before submission and in audits.
library Ed25519Key {
    /// p = 2^255 - 19
    uint256 private constant P = (1 << 255) - 19;
    uint256 private constant SIGN_BIT = 1 << 255;

    /// The y of the four points of order 8: two values, each with two signs of x. Beside them only y = 0 (order 4),
    /// y = 1 (the identity) and y = -1 (order 2) are of low order. Listed in IACR 2020/1244, table 6.
    uint256 private constant ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826;
    uint256 private constant ORDER_8_NEGATED_Y = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7;

    /// Masks that keep every other byte, pair, quad and octet.
    uint256 private constant EVERY_2ND_BYTE = type(uint256).max / 0x101;
    uint256 private constant EVERY_2ND_PAIR = type(uint256).max / 0x10001;
    uint256 private constant EVERY_2ND_QUAD = type(uint256).max / 0x100000001;
    uint256 private constant EVERY_2ND_OCTET = type(uint256).max / 0x10000000000000001;

    /// @param key the 32 bytes of RFC 8032: y little-endian, the sign of x in the highest bit of the last byte.
    function isAcceptable(bytes32 key) internal pure returns (bool) {
        uint256 y = littleEndian(key) & ~SIGN_BIT;
        if (y >= P - 1 || y <= 1) return false;
        return y != ORDER_8_Y && y != ORDER_8_NEGATED_Y;
    }

    /// @dev Swaps bytes, then pairs, then quads and so on: five steps for 32 bytes.
    function littleEndian(bytes32 key) internal pure returns (uint256 value) {
        value = uint256(key);
        value = ((value >> 8) & EVERY_2ND_BYTE) | ((value & EVERY_2ND_BYTE) << 8);
        value = ((value >> 16) & EVERY_2ND_PAIR) | ((value & EVERY_2ND_PAIR) << 16);
        value = ((value >> 32) & EVERY_2ND_QUAD) | ((value & EVERY_2ND_QUAD) << 32);
        value = ((value >> 64) & EVERY_2ND_OCTET) | ((value & EVERY_2ND_OCTET) << 64);
        value = (value >> 128) | (value << 128);
    }
}
