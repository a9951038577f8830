// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistryTypes} from "../generated/TypeHashes.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {FLAG_GUARDED, IdentityWord} from "../types/IdentityWord.sol";
import {AgentOwnership} from "./AgentOwnership.sol";
import {Guardianship, Identity} from "./AgentStore.sol";

/// @dev Guardians, for an owner who lost its key. The latest word of each guardian counts, so that a minority can
/// neither block the others nor be held to an old approval; agreement starts a timelock in which the owner may veto, and
/// whoever is to be owner has to accept.
abstract contract AgentRecovery is AgentOwnership {
    uint256 private constant MAX_GUARDIANS = 16;

    /// @inheritdoc IAgentRegistry
    /// @dev Part of the code: an hour is another number of blocks on each chain.
    uint256 public immutable MIN_RECOVERY_DELAY_BLOCKS;

    constructor(uint256 minRecoveryDelayBlocks) {
        MIN_RECOVERY_DELAY_BLOCKS = minRecoveryDelayBlocks;
    }

    /// @inheritdoc IAgentRegistry
    function setGuardians(
        address agent,
        address[] calldata guardians,
        uint256 threshold,
        uint256 delayBlocks
    ) external {
        _requireOwner(agent);
        _setGuardians(agent, guardians, threshold, delayBlocks);
    }

    /// @inheritdoc IAgentRegistry
    function setGuardiansSigned(
        address agent,
        address[] calldata guardians,
        uint256 threshold,
        uint256 delayBlocks,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(
                AgentRegistryTypes.SET_GUARDIANS,
                agent,
                keccak256(abi.encodePacked(guardians)),
                threshold,
                delayBlocks,
                nonce,
                deadline
            )
        );
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setGuardians(agent, guardians, threshold, delayBlocks);
    }

    /// @inheritdoc IAgentRegistry
    function approveRecovery(address agent, address newOwner) external {
        _approveRecovery(agent, msg.sender, newOwner);
    }

    /// @inheritdoc IAgentRegistry
    function approveRecoverySigned(
        address agent,
        address guardian,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.APPROVE_RECOVERY;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, guardian, newOwner, nonce, deadline));
        _checkRequest(guardian, structHash, nonce, deadline, signature);
        _approveRecovery(agent, guardian, newOwner);
    }

    /// @inheritdoc IAgentRegistry
    function vetoRecovery(address agent) external {
        _requireOwner(agent);
        _vetoRecovery(agent);
    }

    /// @inheritdoc IAgentRegistry
    function vetoRecoverySigned(address agent, uint256 nonce, uint256 deadline, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(AgentRegistryTypes.VETO_RECOVERY, agent, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _vetoRecovery(agent);
    }

    /// @inheritdoc IAgentRegistry
    function executeRecovery(address agent) external {
        _executeRecovery(agent, msg.sender);
    }

    /// @inheritdoc IAgentRegistry
    function executeRecoverySigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.EXECUTE_RECOVERY;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, newOwner, nonce, deadline));
        _checkRequest(newOwner, structHash, nonce, deadline, signature);
        _executeRecovery(agent, newOwner);
    }

    /// @dev Nobody becomes an owner who did not say so: an owner answers for what the agent does.
    function _executeRecovery(address agent, address newOwner) private {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        _requireLive(agent, word);
        Guardianship storage guardianship = identity.guardianship;
        address wanted = guardianship.recoveryOwner;
        if (wanted == address(0)) revert NoRecovery(agent);
        if (newOwner != wanted) revert NotPendingOwner(agent, newOwner, wanted);
        uint256 readyAtBlock = guardianship.recoveryReadyAtBlock;
        if (block.number < readyAtBlock) revert RecoveryTooEarly(block.number, readyAtBlock);
        // What was armed by code from before approvals that are taken back disarm it.
        uint256 approvals = _approvalsOf(guardianship, newOwner);
        uint256 threshold = guardianship.threshold;
        if (approvals < threshold) revert RecoveryNotApproved(approvals, threshold);
        _voidApprovals(guardianship);
        emit RecoveryExecuted(agent, newOwner);
        _setOwner(agent, identity, word, newOwner);
    }

    function _setGuardians(
        address agent,
        address[] calldata guardians,
        uint256 threshold,
        uint256 delayBlocks
    ) private {
        _checkGuardians(guardians, threshold, delayBlocks);
        Identity storage identity = _identity(agent);
        Guardianship storage guardianship = identity.guardianship;
        identity.word =
            guardians.length == 0 ? identity.word.withoutFlag(FLAG_GUARDED) : identity.word.withFlag(FLAG_GUARDED);
        guardianship.guardians = guardians;
        guardianship.threshold = uint8(threshold);
        guardianship.delayBlocks = uint32(delayBlocks);
        _voidApprovals(guardianship);
        emit GuardiansSet(agent, guardians, threshold, delayBlocks);
    }

    function _checkGuardians(address[] calldata guardians, uint256 threshold, uint256 delayBlocks) private view {
        uint256 count = guardians.length;
        if (count > MAX_GUARDIANS) revert TooManyGuardians(count, MAX_GUARDIANS);
        if (threshold > count || (threshold == 0) != (count == 0)) revert GuardianThreshold(threshold, count);
        if (delayBlocks > type(uint32).max || (count != 0 && delayBlocks < MIN_RECOVERY_DELAY_BLOCKS)) {
            revert RecoveryDelay(delayBlocks, type(uint32).max);
        }
        address last = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (guardians[i] <= last) revert GuardiansNotAscending(i);
            last = guardians[i];
        }
    }

    function _approveRecovery(address agent, address guardian, address newOwner) private {
        Identity storage identity = _identity(agent);
        _requireLive(agent, identity.word);
        Guardianship storage guardianship = identity.guardianship;
        if (!_isGuardian(guardianship, guardian)) revert NotGuardian(agent, guardian);
        uint256 threshold = guardianship.threshold;
        address armed = guardianship.recoveryOwner;
        // Code of before left armed what was no longer agreed on, so that is looked at before the new word too.
        bool stands = armed != address(0) && _approvalsOf(guardianship, armed) >= threshold;
        guardianship.approvals[guardianship.epoch][guardian] = newOwner;
        emit RecoveryApproved(agent, guardian, newOwner);
        // The delay is the owner's time to veto an agreement that stands: one that ended leaves nothing of it behind.
        if (armed != address(0) && (!stands || _approvalsOf(guardianship, armed) < threshold)) {
            guardianship.recoveryOwner = address(0);
            guardianship.recoveryReadyAtBlock = 0;
            emit RecoveryDisarmed(agent, armed);
            armed = address(0);
        }
        if (newOwner == armed || newOwner == address(0)) return;
        if (_approvalsOf(guardianship, newOwner) < threshold) return;
        uint256 readyAtBlock = block.number + guardianship.delayBlocks;
        guardianship.recoveryOwner = newOwner;
        guardianship.recoveryReadyAtBlock = uint48(readyAtBlock);
        emit RecoveryScheduled(agent, newOwner, readyAtBlock);
    }

    function _vetoRecovery(address agent) private {
        Identity storage identity = _identity(agent);
        if (!identity.word.has(FLAG_GUARDED)) revert NoRecovery(agent);
        _voidApprovals(identity.guardianship);
        emit RecoveryVetoed(agent);
    }

    function _isGuardian(Guardianship storage guardianship, address account) private view returns (bool) {
        uint256 count = guardianship.guardians.length;
        for (uint256 i = 0; i < count; ++i) {
            if (guardianship.guardians[i] == account) return true;
        }
        return false;
    }

    function _approvalsOf(
        Guardianship storage guardianship,
        address newOwner
    ) private view returns (uint256 approvals) {
        uint256 count = guardianship.guardians.length;
        mapping(address => address) storage wanted = guardianship.approvals[guardianship.epoch];
        for (uint256 i = 0; i < count; ++i) {
            if (wanted[guardianship.guardians[i]] == newOwner) ++approvals;
        }
    }
}
