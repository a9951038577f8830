// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @dev Cheatcodes and assertions. A failed assertion says what was got and what was expected.
abstract contract Assert {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(bytes32 got, bytes32 expected);
    error NotEqualText(string got, string expected);
    error NotTrue();

    function assertEq(uint256 got, uint256 expected) internal pure {
        if (got != expected) revert NotEqual(bytes32(got), bytes32(expected));
    }

    function assertEq(bytes32 got, bytes32 expected) internal pure {
        if (got != expected) revert NotEqual(got, expected);
    }

    function assertEq(address got, address expected) internal pure {
        if (got != expected) revert NotEqual(bytes32(uint256(uint160(got))), bytes32(uint256(uint160(expected))));
    }

    function assertEq(string memory got, string memory expected) internal pure {
        if (keccak256(bytes(got)) != keccak256(bytes(expected))) revert NotEqualText(got, expected);
    }

    function assertTrue(bool condition) internal pure {
        if (!condition) revert NotTrue();
    }

    function assertFalse(bool condition) internal pure {
        if (condition) revert NotTrue();
    }

    /// @dev Maps any value into the range, so that a fuzz run is not thrown away.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + (value % (high - low + 1));
    }
}
