// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {NoncesUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/NoncesUpgradeable.sol";

import {IGovernedRegistry} from "../../contracts/interfaces/IGovernedRegistry.sol";
import {IPolicyRegistry} from "../../contracts/interfaces/IPolicyRegistry.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract PolicyRegistryTest is RegistryTest {
    bytes32 private constant TYPE = keccak256(
        "Commit(address agent,bytes32 policyHash,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant HASH_1 = keccak256("policy 1");
    bytes32 private constant HASH_2 = keccak256("policy 2");

    function setUp() public override {
        super.setUp();
        _register();
    }

    // commit

    function test_commit_isInForceFromItsBlockOn() public {
        vm.expectEmit();
        emit IPolicyRegistry.PolicyCommitted(agent, 1, HASH_1);
        _commit(HASH_1);
        vm.roll(1010);
        vm.expectEmit();
        emit IPolicyRegistry.PolicyCommitted(agent, 2, HASH_2);
        _commit(HASH_2);
        _assertInForce(999, 0, 0, 0);
        _assertInForce(1000, HASH_1, 1, 1000);
        _assertInForce(1009, HASH_1, 1, 1000);
        _assertInForce(1010, HASH_2, 2, 1010);
        _assertInForce(type(uint256).max, HASH_2, 2, 1010);
        assertEq(policies.versionCount(agent), 2);
    }

    function test_commit_theLastOfABlockCounts() public {
        _commit(HASH_1);
        _commit(HASH_2);
        _assertInForce(1000, HASH_2, 2, 1000);
        (bytes32 hash, uint256 since) = policies.versionAt(agent, 1);
        assertEq(hash, HASH_1);
        assertEq(since, 1000);
    }

    function test_commit_keepsTheBlocksOfManyVersionsInFull() public {
        uint256 first = type(uint40).max - 24;
        for (uint256 i = 0; i < 25; ++i) {
            vm.roll(first + i);
            _commit(bytes32(i + 1));
        }
        for (uint256 i = 0; i < 25; ++i) _assertInForce(first + i, bytes32(i + 1), i + 1, first + i);
    }

    function test_commit_ofTheSamePolicyIsAVersionToo() public {
        _commit(HASH_1);
        vm.roll(1001);
        _commit(HASH_1);
        _assertInForce(1001, HASH_1, 2, 1001);
    }

    function test_commit_byTheNewOwner() public {
        vm.prank(agent);
        agents.changeOwner(agent, next);
        vm.prank(next);
        agents.acceptOwner(agent);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotAgentOwner.selector, agent, agent, next));
        _commit(HASH_1);
        vm.prank(next);
        policies.commit(agent, HASH_1);
        _assertInForce(1000, HASH_1, 1, 1000);
    }

    function test_commit_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotAgentOwner.selector, agent, other, agent));
        vm.prank(other);
        policies.commit(agent, HASH_1);
    }

    function test_commit_refusesAnAccountThatIsNoAgent() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.AgentNotActive.selector, other));
        vm.prank(other);
        policies.commit(other, HASH_1);
    }

    function test_commit_refusesADeactivatedAgent() public {
        _commit(HASH_1);
        vm.startPrank(agent);
        agents.deactivate(agent, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.AgentNotActive.selector, agent));
        policies.commit(agent, HASH_2);
        vm.stopPrank();
        _assertInForce(1000, HASH_1, 1, 1000);
    }

    function test_commit_refusesZero() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EmptyPolicyHash.selector, agent));
        _commit(0);
    }

    // commitSigned

    function test_commitSigned_isCarriedByAnyone() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        vm.prank(other);
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
        _assertInForce(1000, HASH_1, 1, 1000);
        assertEq(policies.nonces(agent), 1);
    }

    function test_commitSigned_refusesAnotherSigner() public {
        bytes memory signature = _signCommit(OTHER_PK, HASH_1, 0, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesAnotherHash() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        policies.commitSigned(agent, HASH_2, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesAnotherChain() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        vm.chainId(5);
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesASignatureForTheAgentRegistry() public {
        bytes memory signature = _sign(AGENT_PK, keccak256(abi.encode(TYPE, agent, HASH_1, 0, DEADLINE)));
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesAReplay() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
        vm.expectRevert(abi.encodeWithSelector(NoncesUpgradeable.InvalidAccountNonce.selector, agent, 1));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesAfterTheDeadline() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.SignatureExpired.selector, DEADLINE, DEADLINE + 1));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
        vm.warp(DEADLINE);
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_commitSigned_refusesADeactivatedAgent() public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        vm.prank(agent);
        agents.deactivate(agent, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.AgentNotActive.selector, agent));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    function test_theSequenceOfNoncesEnds() public {
        bytes32 slot = keccak256(abi.encode(agent, 0xf70418d73b8d728e0c417ac82b19dccc95f3bdec82c2effb4e9d48aaa13c8200));
        vm.store(address(policies), slot, bytes32(uint256(type(uint32).max) << 24));
        assertEq(policies.nonces(agent), type(uint32).max);
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, type(uint32).max, DEADLINE);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        policies.commitSigned(agent, HASH_1, type(uint32).max, DEADLINE, signature);
    }

    /// @dev Every key has its own sequence: requests may arrive in any order.
    function testFuzz_commitSigned_keyedNonces(uint192 first, uint192 second) public {
        vm.assume(first != second);
        uint256 nonceOfFirst = uint256(first) << 64;
        uint256 nonceOfSecond = uint256(second) << 64;
        policies.commitSigned(
            agent,
            HASH_2,
            nonceOfSecond,
            DEADLINE,
            _signCommit(AGENT_PK, HASH_2, nonceOfSecond, DEADLINE)
        );
        policies.commitSigned(
            agent,
            HASH_1,
            nonceOfFirst,
            DEADLINE,
            _signCommit(AGENT_PK, HASH_1, nonceOfFirst, DEADLINE)
        );
        assertEq(policies.nonces(agent, first), nonceOfFirst + 1);
        assertEq(policies.nonces(agent, second), nonceOfSecond + 1);
        _assertInForce(1000, HASH_1, 2, 1000);
    }

    function testFuzz_commitSigned_oneBitOff(uint8 byteIndex, uint8 bit) public {
        bytes memory signature = _signCommit(AGENT_PK, HASH_1, 0, DEADLINE);
        signature[byteIndex % 65] ^= bytes1(uint8(1) << (bit % 8));
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        policies.commitSigned(agent, HASH_1, 0, DEADLINE, signature);
    }

    // versionAt, inForce

    function test_versionAt_refusesVersionsThatAreNot() public {
        _commit(HASH_1);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownVersion.selector, agent, 0, 1));
        policies.versionAt(agent, 0);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownVersion.selector, agent, 2, 1));
        policies.versionAt(agent, 2);
    }

    function test_inForce_ofAnAgentWithoutPolicyIsNothing() public view {
        _assertInForce(1000, 0, 0, 0);
    }

    /// @dev The packed blocks against a plain list, over the edges of every slot.
    function testFuzz_historyIsThatOfAPlainList(uint256 seed, uint8 size) public {
        uint256 count = bound(size, 1, 24);
        bytes32[] memory hashes = new bytes32[](count + 1);
        uint256[] memory since = new uint256[](count + 1);
        for (uint256 version = 1; version <= count; ++version) {
            vm.roll(block.number + ((seed >> version) % 4));
            (hashes[version], since[version]) = (keccak256(abi.encode(seed, version)), block.number);
            _commit(hashes[version]);
        }
        assertEq(policies.versionCount(agent), count);
        for (uint256 version = 1; version <= count; ++version) {
            (bytes32 hash, uint256 block_) = policies.versionAt(agent, version);
            assertEq(hash, hashes[version]);
            assertEq(block_, since[version]);
        }
        for (uint256 moment = 999; moment <= block.number + 1; ++moment) {
            uint256 last = 0;
            for (uint256 version = 1; version <= count; ++version) if (since[version] <= moment) last = version;
            _assertInForce(moment, hashes[last], last, since[last]);
        }
    }

    function test_agentRegistry_isTheOneGiven() public view {
        assertEq(policies.agentRegistry(), address(agents));
    }

    function _commit(bytes32 hash) private {
        vm.prank(agent);
        policies.commit(agent, hash);
    }

    function _assertInForce(uint256 moment, bytes32 hash, uint256 version, uint256 since) private view {
        (bytes32 gotHash, uint256 gotVersion, uint256 gotSince) = policies.inForce(agent, moment);
        assertEq(gotHash, hash);
        assertEq(gotVersion, version);
        assertEq(gotSince, since);
    }

    function _signCommit(
        uint256 privateKey,
        bytes32 hash,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes memory) {
        bytes32 structHash = keccak256(abi.encode(TYPE, agent, hash, nonce, deadline));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, _digest(address(policies), structHash));
        return abi.encodePacked(r, s, v);
    }
}
