// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {IAttestationRounds, Round, RoundPhase, RoundSchedule} from "../interfaces/IAttestationRegistry.sol";
import {RoundClock} from "../types/AttestationWords.sol";
import {AttestationRoster} from "./AttestationRoster.sol";

/// @title Rounds: drawn or void, closed
abstract contract AttestationRounds is IAttestationRounds, AttestationRoster {
    /// @dev Departures that the end of a round clears by itself; the rest is for `prune`.
    uint256 private constant PRUNED_AT_END = 16;
    /// @dev The EVM knows the hashes of the last 256 blocks.
    uint256 private constant MAX_DRAW_WINDOW = 250;

    /// @inheritdoc IAttestationRounds
    function setSchedule(RoundSchedule calldata schedule_) external restricted {
        _setSchedule(schedule_);
    }

    /// @inheritdoc IAttestationRounds
    function drawRound(bytes32 secret) external {
        RoundClock memory clock = _inPhase(RoundPhase.Opened);
        RoundSchedule memory lengths = _store().schedule;
        uint256 deep = clock.from + lengths.revealDepth;
        if (block.number <= deep) revert TooEarly(block.number, deep + 1);
        if (block.number > clock.until) revert TooLate(block.number, clock.until);
        Round storage round = _store().rounds[clock.round];
        bytes32 commitment = keccak256(abi.encode(secret));
        if (commitment != round.secretCommitment) revert WrongSecret(commitment, round.secretCommitment);
        bytes32 drawn = blockhash(clock.from);
        if (drawn == 0) revert NoBlockHash(clock.from);
        round.seed = keccak256(abi.encode(AttestationRegistryTypes.SEED, secret, drawn, round.rotHead, clock.round));
        clock.phase = RoundPhase.Drawn;
        clock.from = block.number + lengths.silenceDelay;
        clock.until = block.number + lengths.roundLength;
        (round.silentFrom, round.recordUntil) = (uint40(clock.from), uint40(clock.until));
        _save(clock);
        emit RoundDrawn(clock.round, secret, round.seed, clock.from, clock.until);
    }

    /// @inheritdoc IAttestationRounds
    function voidRound() external {
        RoundClock memory clock = _inPhase(RoundPhase.Opened);
        if (block.number <= clock.until) revert TooEarly(block.number, clock.until + 1);
        _end(clock, RoundPhase.Void);
        address openedBy = _store().rounds[clock.round].openedBy;
        emit RoundVoided(clock.round, openedBy, ++_store().voidCounts[openedBy]);
    }

    /// @inheritdoc IAttestationRounds
    function closeRound() external {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        if (clock.settled < clock.size && block.number <= clock.until) revert TooEarly(block.number, clock.until + 1);
        _end(clock, RoundPhase.Closed);
        emit RoundClosed(clock.round, clock.settled, clock.size);
    }

    function _setSchedule(RoundSchedule memory s) internal {
        bool valid = s.drawDelay > 0 && s.drawWindow > 0 && s.drawWindow <= MAX_DRAW_WINDOW;
        valid = valid && s.revealDepth < s.drawWindow;
        valid = valid && s.silenceDelay > 0 && s.roundLength > s.silenceDelay && s.trustLength > 0;
        if (!valid) revert InvalidSchedule();
        _store().schedule = s;
        emit ScheduleSet(s);
    }

    function _end(RoundClock memory clock, RoundPhase phase) private {
        clock.phase = phase;
        _save(clock);
        Round storage round = _store().rounds[clock.round];
        (round.phase, round.settled) = (phase, uint24(clock.settled));
        _prune(PRUNED_AT_END);
    }
}
