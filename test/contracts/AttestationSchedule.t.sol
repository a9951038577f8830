// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {AttestationSchedule} from "../../contracts/libraries/AttestationSchedule.sol";
import {Assert} from "./support/Assert.sol";

/// The cheatcodes used here, as EDR and Foundry have them.
interface JsonVm {
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
}

/// @dev Holds the draw to `protocol/vectors/attestation.json`, which the TypeScript tests read as well, and to what makes
/// it a fair one.
contract AttestationScheduleTest is Assert {
    using AttestationSchedule for AttestationSchedule.Order;

    function test_vectors() external view {
        JsonVm json_ = JsonVm(address(vm));
        string memory json = json_.readFile("protocol/vectors/attestation.json");
        uint256 count = 0;
        for (; json_.keyExistsJson(json, _ring(count)); ++count) {
            string memory key = _ring(count);
            uint256 size = json_.parseJsonUint(json, string.concat(key, ".size"));
            bytes32 seed = json_.parseJsonBytes32(json, string.concat(key, ".seed"));
            uint256[] memory ring = json_.parseJsonUintArray(json, string.concat(key, ".ring"));
            AttestationSchedule.Order memory o = AttestationSchedule.order(seed, size);
            for (uint256 position = 0; position < ring.length; ++position) {
                assertEq(o.placeAt(position), ring[position]);
                assertEq(o.positionOf(ring[position]), position);
            }
        }
        assertTrue(count > 15);
    }

    /// @dev A map with an inverse on both sides, within the range, is a bijection.
    function testFuzz_placesAndPositionsAreInverse(bytes32 seed, uint256 size, uint256 x) external pure {
        size = bound(size, 1, 1 << 24);
        x = bound(x, 0, size - 1);
        AttestationSchedule.Order memory o = AttestationSchedule.order(seed, size);
        uint256 place = o.placeAt(x);
        assertTrue(place < size);
        assertEq(o.positionOf(place), x);
        assertEq(o.placeAt(o.positionOf(x)), x);
    }

    function testFuzz_everyPlaceOnce(bytes32 seed, uint8 size_) external pure {
        uint256 size = bound(size_, 1, 64);
        AttestationSchedule.Order memory o = AttestationSchedule.order(seed, size);
        uint256 seen = 0;
        for (uint256 position = 0; position < size; ++position) seen |= 1 << o.placeAt(position);
        assertEq(seen, size == 256 ? type(uint256).max : (1 << size) - 1);
    }

    /// @dev Distances d and d' of a reciprocal pair would add up to n, of a self pair d to a multiple of n.
    function testFuzz_noSelfPairsAndNoReciprocalPairs(bytes32 seed, uint256 size, uint256 a, uint256 d) external pure {
        size = bound(size, 3, 1 << 24);
        uint256 count = AttestationSchedule.candidateCount(size);
        d = bound(d, 1, count);
        AttestationSchedule.Order memory o = AttestationSchedule.order(seed, size);
        uint256 target = bound(a, 0, size - 1);
        uint256 verifier = o.placeAt((o.positionOf(target) + d) % size);
        assertTrue(verifier != target);
        for (uint256 back = 1; back <= count; ++back) {
            assertTrue(o.placeAt((o.positionOf(verifier) + back) % size) != target);
        }
    }

    function _ring(uint256 index) private pure returns (string memory) {
        return string.concat(".rings[", Strings.toString(index), "]");
    }
}
