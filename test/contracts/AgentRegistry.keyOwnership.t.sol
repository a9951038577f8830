// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {NoncesUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/NoncesUpgradeable.sol";

import {IAgentRegistry} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IGovernedRegistry} from "../../contracts/interfaces/IGovernedRegistry.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract AgentRegistryKeyOwnershipTest is RegistryTest {
    uint256 private constant COMMITMENT = 7;
    bytes private constant PROOF = hex"01";
    bytes32 private constant TYPE = keccak256(
        "KeyOwnership(address agent,uint256 commitment,address recipient,uint256 nonce,uint256 deadline)"
    );

    function setUp() public override {
        super.setUp();
        _register();
        verifier.setWanted(COMMITMENT, uint256(_digest(address(agents), _claim(next, 0, DEADLINE))) >> 8);
    }

    function test_theOwnerBindsAProvedCommitment() public {
        vm.roll(1044);
        vm.expectEmit();
        emit IAgentRegistry.KeyOwnershipProved(agent, COMMITMENT, next);
        _prove(agent);
        (uint256 commitment, uint256 blockNumber) = agents.commitmentOf(agent);
        assertEq(commitment, COMMITMENT);
        assertEq(blockNumber, 1044);
        assertEq(agents.agentOfCommitment(COMMITMENT), agent);
        assertEq(agents.nonce(agent), 1);
        assertEq(agents.resolve(agent).commitment, COMMITMENT);
        assertEq(agents.resolve(agent).commitmentBlock, 1044);
    }

    function test_anyoneCarriesASignedProof() public {
        bytes memory signature = _sign(AGENT_PK, _claim(next, 0, DEADLINE));
        vm.prank(other);
        agents.proveKeyOwnershipSigned(agent, COMMITMENT, next, 0, DEADLINE, PROOF, signature);
        assertEq(agents.agentOfCommitment(COMMITMENT), agent);
    }

    function test_refusesAnotherCaller() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        _prove(other);
    }

    function test_refusesAnothersSignature() public {
        bytes memory signature = _sign(OTHER_PK, _claim(next, 0, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.InvalidSignature.selector, agent));
        agents.proveKeyOwnershipSigned(agent, COMMITMENT, next, 0, DEADLINE, PROOF, signature);
    }

    function test_refusesAnotherRecipient() public {
        _expectInvalidProof(COMMITMENT);
        vm.prank(agent);
        agents.proveKeyOwnership(agent, COMMITMENT, other, 0, DEADLINE, PROOF);
    }

    function test_refusesAnotherCommitment() public {
        _expectInvalidProof(COMMITMENT + 1);
        vm.prank(agent);
        agents.proveKeyOwnership(agent, COMMITMENT + 1, next, 0, DEADLINE, PROOF);
    }

    function test_refusesAnotherDeadline() public {
        _expectInvalidProof(COMMITMENT);
        vm.prank(agent);
        agents.proveKeyOwnership(agent, COMMITMENT, next, 0, DEADLINE + 1, PROOF);
    }

    function test_refusesAnotherChain() public {
        vm.chainId(5);
        _expectInvalidProof(COMMITMENT);
        _prove(agent);
    }

    function test_refusesAReplay() public {
        _prove(agent);
        vm.expectRevert(abi.encodeWithSelector(NoncesUpgradeable.InvalidAccountNonce.selector, agent, 1));
        _prove(agent);
    }

    function test_refusesAnExpiredClaim() public {
        vm.warp(DEADLINE);
        _prove(agent);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.SignatureExpired.selector, DEADLINE, DEADLINE + 1));
        _prove(agent);
    }

    function test_refusesWhatTheVerifierRefuses() public {
        verifier.set(false);
        _expectInvalidProof(COMMITMENT);
        _prove(agent);
    }

    function test_refusesACommitmentOfAnotherAgent() public {
        _prove(agent);
        vm.prank(other);
        agents.register(KEY_2);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.CommitmentBound.selector, COMMITMENT, agent));
        vm.prank(other);
        agents.proveKeyOwnership(other, COMMITMENT, next, 0, DEADLINE, PROOF);
    }

    function test_refusesAnAccountThatIsNoAgent() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotRegistered.selector, other));
        vm.prank(other);
        agents.proveKeyOwnership(other, COMMITMENT, next, 0, DEADLINE, PROOF);
    }

    function test_refusesADeactivatedAgent() public {
        vm.prank(agent);
        agents.deactivate(agent, address(0));
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.AgentDeactivated.selector, agent));
        _prove(agent);
    }

    /// @dev The same agent may prove its commitment again, and may move to another key; the old one stays its own.
    function testFuzz_laterProofsReplaceTheCommitment(uint256 commitment, address recipient, uint192 key) public {
        _prove(agent);
        uint256 nonce = agents.nonces(agent, key);
        bytes32 claim = keccak256(abi.encode(TYPE, agent, commitment, recipient, nonce, DEADLINE));
        verifier.setWanted(commitment, uint256(_digest(address(agents), claim)) >> 8);
        vm.prank(agent);
        agents.proveKeyOwnership(agent, commitment, recipient, nonce, DEADLINE, PROOF);
        assertEq(agents.resolve(agent).commitment, commitment);
        assertEq(agents.agentOfCommitment(commitment), agent);
        assertEq(agents.agentOfCommitment(COMMITMENT), agent);
    }

    function _prove(address caller) private {
        vm.prank(caller);
        agents.proveKeyOwnership(agent, COMMITMENT, next, 0, DEADLINE, PROOF);
    }

    function _expectInvalidProof(uint256 commitment) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.InvalidKeyOwnershipProof.selector, agent, commitment));
    }

    function _claim(address recipient, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        return keccak256(abi.encode(TYPE, agent, COMMITMENT, recipient, nonce, deadline));
    }
}
