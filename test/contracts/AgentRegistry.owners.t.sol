// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentState, IAgentRegistry} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IERC1056} from "../../contracts/interfaces/IERC1056.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract AgentRegistryOwnersTest is RegistryTest {
    // changeOwner, acceptOwner

    function test_changeOwner_onlyOffers() public {
        vm.expectEmit();
        emit IAgentRegistry.OwnerOffered(agent, next);
        vm.prank(agent);
        agents.changeOwner(agent, next);
        assertEq(agents.identityOwner(agent), agent);
        assertEq(agents.owners(agent), address(0));
        assertEq(agents.changed(agent), 0);
        assertEq(agents.resolve(agent).pendingOwner, next);
    }

    function test_acceptOwner_completes() public {
        _register();
        vm.prank(agent);
        agents.changeOwner(agent, next);
        vm.roll(1003);
        vm.expectEmit();
        emit IERC1056.DIDOwnerChanged(agent, next, 1000);
        vm.prank(next);
        agents.acceptOwner(agent);
        assertEq(agents.identityOwner(agent), next);
        assertEq(agents.owners(agent), next);
        assertEq(agents.activeOwner(agent), next);
        assertEq(agents.changed(agent), 1003);
        assertEq(agents.resolve(agent).pendingOwner, address(0));
        vm.prank(next);
        agents.addSigningKey(agent, KEY_2);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, agent, next));
        vm.prank(agent);
        agents.addSigningKey(agent, KEY_3);
    }

    function test_acceptOwner_canGiveTheAgentBackToItself() public {
        _hand(agent, next);
        vm.prank(next);
        agents.changeOwner(agent, agent);
        vm.prank(agent);
        agents.acceptOwner(agent);
        assertEq(agents.identityOwner(agent), agent);
        assertEq(agents.owners(agent), address(0));
    }

    function test_acceptOwner_refusesOthers() public {
        vm.prank(agent);
        agents.changeOwner(agent, next);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, other, next));
        vm.prank(other);
        agents.acceptOwner(agent);
    }

    function test_acceptOwner_refusesWithoutAnOffer() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, next, address(0)));
        vm.prank(next);
        agents.acceptOwner(agent);
    }

    function test_acceptOwner_refusesASecondTime() public {
        _hand(agent, next);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, next, address(0)));
        vm.prank(next);
        agents.acceptOwner(agent);
    }

    function test_changeOwner_toThePresentOneTakesAnOfferBack() public {
        vm.startPrank(agent);
        agents.changeOwner(agent, next);
        vm.expectEmit();
        emit IAgentRegistry.OwnerOffered(agent, address(0));
        agents.changeOwner(agent, agent);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, next, address(0)));
        vm.prank(next);
        agents.acceptOwner(agent);
    }

    function test_changeOwner_aLaterOfferReplacesTheEarlier() public {
        vm.startPrank(agent);
        agents.changeOwner(agent, next);
        agents.changeOwner(agent, other);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, next, other));
        vm.prank(next);
        agents.acceptOwner(agent);
    }

    function testFuzz_changeOwner_onlyForTheOwner(address caller, address newOwner) public {
        vm.assume(caller != agent && newOwner != address(0) && newOwner != agent);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, caller, agent));
        vm.prank(caller);
        agents.changeOwner(agent, newOwner);
        _hand(agent, newOwner);
        assertEq(agents.identityOwner(agent), newOwner);
    }

    function test_acceptOwner_dismissesTheGuardiansOfTheOwnerBefore() public {
        address[] memory guardians = new address[](1);
        guardians[0] = other;
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 1, 300);
        vm.prank(other);
        agents.approveRecovery(agent, other);
        vm.prank(agent);
        agents.changeOwner(agent, next);
        vm.expectEmit();
        emit IAgentRegistry.GuardiansSet(agent, new address[](0), 0, 0);
        vm.prank(next);
        agents.acceptOwner(agent);
        AgentState memory state = agents.resolve(agent);
        assertEq(state.guardians.length, 0);
        assertEq(state.threshold, 0);
        assertEq(state.delayBlocks, 0);
        assertEq(state.recoveryOwner, address(0));
        assertEq(state.recoveryReadyAtBlock, 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotGuardian.selector, agent, other));
        vm.prank(other);
        agents.approveRecovery(agent, other);
    }

    // deactivate

    function test_deactivate_isSeenByEveryReader() public {
        _register();
        vm.prank(agent);
        agents.addDelegate(agent, "veriKey", other, 1 days);
        vm.roll(1009);
        vm.expectEmit();
        emit IAgentRegistry.AgentEnded(agent, next);
        vm.expectEmit();
        emit IERC1056.DIDOwnerChanged(agent, address(0), 1000);
        vm.prank(agent);
        agents.deactivate(agent, next);
        assertFalse(agents.isActive(agent));
        assertEq(agents.identityOwner(agent), address(0));
        assertEq(agents.owners(agent), address(0));
        assertEq(agents.activeOwner(agent), address(0));
        assertFalse(agents.validDelegate(agent, "veriKey", other));
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, 1008));
        assertFalse(agents.signingKeyValidAt(agent, KEY_1, 1009));
        AgentState memory state = agents.resolve(agent);
        assertEq(state.successor, next);
        assertTrue(state.registered);
        assertFalse(state.active);
        assertEq(state.changedAtBlock, 1009);
    }

    function test_deactivate_alsoOfAnAgentOwnedByAnother() public {
        _register();
        _hand(agent, next);
        vm.prank(next);
        agents.deactivate(agent, address(0));
        assertEq(agents.owners(agent), address(0));
        assertEq(agents.resolve(agent).successor, address(0));
    }

    function test_changeOwner_toZeroDeactivates() public {
        _register();
        vm.expectEmit();
        emit IAgentRegistry.AgentEnded(agent, address(0));
        vm.prank(agent);
        agents.changeOwner(agent, address(0));
        assertFalse(agents.isActive(agent));
    }

    function test_deactivate_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.deactivate(agent, address(0));
    }

    function test_deactivate_refusesTheAgentAsItsSuccessor() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SuccessorIsAgent.selector, agent));
        vm.prank(agent);
        agents.deactivate(agent, agent);
    }

    function test_deactivate_isFinalForEveryWrite() public {
        _register();
        address[] memory guardians = new address[](1);
        guardians[0] = other;
        vm.startPrank(agent);
        agents.setGuardians(agent, guardians, 1, 300);
        agents.changeOwner(agent, next);
        vm.stopPrank();
        vm.prank(other);
        agents.approveRecovery(agent, other);
        vm.roll(1300);
        vm.prank(agent);
        agents.deactivate(agent, address(0));
        bytes32 before = keccak256(abi.encode(agents.resolve(agent)));

        bytes[] memory calls = new bytes[](15);
        calls[0] = abi.encodeCall(agents.addSigningKey, (agent, KEY_2));
        calls[1] = abi.encodeCall(agents.revokeSigningKey, (agent, KEY_1));
        calls[2] = abi.encodeCall(agents.rotateSigningKey, (agent, KEY_1, KEY_2));
        calls[3] = abi.encodeCall(agents.changeOwner, (agent, next));
        calls[4] = abi.encodeCall(agents.acceptOwner, (agent));
        calls[5] = abi.encodeCall(agents.addDelegate, (agent, "veriKey", other, 60));
        calls[6] = abi.encodeCall(agents.revokeDelegate, (agent, "veriKey", other));
        calls[7] = abi.encodeCall(agents.setAttribute, (agent, "did/svc/Mail", "x", 60));
        calls[8] = abi.encodeCall(agents.revokeAttribute, (agent, "did/svc/Mail", "x"));
        calls[9] = abi.encodeCall(agents.setCard, (agent, "u", bytes32(0), new bytes32[](0)));
        calls[10] = abi.encodeCall(agents.setGuardians, (agent, guardians, 1, 300));
        calls[11] = abi.encodeCall(agents.approveRecovery, (agent, next));
        calls[12] = abi.encodeCall(agents.vetoRecovery, (agent));
        calls[13] = abi.encodeCall(agents.executeRecovery, (agent));
        calls[14] = abi.encodeCall(agents.deactivate, (agent, next));
        address[4] memory callers = [agent, next, other, address(0)];
        bytes32 expected = keccak256(abi.encodeWithSelector(IAgentRegistry.AgentDeactivated.selector, agent));
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 c = 0; c < callers.length; ++c) {
                vm.prank(callers[c]);
                (bool success, bytes memory reason) = address(agents).call(calls[i]);
                assertFalse(success);
                assertEq(keccak256(reason), expected);
            }
        }
        vm.prank(agent);
        (bool registered, bytes memory why) = address(agents).call(abi.encodeCall(agents.register, (KEY_2)));
        assertFalse(registered);
        assertEq(keccak256(why), expected);
        assertEq(keccak256(abi.encode(agents.resolve(agent))), before);
    }

    /// Every write that is the owner's alone, with arguments that would succeed for the owner, from anybody else.
    function testFuzz_everyWriteIsTheOwnersAlone(address caller, address someone, bytes32 word, uint32 number) public {
        vm.assume(caller != agent);
        _register();
        bytes32 before = keccak256(abi.encode(agents.resolve(agent)));
        address[] memory guardians = new address[](1);
        guardians[0] = someone;

        bytes[] memory calls = new bytes[](11);
        calls[0] = abi.encodeCall(agents.addSigningKey, (agent, word));
        calls[1] = abi.encodeCall(agents.revokeSigningKey, (agent, KEY_1));
        calls[2] = abi.encodeCall(agents.rotateSigningKey, (agent, KEY_1, word));
        calls[3] = abi.encodeCall(agents.addDelegate, (agent, word, someone, number));
        calls[4] = abi.encodeCall(agents.revokeDelegate, (agent, word, someone));
        calls[5] = abi.encodeCall(agents.setAttribute, (agent, "did/svc/Mail", abi.encode(word), number));
        calls[6] = abi.encodeCall(agents.revokeAttribute, (agent, "did/svc/Mail", abi.encode(word)));
        calls[7] = abi.encodeCall(agents.setCard, (agent, "u", word, new bytes32[](0)));
        calls[8] = abi.encodeCall(agents.setGuardians, (agent, guardians, 1, uint256(number) + 300));
        calls[9] = abi.encodeCall(agents.vetoRecovery, (agent));
        calls[10] = abi.encodeCall(agents.deactivate, (agent, someone));
        bytes memory expected = abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, caller, agent);
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(caller);
            (bool success, bytes memory reason) = address(agents).call(calls[i]);
            assertFalse(success);
            assertEq(keccak256(reason), keccak256(expected));
        }
        assertEq(keccak256(abi.encode(agents.resolve(agent))), before);
    }

    /// A rotation leaves exactly one of the two keys valid at every block.
    function testFuzz_rotateSigningKey_atEveryBlock(uint32 wait, uint32 asked) public {
        _register();
        uint256 rotatedAt = 1000 + uint256(wait) + 1;
        vm.roll(rotatedAt);
        vm.prank(agent);
        agents.rotateSigningKey(agent, KEY_1, KEY_2);
        bool old = agents.signingKeyValidAt(agent, KEY_1, asked);
        bool young = agents.signingKeyValidAt(agent, KEY_2, asked);
        assertTrue(old == (asked >= 1000 && asked < rotatedAt));
        assertTrue(young == (asked >= rotatedAt));
    }

    function _hand(address identity, address newOwner) private {
        vm.prank(agents.identityOwner(identity));
        agents.changeOwner(identity, newOwner);
        vm.prank(newOwner);
        agents.acceptOwner(identity);
    }
}
