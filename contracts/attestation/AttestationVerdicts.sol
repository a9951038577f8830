// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {
    AttestationResult,
    AttestationStatus,
    IAttestationRounds,
    RecordKind,
    RoundPhase,
    SignedVerdict
} from "../interfaces/IAttestationRegistry.sol";
import {AttestationRecord, AttestationWords, AttestedAgent, Hearing, RoundClock} from "../types/AttestationWords.sol";
import {Bench, Case, AttestationHearing} from "./AttestationHearing.sol";
import {PanelWalk} from "./AttestationPanels.sol";
import {AttestationRounds} from "./AttestationRounds.sol";
import {AgentMarks, Tally} from "./AttestationStore.sol";

/// @title Verdicts: who may give them, what follows from them
abstract contract AttestationVerdicts is AttestationRounds, AttestationHearing {
    /// @dev Of the fresh verifiers.
    uint256 private constant AGREEING = 4;

    /// @inheritdoc IAttestationRounds
    function introduce(address target, SignedVerdict calldata verdict) external {
        AttestedAgent memory a = _agent(target);
        if (a.status != AttestationStatus.Enrolled) revert WrongStatus(target, a.status);
        if (_activeOwner(target) == address(0)) revert AgentNotActive(target);
        Case memory case_ = _case(target, 0, bytes32(a.ordinal), a.enrolment, _clock(), 1);
        Tally memory tally = case_.tally;
        address expected = _introducer();
        if (verdict.verifier == expected && expected != address(0)) {
            _hear(case_, verdict, _activeOwner(expected), false);
            tally.voucher = expected;
        } else {
            if (!_isService(verdict.verifier)) revert NotIntroducer(verdict.verifier, expected);
            // The number of records is moved by whoever is heard first, and that may be a liar.
            if (verdict.result == AttestationResult.Pass) case_.seed = 0;
            _hear(case_, verdict, verdict.verifier, false);
        }
        if (tally.passes == 1) {
            uint256 voucher = tally.voucher == address(0) ? 0 : _agent(tally.voucher).enrolment;
            _trust(target, a, _store().schedule.trustLength, voucher);
            _join(target, a);
            _store().lastIntroduced = target;
        }
        RecordKind kind = tally.passes == 1 ? RecordKind.Introduced : RecordKind.Rejected;
        _record(target, a, case_.clock, kind, 0, tally);
        _save(target, a);
        _save(case_.clock);
    }

    /// @inheritdoc IAttestationRounds
    function recordVerdicts(uint256 round, address target, SignedVerdict[] calldata verdicts) external {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        if (round != clock.round) revert WrongRound(round, clock.round);
        AttestedAgent memory a = _agent(target);
        if (_isOut(a)) revert WrongStatus(target, a.status);
        bytes32 seed = _store().rounds[round].seed;
        PanelWalk memory walk = _walk(target, a, clock, seed);
        Case memory case_ = _case(target, round, seed, a.enrolment, clock, verdicts.length);
        if (a.heard) case_.hearing = AttestationWords.unpackHearing(_store().hearings[round][target]);
        Bench memory bench;
        RecordKind kind =
            a.lastRound == round
                ? _escalated(a, walk, case_, bench, verdicts)
                : _first(a, walk, case_, bench, verdicts);
        uint256 heard = case_.tally.heard;
        if (heard != verdicts.length) revert NotOnPanel(verdicts[heard].verifier, target);
        // Else anyone could have calls carried that do nothing.
        if (kind == RecordKind.None && bench.taken == 0) revert LateVerdict(verdicts[0].verifier);
        _conclude(a, case_, bench, kind);
    }

    /// @param kind of the record, or None if the verdicts do not decide yet.
    function _conclude(AttestedAgent memory a, Case memory case_, Bench memory bench, RecordKind kind) private {
        (address target, uint256 round, RoundClock memory clock) = (case_.target, case_.round, case_.clock);
        bool quarantined = kind == RecordKind.Quarantined;
        a.heard = kind == RecordKind.None || (quarantined && bench.called > PANEL_SEATS);
        if (a.heard) _store().hearings[round][target] = AttestationWords.packHearing(case_.hearing);
        if (kind == RecordKind.None) {
            bytes32[] memory verdicts = case_.tally.verdicts;
            emit VerdictsHeard(target, round, verdicts, _extend(target, 0, verdicts));
        } else {
            a.lastRound = round;
            _record(target, a, clock, kind, round, case_.tally);
            if (!quarantined) {
                ++clock.settled;
                for (uint256 i = 0; i < bench.absentCount; ++i) _strikeVerifier(bench.absent[i], case_);
            }
            if (kind == RecordKind.Convicted) _leave(target, a, clock);
            _save(clock);
        }
        _save(target, a);
    }

    /// @dev The panel drawn for the target, and whoever is called for seats that were not taken in time.
    function _first(
        AttestedAgent memory a,
        PanelWalk memory walk,
        Case memory case_,
        Bench memory bench,
        SignedVerdict[] calldata verdicts
    ) private returns (RecordKind) {
        unchecked {
            if (verdicts.length == 0) revert NoVerdicts();
            Hearing memory hearing = case_.hearing;
            bench.seats = _seats(walk.count);
            _callSeats(bench, hearing.panel, case_.clock.from);
            if (bench.closed != 0) bench.absent = new address[](walk.count);
            uint256 seat = 0;
            for (; seat < bench.called; ++seat) {
                if (case_.tally.fails != 0 && case_.tally.heard == verdicts.length) break;
                uint256 entry = _nextFit(walk, case_.round);
                if (entry == 0) {
                    bench.usedUp = true;
                    break;
                }
                uint256 known = (hearing.panel >> (2 * seat)) & 3;
                uint256 result = _sit(entry, known, seat < bench.closed, case_, bench, verdicts);
                if (result == TIMEOUT) {
                    if (known == 0) _callForTimeout(bench);
                    if (bench.leadingTimeouts == seat) ++bench.leadingTimeouts;
                }
                hearing.panel |= result << (2 * seat);
            }
            bench.called = Math.min(bench.called, walk.count);
            return _outcome(a, seat, case_, bench, verdicts);
        }
    }

    /// @dev What the panel comes to.
    /// @param drawn how many seats were looked at: all there are, if they are used up.
    function _outcome(
        AttestedAgent memory a,
        uint256 drawn,
        Case memory case_,
        Bench memory bench,
        SignedVerdict[] calldata verdicts
    ) private returns (RecordKind) {
        unchecked {
            Tally memory tally = case_.tally;
            bool silent = bench.leadingTimeouts == 2 * bench.seats;
            if (bench.usedUp && drawn != 0 && bench.leadingTimeouts == drawn) silent = true;
            bool byService = false;
            bool more = tally.heard != verdicts.length;
            if (more && bench.usedUp && !silent && tally.fails == 0 && _mayServiceSpeak(tally, bench, drawn)) {
                silent = _hearService(case_, verdicts) == AttestationResult.Timeout;
                byService = true;
            }
            if (tally.fails != 0) {
                a.status = AttestationStatus.Quarantined;
                a.expiresAtBlock = 0;
                a.voucher = 0;
                a.consulted = bench.called;
                case_.hearing.passedOver = Math.min(bench.closed, bench.called);
                return RecordKind.Quarantined;
            }
            if (silent) return _strikeTarget(a);
            if (!byService && (bench.usedUp || tally.passes < bench.needed)) return RecordKind.None;
            bool alone = !byService && tally.passes == 1;
            _trust(case_.target, a, case_.clock.trustLength, alone ? _agent(tally.voucher).enrolment : 0);
            return RecordKind.Passed;
        }
    }

    /// @dev The fresh verifiers. Nobody takes the seat of one who is passed over, so that leaving out verdicts brings
    /// nobody closer to four.
    function _escalated(
        AttestedAgent memory a,
        PanelWalk memory walk,
        Case memory case_,
        Bench memory bench,
        SignedVerdict[] calldata verdicts
    ) private returns (RecordKind) {
        unchecked {
            AttestationRecord memory last = AttestationWords.unpackRecord(_store().records[a.lastRecord]);
            if (last.kind != RecordKind.Quarantined || a.status != AttestationStatus.Quarantined) {
                revert AlreadySettled(case_.target, case_.round);
            }
            bool closed = block.number >= last.blockNumber + _store().schedule.silenceDelay;
            if (verdicts.length == 0 && !closed) revert NoVerdicts();
            (uint256[] memory entries, bool few) = _freshOf(a, walk, case_);
            uint256 seats = _hearFresh(entries, closed, case_, bench, verdicts);
            return _decide(a, last.previous, few ? Math.min(AGREEING, seats) : AGREEING, closed ? 0 : seats, case_);
        }
    }

    /// @return seats of the fresh verifiers, and the service's where they are fewer than five
    function _hearFresh(
        uint256[] memory entries,
        bool closed,
        Case memory case_,
        Bench memory bench,
        SignedVerdict[] calldata verdicts
    ) private returns (uint256 seats) {
        unchecked {
            Hearing memory hearing = case_.hearing;
            seats = entries.length;
            bench.absent = new address[](seats);
            for (uint256 i = 0; i < seats; ++i) {
                uint256 known = (hearing.fresh >> (2 * i)) & 3;
                hearing.fresh |= _sit(entries[i], known, closed, case_, bench, verdicts) << (2 * i);
            }
            if (seats == FRESH_SEATS) return seats;
            uint256 services = (hearing.fresh >> (2 * seats)) & 3;
            if (services == 0 && case_.tally.heard != verdicts.length) {
                hearing.fresh |= uint256(_hearService(case_, verdicts)) << (2 * seats);
                ++bench.taken;
            } else _count(case_.tally, services);
            ++seats;
        }
    }

    /// @param before record of the target before its quarantine.
    /// @param awaited as long as fewer verdicts are in, they may still come to agree.
    function _decide(
        AttestedAgent memory a,
        uint256 before,
        uint256 agreeing,
        uint256 awaited,
        Case memory case_
    ) private returns (RecordKind) {
        unchecked {
            Tally memory tally = case_.tally;
            if (tally.fails >= agreeing) {
                a.status = AttestationStatus.Convicted;
                _doubt(a);
                return RecordKind.Convicted;
            }
            if (tally.passes >= agreeing) {
                _trust(case_.target, a, case_.clock.trustLength, 0);
                return RecordKind.Acquitted;
            }
            if (tally.passes + tally.fails + tally.timeouts < awaited) return RecordKind.None;
            // In quarantine for the second round: silence must not shield whom it vouched for.
            if (AttestationWords.recordStatus(_store().records[before]) == AttestationStatus.Quarantined) _doubt(a);
            return RecordKind.Undecided;
        }
    }

    function _trust(address agent, AttestedAgent memory a, uint256 trustLength, uint256 voucher) private {
        unchecked {
            AttestationStatus before = _derivedNow(a);
            if (before != AttestationStatus.Trusted) {
                a.late = before != AttestationStatus.Expired;
                if (a.passedAtBlock != 0) {
                    a.marked = true;
                    ++_store().marks[agent].losses;
                }
            }
            a.status = AttestationStatus.Trusted;
            a.targetStrikes = 0;
            a.passedAtBlock = block.number;
            a.expiresAtBlock = block.number + trustLength;
            a.voucher = voucher;
        }
    }

    function _strikeTarget(AttestedAgent memory a) private returns (RecordKind) {
        // It is in quarantine since an earlier round: silence must not shield whom it vouched for.
        if (a.status == AttestationStatus.Quarantined) _doubt(a);
        if (++a.targetStrikes < STRIKES) return RecordKind.Struck;
        a.targetStrikes = 0;
        return _silence(a) ? RecordKind.Silenced : RecordKind.Struck;
    }

    function _strikeVerifier(address verifier, Case memory case_) private {
        AgentMarks storage marks = _store().marks[verifier];
        if (marks.struckInRound == case_.round) return;
        marks.struckInRound = uint24(case_.round);
        AttestedAgent memory v = _agent(verifier);
        v.marked = true;
        emit VerifierStruck(verifier, case_.target, case_.round, ++v.verifierStrikes);
        if (v.verifierStrikes == STRIKES) {
            v.verifierStrikes = 0;
            Tally memory none;
            if (_silence(v)) _record(verifier, v, case_.clock, RecordKind.Silenced, case_.round, none);
        }
        _save(verifier, v);
    }

    /// @dev An agent that is not trusted has nothing to lose here; quarantine in particular is not left for silence.
    function _silence(AttestedAgent memory a) private pure returns (bool) {
        if (a.status != AttestationStatus.Trusted) return false;
        a.status = AttestationStatus.Silent;
        (a.expiresAtBlock, a.voucher) = (0, 0);
        return true;
    }
}
