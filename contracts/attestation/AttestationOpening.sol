// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {IAttestationOpening, Round, RoundPhase, RoundSchedule} from "../interfaces/IAttestationRegistry.sol";
import {AttestationSchedule} from "../libraries/AttestationSchedule.sol";
import {AttestationWords, RoundClock} from "../types/AttestationWords.sol";
import {AttestationStore} from "./AttestationStore.sol";

/// @title How a round begins
abstract contract AttestationOpening is IAttestationOpening, AttestationStore {
    /// @inheritdoc IAttestationOpening
    function openRound(bytes32 secretCommitment) external restricted {
        _open(msg.sender, secretCommitment);
    }

    /// @inheritdoc IAttestationOpening
    function openRoundSigned(
        address service,
        bytes32 secretCommitment,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (!_isService(service)) revert NotAttestationService(service);
        bytes32 structHash = keccak256(
            abi.encode(AttestationRegistryTypes.OPEN_ROUND, service, secretCommitment, nonce, deadline)
        );
        _checkRequest(service, structHash, nonce, deadline, signature);
        _open(service, secretCommitment);
    }

    function _open(address service, bytes32 secretCommitment) private {
        AttestationRegistryStorage storage $ = _store();
        RoundClock memory clock = _clock();
        if (_isOpen(clock)) revert RoundStillOpen(clock.round);
        if (secretCommitment == bytes32(0)) revert EmptySecretCommitment();
        if ($.departures.length != 0) revert DeparturesPending($.departures.length);
        if ($.roster.length == 0) revert EmptyRoster();
        RoundSchedule memory lengths = $.schedule;
        clock.phase = RoundPhase.Opened;
        clock.round = AttestationWords.raised(clock.round, 24);
        (clock.size, clock.settled) = ($.roster.length, 0);
        clock.sizeRoot = AttestationSchedule.rootOf(clock.size);
        clock.from = block.number + lengths.drawDelay;
        clock.until = clock.from + lengths.drawWindow;
        clock.trustLength = lengths.trustLength;
        _save(clock);
        Round storage round = $.rounds[clock.round];
        (round.secretCommitment, round.rotHead, round.openedBy) = (secretCommitment, $.rotHead, service);
        (round.openedAtBlock, round.size) = (uint40(block.number), uint24(clock.size));
        (round.drawBlock, round.drawUntil) = (uint40(clock.from), uint40(clock.until));
        emit RoundOpened(clock.round, service, secretCommitment, clock.size, clock.from, clock.until);
    }
}
