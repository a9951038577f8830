// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OwnerSignature} from "../../contracts/libraries/OwnerSignature.sol";
import {Assert} from "./support/Assert.sol";
import {KeyedWallet, PlainWallet} from "./support/Wallets.sol";

contract OwnerSignatureTest is Assert {
    uint256 private constant PK = 0xA11CE;
    uint256 private constant OTHER_PK = 0xB0B;
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant DIGEST = keccak256("request");

    function isValid(address signer, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return OwnerSignature.isValid(signer, digest, signature);
    }

    function _signature(uint256 privateKey) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, DIGEST);
        return abi.encodePacked(r, s, v);
    }

    function test_anAccountSignsByItsKey() public view {
        assertTrue(this.isValid(vm.addr(PK), DIGEST, _signature(PK)));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, _signature(OTHER_PK)));
        assertFalse(this.isValid(vm.addr(PK), keccak256("another"), _signature(PK)));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, ""));
    }

    function test_theSecondFormOfASignatureIsRefused() public view {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PK, DIGEST);
        bytes memory other = abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        assertEq(ecrecover(DIGEST, v == 27 ? 28 : 27, r, bytes32(N - uint256(s))), vm.addr(PK));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, other));
    }

    function test_zeroSignsNothing() public view {
        assertFalse(this.isValid(address(0), DIGEST, abi.encodePacked(bytes32(0), bytes32(0), uint8(27))));
    }

    function test_aContractSignsAsItSays() public {
        address wallet = address(new KeyedWallet(vm.addr(OTHER_PK)));
        assertTrue(this.isValid(wallet, DIGEST, _signature(OTHER_PK)));
        assertFalse(this.isValid(wallet, DIGEST, _signature(PK)));
    }

    function test_aContractThatKnowsNoSignaturesSignsNothing() public {
        assertFalse(this.isValid(address(new PlainWallet()), DIGEST, _signature(PK)));
    }

    /// @dev 23 bytes of code that are no delegation: the account's key, if there were one, counts for nothing.
    function test_codeAsLongAsADelegationIsNotOne() public {
        vm.etch(vm.addr(PK), abi.encodePacked(hex"600000", address(this)));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, _signature(PK)));
    }

    function test_aDelegatedAccountSignsByItsKey() public {
        _delegate(address(new PlainWallet()));
        assertTrue(this.isValid(vm.addr(PK), DIGEST, _signature(PK)));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, _signature(OTHER_PK)));
    }

    function test_aDelegatedAccountSignsAsItsCodeSays() public {
        _delegate(address(new KeyedWallet(vm.addr(OTHER_PK))));
        assertTrue(this.isValid(vm.addr(PK), DIGEST, _signature(PK)));
        assertTrue(this.isValid(vm.addr(PK), DIGEST, _signature(OTHER_PK)));
        assertFalse(this.isValid(vm.addr(PK), DIGEST, _signature(0xBAD)));
    }

    function testFuzz_onlyItsOwnKey(uint256 privateKey, uint256 otherKey) public view {
        privateKey = bound(privateKey, 1, N - 1);
        otherKey = bound(otherKey, 1, N - 1);
        bool same = privateKey == otherKey;
        assertTrue(this.isValid(vm.addr(privateKey), DIGEST, _signature(otherKey)) == same);
    }

    /// @dev What an EIP-7702 authorization leaves as the account's code.
    function _delegate(address target) private {
        vm.etch(vm.addr(PK), abi.encodePacked(hex"ef0100", target));
    }
}
