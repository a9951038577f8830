// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {IAttestationWriter, Round, RoundPhase, RoundSchedule} from "../interfaces/IAttestationRegistry.sol";
import {AttestationSchedule} from "../libraries/AttestationSchedule.sol";
import {AttestationWords, RoundClock} from "../types/AttestationWords.sol";
import {AttestationRoster} from "./AttestationRoster.sol";

/// @title Rounds: opened, drawn or void, closed
abstract contract AttestationRounds is AttestationRoster {
    /// @dev Departures that the end of a round clears by itself; the rest is for `prune`.
    uint256 private constant PRUNED_AT_END = 16;
    /// @dev The EVM knows the hashes of the last 256 blocks.
    uint256 private constant MAX_DRAW_WINDOW = 250;

    /// @inheritdoc IAttestationWriter
    function setSchedule(RoundSchedule calldata schedule_) external restricted {
        _setSchedule(schedule_);
    }

    /// @inheritdoc IAttestationWriter
    function openRound(bytes32 secretCommitment) external restricted {
        _open(msg.sender, secretCommitment);
    }

    /// @inheritdoc IAttestationWriter
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

    /// @inheritdoc IAttestationWriter
    function drawRound(bytes32 secret) external {
        RoundClock memory clock = _inPhase(RoundPhase.Opened);
        if (block.number <= clock.from) revert TooEarly(block.number, clock.from + 1);
        if (block.number > clock.until) revert TooLate(block.number, clock.until);
        Round storage round = _store().rounds[clock.round];
        bytes32 commitment = keccak256(abi.encode(secret));
        if (commitment != round.secretCommitment) revert WrongSecret(commitment, round.secretCommitment);
        round.seed = keccak256(
            abi.encode(AttestationRegistryTypes.SEED, secret, blockhash(clock.from), round.rotHead, clock.round)
        );
        RoundSchedule memory lengths = _store().schedule;
        clock.phase = RoundPhase.Drawn;
        clock.from = block.number + lengths.silenceDelay;
        clock.until = block.number + lengths.roundLength;
        (round.silentFrom, round.recordUntil) = (uint40(clock.from), uint40(clock.until));
        _save(clock);
        emit RoundDrawn(clock.round, secret, round.seed, clock.from, clock.until);
    }

    /// @inheritdoc IAttestationWriter
    function voidRound() external {
        RoundClock memory clock = _inPhase(RoundPhase.Opened);
        if (block.number <= clock.until) revert TooEarly(block.number, clock.until + 1);
        _end(clock, RoundPhase.Void);
        address openedBy = _store().rounds[clock.round].openedBy;
        emit RoundVoided(clock.round, openedBy, ++_store().voidCounts[openedBy]);
    }

    /// @inheritdoc IAttestationWriter
    function closeRound() external {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        if (clock.settled < clock.size && block.number <= clock.until) revert TooEarly(block.number, clock.until + 1);
        _end(clock, RoundPhase.Closed);
        emit RoundClosed(clock.round, clock.settled, clock.size);
    }

    function _setSchedule(RoundSchedule memory s) internal {
        bool valid = s.drawDelay > 0 && s.drawWindow > 0 && s.drawWindow <= MAX_DRAW_WINDOW;
        valid = valid && s.silenceDelay > 0 && s.roundLength > s.silenceDelay && s.trustLength > 0;
        if (!valid) revert InvalidSchedule();
        _store().schedule = s;
        emit ScheduleSet(s);
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

    function _end(RoundClock memory clock, RoundPhase phase) private {
        clock.phase = phase;
        _save(clock);
        Round storage round = _store().rounds[clock.round];
        (round.phase, round.settled) = (phase, uint24(clock.settled));
        _prune(PRUNED_AT_END);
    }
}
