// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Code that decides by itself
/// @notice The hash of an account's code says what it will answer only if no other code and no storage has a say. An
/// EIP-7702 account, a minimal proxy (EIP-1167) and an upgradeable one (ERC-1967) all keep their code while somebody else
/// changes what it does.
library PlainCode {
    bytes1 private constant DELEGATION = 0xef;

    /// One bit for each opcode by which other code or storage comes in: SLOAD 54, TLOAD 5c, CREATE f0, CALL f1,
    /// CALLCODE f2, DELEGATECALL f4, CREATE2 f5, SELFDESTRUCT ff. STATICCALL stays: the precompiles of the curve are
    /// reached by it, and without storage its target stands in the code.
    uint256 private constant FORBIDDEN =
        (1 << 0x54) | (1 << 0x5c) | (1 << 0xf0) | (1 << 0xf1) | (1 << 0xf2) | (1 << 0xf4) | (1 << 0xf5) | (1 << 0xff);

    /// @notice Finds the first byte by which `account` is more than its code.
    /// @dev Bytes that a PUSH carries are data, since no jump can lead there (the EVM skips them in the same way). What
    /// follows the last instruction counts as code: of where code ends, it could only say so itself.
    /// @return found false for plain code.
    function foreign(address account) internal view returns (bool found, uint256 offset, bytes1 opcode) {
        bytes memory code = account.code;
        if (code.length != 0 && code[0] == DELEGATION) return (true, 0, DELEGATION);
        for (uint256 end = code.length; offset < end; ++offset) {
            opcode = code[offset];
            uint256 number = uint8(opcode);
            if (number >= 0x60 && number <= 0x7f) offset += number - 0x5f;
            else if ((FORBIDDEN >> number) & 1 == 1) return (true, offset, opcode);
        }
        return (false, 0, 0);
    }
}
