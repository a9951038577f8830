// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ed25519Key} from "../../contracts/libraries/Ed25519Key.sol";
import {Assert} from "./support/Assert.sol";

/// @dev Reads `protocol/vectors/ed25519Keys.json`, as the TypeScript tests do.
contract Ed25519KeyTest is Assert {
    function test_theVectorsAreJudgedAsTheySay() public view {
        string memory json = vm.readFile(string.concat(vm.projectRoot(), "/protocol/vectors/ed25519Keys.json"));
        bytes32[] memory accepted = vm.parseJsonBytes32Array(json, ".accepted");
        bytes32[] memory refused = vm.parseJsonBytes32Array(json, ".refusedByEncoding");
        assertTrue(accepted.length >= 4 && refused.length >= 26);
        for (uint256 i = 0; i < accepted.length; ++i) assertTrue(Ed25519Key.isAcceptable(accepted[i]));
        for (uint256 i = 0; i < refused.length; ++i) assertFalse(Ed25519Key.isAcceptable(refused[i]));
    }

    function testFuzz_littleEndianIsTheReverse(bytes32 key) public pure {
        uint256 expected = 0;
        for (uint256 i = 0; i < 32; ++i) expected |= uint256(uint8(key[i])) << (8 * i);
        assertEq(Ed25519Key.littleEndian(key), expected);
    }

    function testFuzz_theSignOfXDoesNotMatter(bytes32 key) public pure {
        bool acceptable = Ed25519Key.isAcceptable(key);
        assertTrue(Ed25519Key.isAcceptable(key ^ bytes32(uint256(0x80))) == acceptable);
    }

    function testFuzz_everyYFromPOnIsRefused(uint8 above) public pure {
        uint256 y = (1 << 255) - 19 + (above % 19);
        assertFalse(Ed25519Key.isAcceptable(bytes32(Ed25519Key.littleEndian(bytes32(y)))));
    }
}
