// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentState, IAgentRegistry} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IERC1056} from "../../contracts/interfaces/IERC1056.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract AgentRegistryRecoveryTest is RegistryTest {
    uint256 private constant DELAY = 300;
    // keccak256(abi.encode(uint256(keccak256("affiant.storage.AgentRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant AGENTS_STORAGE = 0x14f7ea5d9af6021456f855f18ffcef28ebda9b90068c3a8be268b3da32d7bd00;

    /// Three in ascending order; two must agree.
    address[] private guardians;

    function setUp() public override {
        super.setUp();
        guardians = _addresses(3);
        _register();
    }

    // setGuardians

    function test_setGuardians_isInTheState() public {
        vm.expectEmit();
        emit IAgentRegistry.GuardiansSet(agent, guardians, 2, DELAY);
        _guard();
        AgentState memory state = agents.resolve(agent);
        assertEq(keccak256(abi.encode(state.guardians)), keccak256(abi.encode(guardians)));
        assertEq(state.threshold, 2);
        assertEq(state.delayBlocks, DELAY);
        assertEq(agents.changed(agent), 1000);
    }

    function test_setGuardians_canDismissThem() public {
        _guard();
        vm.prank(agent);
        agents.setGuardians(agent, new address[](0), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotGuardian.selector, agent, guardians[0]));
        _approve(0, next);
    }

    function test_setGuardians_voidsARecoveryUnderWay() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        _guard();
        vm.roll(1000 + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        agents.executeRecovery(agent);
    }

    function test_setGuardians_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.setGuardians(agent, guardians, 2, DELAY);
    }

    function test_setGuardians_takesSixteen() public {
        vm.prank(agent);
        agents.setGuardians(agent, _addresses(16), 16, DELAY);
        assertEq(agents.resolve(agent).guardians.length, 16);
    }

    function test_setGuardians_refusesMoreThanSixteen() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.TooManyGuardians.selector, 17, 16));
        vm.prank(agent);
        agents.setGuardians(agent, _addresses(17), 16, DELAY);
    }

    function test_setGuardians_refusesOneTwice() public {
        guardians[2] = guardians[1];
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.GuardiansNotAscending.selector, 2));
        _guard();
    }

    function test_setGuardians_refusesZero() public {
        guardians[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.GuardiansNotAscending.selector, 0));
        _guard();
    }

    function test_setGuardians_refusesAThresholdOfZero() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.GuardianThreshold.selector, 0, 3));
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 0, DELAY);
    }

    function test_setGuardians_refusesAThresholdNobodyCanMeet() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.GuardianThreshold.selector, 4, 3));
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 4, DELAY);
    }

    function test_setGuardians_refusesATimelockTooShort() public {
        uint256 shortest = agents.MIN_RECOVERY_DELAY_BLOCKS();
        assertEq(shortest, DELAY);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.RecoveryDelay.selector, shortest - 1, type(uint32).max));
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 2, shortest - 1);
    }

    function test_setGuardians_refusesATimelockTooLong() public {
        uint256 tooLong = uint256(type(uint32).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.RecoveryDelay.selector, tooLong, type(uint32).max));
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 2, tooLong);
    }

    // approveRecovery

    function test_approveRecovery_schedulesAtTheThreshold() public {
        _guard();
        vm.expectEmit();
        emit IAgentRegistry.RecoveryApproved(agent, guardians[0], next);
        _approve(0, next);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        vm.roll(1010);
        vm.expectEmit();
        emit IAgentRegistry.RecoveryScheduled(agent, next, 1010 + DELAY);
        _approve(2, next);
        assertEq(agents.resolve(agent).recoveryOwner, next);
        assertEq(agents.resolve(agent).recoveryReadyAtBlock, 1010 + DELAY);
    }

    function test_approveRecovery_oneGuardianCountsOnce() public {
        _guard();
        _approve(0, next);
        _approve(0, next);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
    }

    function test_approveRecovery_refusesOthers() public {
        _guard();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotGuardian.selector, agent, other));
        vm.prank(other);
        agents.approveRecovery(agent, next);
    }

    function test_approveRecovery_aThirdApprovalDoesNotRestartTheTimelock() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.roll(1200);
        _approve(2, next);
        assertEq(agents.resolve(agent).recoveryReadyAtBlock, 1000 + DELAY);
    }

    function test_approveRecovery_agreementOnAnotherStartsAnew() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.roll(1200);
        _approve(1, other);
        _approve(2, other);
        assertEq(agents.resolve(agent).recoveryOwner, other);
        assertEq(agents.resolve(agent).recoveryReadyAtBlock, 1200 + DELAY);
    }

    // vetoRecovery

    function test_vetoRecovery_voidsEveryApproval() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.expectEmit();
        emit IAgentRegistry.RecoveryVetoed(agent);
        vm.prank(agent);
        agents.vetoRecovery(agent);
        _approve(2, next);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        vm.roll(1000 + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        agents.executeRecovery(agent);
    }

    function test_vetoRecovery_refusesOthers() public {
        _guard();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, guardians[0], agent));
        vm.prank(guardians[0]);
        agents.vetoRecovery(agent);
    }

    function test_vetoRecovery_refusesWithoutGuardians() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        vm.prank(agent);
        agents.vetoRecovery(agent);
    }

    // executeRecovery

    function test_approveRecovery_takenBackDisarms() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.expectEmit();
        emit IAgentRegistry.RecoveryApproved(agent, guardians[1], address(0));
        vm.expectEmit();
        emit IAgentRegistry.RecoveryDisarmed(agent, next);
        _approve(1, address(0));
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        assertEq(agents.resolve(agent).recoveryReadyAtBlock, 0);
    }

    function test_approveRecovery_agreementAfterDisarmingStartsTheTimelockAnew() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        _approve(0, address(0));
        _approve(1, address(0));
        vm.roll(1000 + DELAY + 50);
        _approve(0, next);
        _approve(1, next);
        _refusesEarly(1000 + DELAY + 50, 1000 + 2 * DELAY + 50);
    }

    function test_approveRecovery_goingOverToAnotherDisarms() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        _approve(1, other);
        vm.roll(1000 + DELAY);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        _approve(1, next);
        _refusesEarly(1000 + DELAY, 1000 + 2 * DELAY);
    }

    function test_approveRecovery_takenBackByOneTooManyDisarmsNothing() public {
        _guard();
        for (uint256 i = 0; i < 3; ++i) _approve(i, next);
        _approve(1, address(0));
        assertEq(agents.resolve(agent).recoveryOwner, next);
        assertEq(agents.resolve(agent).recoveryReadyAtBlock, 1000 + DELAY);
    }

    /// @dev The same three named again are no reason to believe what they said before.
    function test_approveRecovery_guardiansNamedAnewStartFromNothing() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.prank(agent);
        agents.setGuardians(agent, new address[](0), 0, 0);
        _guard();
        vm.roll(1000 + DELAY);
        _approve(2, next);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        _approve(0, next);
        _refusesEarly(1000 + DELAY, 1000 + 2 * DELAY);
    }

    /// @dev As code from before left it: armed and past its block, although nobody wants it any more.
    function test_approveRecovery_anOldArmingWithoutApprovalsIsWorthNothing() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        bytes32 armed = vm.load(address(agents), _guardianshipSlot());
        bytes32 owner = vm.load(address(agents), bytes32(uint256(_guardianshipSlot()) + 1));
        _approve(0, address(0));
        _approve(1, address(0));
        vm.store(address(agents), _guardianshipSlot(), armed);
        vm.store(address(agents), bytes32(uint256(_guardianshipSlot()) + 1), owner);
        vm.roll(1000 + DELAY);
        assertEq(agents.resolve(agent).recoveryOwner, next);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.RecoveryNotApproved.selector, 0, 2));
        vm.prank(next);
        agents.executeRecovery(agent);
        _approve(0, next);
        assertEq(agents.resolve(agent).recoveryOwner, address(0));
        _approve(1, next);
        _refusesEarly(1000 + DELAY, 1000 + 2 * DELAY);
    }

    function test_executeRecovery_refusesAllButTheNewOwner() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.roll(1000 + DELAY);
        address[4] memory callers = [other, agent, guardians[0], admin];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, callers[i], next));
            vm.prank(callers[i]);
            agents.executeRecovery(agent);
        }
        assertEq(agents.identityOwner(agent), agent);
    }

    function test_executeRecovery_afterTheTimelockByTheNewOwner() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.roll(1000 + DELAY);
        vm.expectEmit();
        emit IAgentRegistry.RecoveryExecuted(agent, next);
        vm.expectEmit();
        emit IERC1056.DIDOwnerChanged(agent, next, 1000);
        vm.prank(next);
        agents.executeRecovery(agent);
        assertEq(agents.identityOwner(agent), next);
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, block.number));
        assertEq(agents.resolve(agent).guardians.length, 3);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        agents.executeRecovery(agent);
    }

    function test_executeRecovery_takesBackAnOpenOffer() public {
        _guard();
        vm.prank(agent);
        agents.changeOwner(agent, other);
        _approve(0, next);
        _approve(1, next);
        vm.roll(1000 + DELAY);
        vm.prank(next);
        agents.executeRecovery(agent);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotPendingOwner.selector, agent, other, address(0)));
        vm.prank(other);
        agents.acceptOwner(agent);
    }

    function test_executeRecovery_refusesOneBlockEarly() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        vm.roll(1000 + DELAY - 1);
        _refusesEarly(1000 + DELAY - 1, 1000 + DELAY);
    }

    function test_executeRecovery_refusesOnceApprovalsWereTakenBack() public {
        _guard();
        _approve(0, next);
        _approve(1, next);
        _approve(1, address(0));
        vm.roll(1000 + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        vm.prank(next);
        agents.executeRecovery(agent);
    }

    function testFuzz_recovery_needsTheThreshold(uint8 size, uint8 threshold, uint16 who, uint32 delay) public {
        uint256 count = bound(size, 1, 16);
        uint256 needed = bound(threshold, 1, count);
        uint256 wait = bound(delay, DELAY, type(uint32).max);
        guardians = _addresses(count);
        vm.prank(agent);
        agents.setGuardians(agent, guardians, needed, wait);
        uint256 approvals = 0;
        for (uint256 i = 0; i < count; ++i) {
            if ((who >> i) & 1 == 0) continue;
            _approve(i, next);
            ++approvals;
        }
        vm.roll(1000 + wait);
        if (approvals < needed) vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NoRecovery.selector, agent));
        vm.prank(next);
        agents.executeRecovery(agent);
        assertEq(agents.identityOwner(agent), approvals < needed ? agent : next);
    }

    function _refusesEarly(uint256 blockNumber, uint256 readyAtBlock) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.RecoveryTooEarly.selector, blockNumber, readyAtBlock));
        vm.prank(next);
        agents.executeRecovery(agent);
    }

    /// @dev `guardianship` is the twelfth slot of an agent (snapshots/storage-layout.json).
    function _guardianshipSlot() private view returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(agent, AGENTS_STORAGE))) + 11);
    }

    function _guard() private {
        vm.prank(agent);
        agents.setGuardians(agent, guardians, 2, DELAY);
    }

    function _approve(uint256 index, address newOwner) private {
        vm.prank(guardians[index]);
        agents.approveRecovery(agent, newOwner);
    }

    function _addresses(uint256 count) private pure returns (address[] memory ascending) {
        ascending = new address[](count);
        for (uint256 i = 0; i < count; ++i) ascending[i] = address(uint160((i + 1) << 100));
    }
}
