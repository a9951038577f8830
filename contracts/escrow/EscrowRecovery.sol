// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {KeyEscrowTypes} from "../generated/TypeHashes.sol";
import {IKeyEscrow, RecoveryRequest, RecoveryState, TrusteeSet} from "../interfaces/IKeyEscrow.sol";
import {EscrowStore} from "./EscrowStore.sol";

/// @title Recovery: trustees, and what they agreed to release
/// @notice The contract holds the vote and the clock. The shares are handed over off chain, by trustees who look here first.
abstract contract EscrowRecovery is EscrowStore {
    /// @inheritdoc IKeyEscrow
    function setTrustees(
        bytes32 group,
        address[] calldata trustees,
        bytes32[] calldata commitments,
        bytes32 sharesRoot,
        bytes32 recoveryKey,
        uint256 threshold,
        uint256 timelockBlocks
    ) external restricted {
        Group storage found = _group(group);
        if (threshold < 2 || threshold > trustees.length || threshold != commitments.length) {
            revert InvalidThreshold(threshold, trustees.length, commitments.length);
        }
        _checkLength(trustees.length, MAX_TRUSTEES);
        if (sharesRoot == 0 || recoveryKey == 0) revert EmptyValue();
        _checkBlocks(timelockBlocks);
        for (uint256 i = 0; i < trustees.length; ++i) {
            address before = i == 0 ? address(0) : trustees[i - 1];
            if (trustees[i] <= before) revert NotAscending(before, trustees[i]);
        }
        Trustees storage next = found.trustees[++found.lastGeneration];
        next.trustees = trustees;
        next.commitmentsHash = keccak256(abi.encodePacked(commitments));
        next.sharesRoot = sharesRoot;
        next.recoveryKey = recoveryKey;
        next.threshold = uint32(threshold);
        next.timelockBlocks = uint48(timelockBlocks);
        next.setAtBlock = uint48(block.number);
        emit TrusteesSet(group, found.lastGeneration, trustees, commitments);
    }

    /// @inheritdoc IKeyEscrow
    function requestRecovery(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 recipientKey
    ) external returns (bytes32) {
        _checkCaller(agent);
        return _request(agent, group, epoch, recipientKey);
    }

    /// @inheritdoc IKeyEscrow
    function requestRecoverySigned(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 recipientKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(KeyEscrowTypes.REQUEST_RECOVERY, agent, group, epoch, recipientKey, nonce, deadline)
        );
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        return _request(agent, group, epoch, recipientKey);
    }

    /// @inheritdoc IKeyEscrow
    function approveRecovery(bytes32 requestId) external {
        _approve(requestId, msg.sender);
    }

    /// @inheritdoc IKeyEscrow
    function approveRecoverySigned(
        address trustee,
        bytes32 requestId,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(KeyEscrowTypes.APPROVE_RECOVERY, trustee, requestId, nonce, deadline)
        );
        _checkRequest(trustee, structHash, nonce, deadline, signature);
        _approve(requestId, trustee);
    }

    /// @inheritdoc IKeyEscrow
    function releaseRecovery(bytes32 requestId) external {
        Recovery storage request = _recovery(requestId, RecoveryState.Approved);
        if (block.number < request.releasableAtBlock) revert TooEarly(block.number, request.releasableAtBlock);
        _checkGeneration(request);
        _checkEntitled(request.group, request.agent);
        request.state = RecoveryState.Released;
        emit RecoveryReleased(requestId, request.group, request.recipientKey);
    }

    /// @inheritdoc IKeyEscrow
    function cancelRecovery(bytes32 requestId) external {
        _checkCaller(_store().recoveries[requestId].agent);
        _cancel(requestId);
    }

    /// @inheritdoc IKeyEscrow
    function cancelRecoverySigned(
        address agent,
        bytes32 requestId,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        address requester = _store().recoveries[requestId].agent;
        if (agent != requester) revert NotAgentOwner(requester, agent, requester);
        bytes32 structHash = keccak256(abi.encode(KeyEscrowTypes.CANCEL_RECOVERY, agent, requestId, nonce, deadline));
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _cancel(requestId);
    }

    /// @inheritdoc IKeyEscrow
    function vetoRecovery(bytes32 requestId) external restricted {
        _cancel(requestId);
    }

    /// @inheritdoc IKeyEscrow
    function lastGeneration(bytes32 group) external view returns (uint256) {
        return _group(group).lastGeneration;
    }

    /// @inheritdoc IKeyEscrow
    function trusteesOf(bytes32 group, uint256 generation) external view returns (TrusteeSet memory) {
        Trustees storage found = _group(group).trustees[generation];
        return
            TrusteeSet({
                trustees: found.trustees,
                commitmentsHash: found.commitmentsHash,
                sharesRoot: found.sharesRoot,
                recoveryKey: found.recoveryKey,
                threshold: found.threshold,
                timelockBlocks: found.timelockBlocks,
                setAtBlock: found.setAtBlock
            });
    }

    /// @inheritdoc IKeyEscrow
    function verifySealedShare(
        bytes32 group,
        uint256 generation,
        address trustee,
        bytes32 sealedShareHash,
        bytes32[] calldata merkleProof
    ) external view returns (bool) {
        return _isUnder(_group(group).trustees[generation].sharesRoot, trustee, sealedShareHash, merkleProof);
    }

    /// @inheritdoc IKeyEscrow
    function recoveryOf(bytes32 requestId) external view returns (RecoveryRequest memory) {
        Recovery storage found = _store().recoveries[requestId];
        return
            RecoveryRequest({
                state: found.state,
                agent: found.agent,
                group: found.group,
                generation: found.generation,
                epoch: found.epoch,
                recipientKey: found.recipientKey,
                approvals: found.approvals,
                releasableAtBlock: found.releasableAtBlock
            });
    }

    function _request(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 recipientKey
    ) private returns (bytes32 requestId) {
        _checkEntitled(group, agent);
        if (recipientKey == 0) revert EmptyValue();
        uint256 generation = _group(group).lastGeneration;
        // Keys of an earlier generation's epochs are wrapped for the trustees of that time, or were wrapped anew by a
        // later refresh of the same secret, which keeps the recovery key.
        if (!_isRecoverable(group, epoch, generation)) revert NotRecoverable(group, epoch);
        requestId = keccak256(
            abi.encode(KeyEscrowTypes.RECOVERY_REQUEST, group, generation, epoch, agent, recipientKey)
        );
        Recovery storage request = _store().recoveries[requestId];
        if (request.state != RecoveryState.None) {
            revert WrongRecoveryState(requestId, request.state, RecoveryState.None);
        }
        request.state = RecoveryState.Requested;
        request.agent = agent;
        request.group = group;
        request.generation = uint32(generation);
        request.epoch = uint48(epoch);
        request.recipientKey = recipientKey;
        emit RecoveryRequested(requestId, group, agent, epoch, generation, recipientKey);
    }

    function _approve(bytes32 requestId, address trustee) private {
        Recovery storage request = _recovery(requestId, RecoveryState.Requested);
        _checkGeneration(request);
        Trustees storage set = _group(request.group).trustees[request.generation];
        if (request.approved[trustee] || !_contains(set.trustees, trustee)) {
            revert NotPendingTrustee(requestId, trustee);
        }
        request.approved[trustee] = true;
        uint256 approvals = ++request.approvals;
        emit RecoveryApproved(requestId, trustee, approvals);
        if (approvals < set.threshold) return;
        request.state = RecoveryState.Approved;
        request.releasableAtBlock = uint48(block.number + set.timelockBlocks);
        emit RecoveryTimelocked(requestId, request.releasableAtBlock);
    }

    function _cancel(bytes32 requestId) private {
        Recovery storage request = _store().recoveries[requestId];
        if (request.state != RecoveryState.Requested && request.state != RecoveryState.Approved) {
            revert WrongRecoveryState(requestId, request.state, RecoveryState.Requested);
        }
        request.state = RecoveryState.Cancelled;
        emit RecoveryCancelled(requestId);
    }

    function _recovery(bytes32 requestId, RecoveryState needed) private view returns (Recovery storage request) {
        request = _store().recoveries[requestId];
        if (request.state != needed) revert WrongRecoveryState(requestId, request.state, needed);
    }

    /// @dev Requests end with the trustees they were put to.
    function _checkGeneration(Recovery storage request) private view {
        if (request.generation != _group(request.group).lastGeneration) {
            revert NotRecoverable(request.group, request.epoch);
        }
    }

    /// @dev The epoch was sealed to the recovery key that the trustees of today hold shares of.
    function _isRecoverable(bytes32 group, uint256 epoch, uint256 generation) private view returns (bool) {
        uint256 then = _epoch(group, epoch).generation;
        if (then == 0) return false;
        mapping(uint256 => Trustees) storage sets = _group(group).trustees;
        return sets[then].recoveryKey == sets[generation].recoveryKey;
    }

    function _contains(address[] storage trustees, address trustee) private view returns (bool) {
        for (uint256 i = 0; i < trustees.length; ++i) {
            if (trustees[i] == trustee) return true;
        }
        return false;
    }
}
