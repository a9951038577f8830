// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {
    AttestationResult,
    AttestationStatus,
    IAttestationWriter,
    RecordKind,
    RoundPhase,
    SignedVerdict
} from "../interfaces/IAttestationRegistry.sol";
import {OwnerSignature} from "../libraries/OwnerSignature.sol";
import {AttestationWords, AttestedAgent, RoundClock} from "../types/AttestationWords.sol";
import {AttestationPanels, PanelWalk} from "./AttestationPanels.sol";
import {AttestationRounds} from "./AttestationRounds.sol";
import {Conviction, Tally} from "./AttestationStore.sol";

/// @dev What all verdicts of one call are about, and what they come to.
/// @param silentFrom first block in which absent verifiers may be passed over.
/// @param oneFailDecides a FAIL waits for no other verdict: in the first panel, not among the fresh verifiers.
struct Case {
    address target;
    uint256 round;
    bytes32 seed;
    uint256 enrolment;
    bytes32 domain;
    uint256 silentFrom;
    bool oneFailDecides;
    RoundClock clock;
    Tally tally;
}

/// @dev What became of a verifier's turn.
/// @param Unable it may not verify now: convicted, in quarantine, suspect, silent, retired or deactivated.
/// @param Awaited its verdict is not in, and not needed for what is recorded now.
/// @param PassedOver its verdict did not come in time.
/// @param TimedOut it got no answer from the target.
/// @param Heard it says PASS or FAIL.
enum Turn {
    Unable,
    Awaited,
    PassedOver,
    TimedOut,
    Heard
}

/// @title Verdicts: who may give them, what follows from them
abstract contract AttestationVerdicts is AttestationRounds, AttestationPanels {
    /// @dev Of the fresh verifiers.
    uint256 private constant AGREEING = 4;

    /// @inheritdoc IAttestationWriter
    function introduce(address target, SignedVerdict calldata verdict) external {
        AttestedAgent memory a = _agent(target);
        if (a.status != AttestationStatus.Enrolled) revert WrongStatus(target, a.status);
        if (_activeOwner(target) == address(0)) revert AgentNotActive(target);
        Case memory case_ = _case(target, 0, bytes32(a.ordinal), a.enrolment, _clock(), 1);
        Tally memory tally = case_.tally;
        address expected = _introducer();
        if (verdict.verifier == expected && expected != address(0)) {
            _hear(case_, verdict, _activeOwner(expected));
            tally.voucher = expected;
        } else {
            if (!_isService(verdict.verifier)) revert NotIntroducer(verdict.verifier, expected);
            _hear(case_, verdict, verdict.verifier);
        }
        if (tally.passes == 1) {
            uint256 voucher = tally.voucher == address(0) ? 0 : _agent(tally.voucher).enrolment;
            _trust(a, _store().schedule.trustLength, voucher);
            _join(target, a);
            _store().lastIntroduced = target;
        }
        RecordKind kind = tally.passes == 1 ? RecordKind.Introduced : RecordKind.Rejected;
        _record(target, a, case_.clock, kind, 0, tally);
        _save(target, a);
        _save(case_.clock);
    }

    /// @inheritdoc IAttestationWriter
    function recordVerdicts(uint256 round, address target, SignedVerdict[] calldata verdicts) external {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        if (round != clock.round) revert WrongRound(round, clock.round);
        if (verdicts.length == 0) revert NoVerdicts();
        AttestedAgent memory a = _agent(target);
        if (a.status == AttestationStatus.Convicted || a.status == AttestationStatus.Retired) {
            revert WrongStatus(target, a.status);
        }
        bytes32 seed = _store().rounds[round].seed;
        PanelWalk memory walk = _walk(target, a, clock, seed);
        Case memory case_ = _case(target, round, seed, a.enrolment, clock, verdicts.length);
        Tally memory tally = case_.tally;
        RecordKind kind;
        if (a.lastRound != round) {
            kind = _first(a, walk, case_, verdicts);
        } else {
            if (a.status != AttestationStatus.Quarantined) revert AlreadySettled(target, round);
            kind = _escalated(a, walk, case_, verdicts);
        }
        if (tally.heard != verdicts.length) revert NotOnPanel(verdicts[tally.heard].verifier, target);
        if (kind != RecordKind.Quarantined) ++clock.settled;
        a.lastRound = round;
        _record(target, a, clock, kind, round, tally);
        if (kind == RecordKind.Convicted) _leave(target, a, clock);
        _save(target, a);
        _save(clock);
    }

    /// @dev The panel drawn for the target. Whoever is passed over costs one PASS more: else colluders could wait until
    /// verifiers are silent, leave the verdicts of honest ones out, and pass a target with any three of sixteen.
    function _first(
        AttestedAgent memory a,
        PanelWalk memory walk,
        Case memory case_,
        SignedVerdict[] calldata verdicts
    ) private returns (RecordKind) {
        unchecked {
            Tally memory tally = case_.tally;
            uint256 seats = _seats(walk.count);
            uint256 needed = seats;
            uint256 consulted = 0;
            (case_.silentFrom, case_.oneFailDecides) = (case_.clock.from, true);
            bool byService = false;
            // A seat whose verdict is not waited for, because another verdict of the call is FAIL, counts as taken.
            for (uint256 taken = 0; taken < needed && tally.timeouts < seats;) {
                if (tally.fails != 0 && tally.heard == verdicts.length) break;
                uint256 entry = _next(walk);
                if (entry == 0) {
                    byService = true;
                    if (_hearService(case_, verdicts) == AttestationResult.Timeout) return _strikeTarget(a);
                    break;
                }
                ++consulted;
                Turn turn = _turn(entry, case_, verdicts);
                if (turn == Turn.Unable) continue;
                if (turn == Turn.PassedOver || turn == Turn.TimedOut) ++needed;
                else ++taken;
            }
            if (tally.fails != 0) {
                a.status = AttestationStatus.Quarantined;
                (a.expiresAtBlock, a.voucher) = (0, 0);
                a.consulted = Math.max(consulted, seats);
                return RecordKind.Quarantined;
            }
            if (tally.timeouts >= seats) return _strikeTarget(a);
            bool alone = !byService && tally.passes == 1;
            _trust(a, case_.clock.trustLength, alone ? _agent(tally.voucher).enrolment : 0);
            return RecordKind.Passed;
        }
    }

    /// @dev The fresh verifiers. Nobody takes the seat of one who is passed over, so that leaving out verdicts brings
    /// nobody closer to four. Where the drawn verifiers do not reach for five seats, the service has to have one.
    function _escalated(
        AttestedAgent memory a,
        PanelWalk memory walk,
        Case memory case_,
        SignedVerdict[] calldata verdicts
    ) private returns (RecordKind) {
        unchecked {
            Tally memory tally = case_.tally;
            uint256 quarantinedAt = AttestationWords.recordBlock(_store().records[a.lastRecord]);
            case_.silentFrom = quarantinedAt + _store().schedule.silenceDelay;
            uint256 agreeing = AGREEING;
            for (uint256 i = 0; i < a.consulted; ++i) _next(walk);
            for (uint256 taken = 0; taken < FRESH_SEATS && tally.passes < agreeing && tally.fails < agreeing;) {
                uint256 entry = _next(walk);
                if (entry == 0) {
                    _hearService(case_, verdicts);
                    agreeing = Math.min(agreeing, tally.passes + tally.fails + tally.timeouts);
                    break;
                }
                if (_turn(entry, case_, verdicts) != Turn.Unable) ++taken;
            }
            if (tally.fails >= agreeing) {
                _convict(a);
                return RecordKind.Convicted;
            }
            if (tally.passes < agreeing) return RecordKind.Undecided;
            _trust(a, case_.clock.trustLength, 0);
            return RecordKind.Acquitted;
        }
    }

    /// @dev One verifier's turn: its verdict, if the next one handed in is its; else whether one may go on without it.
    function _turn(uint256 entry, Case memory case_, SignedVerdict[] calldata verdicts) private returns (Turn) {
        address verifier = address(uint160(entry));
        Tally memory tally = case_.tally;
        SignedVerdict calldata verdict = verdicts[Math.min(tally.heard, verdicts.length - 1)];
        bool handedIn = verdict.verifier == verifier && tally.heard < verdicts.length;
        address owner = entry & PLAIN != 0 || _mayVerify(_agent(verifier)) ? _activeOwner(verifier) : address(0);
        if (owner == address(0)) {
            if (handedIn) revert NotOnPanel(verifier, case_.target);
            return Turn.Unable;
        }
        if (!handedIn) {
            if (block.number >= case_.silentFrom) {
                _strikeVerifier(verifier, case_);
                return Turn.PassedOver;
            }
            if (!case_.oneFailDecides || !_anyFail(verdicts)) revert VerdictMissing(verifier, case_.silentFrom);
            return Turn.Awaited;
        }
        if (entry & PLAIN == 0) {
            AttestedAgent memory v = _agent(verifier);
            v.verifierStrikes = 0;
            _save(verifier, v);
        }
        AttestationResult result = _hear(case_, verdict, owner);
        if (result == AttestationResult.Pass) tally.voucher = verifier;
        return result == AttestationResult.Timeout ? Turn.TimedOut : Turn.Heard;
    }

    function _hearService(
        Case memory case_,
        SignedVerdict[] calldata verdicts
    ) private view returns (AttestationResult) {
        Tally memory tally = case_.tally;
        if (tally.heard == verdicts.length) revert VerdictMissing(address(0), 0);
        SignedVerdict calldata verdict = verdicts[tally.heard];
        if (!_isService(verdict.verifier)) revert NotOnPanel(verdict.verifier, case_.target);
        return _hear(case_, verdict, verdict.verifier);
    }

    /// @dev Most signers are plain accounts: looking for code at their address first would cost 2,600 gas each.
    function _hear(
        Case memory case_,
        SignedVerdict calldata verdict,
        address signer
    ) private view returns (AttestationResult result) {
        unchecked {
            Tally memory tally = case_.tally;
            result = verdict.result;
            if (result == AttestationResult.None) revert NoResult(verdict.verifier);
            bytes32 structHash = keccak256(
                abi.encode(
                    AttestationRegistryTypes.VERDICT,
                    case_.round,
                    case_.seed,
                    case_.target,
                    case_.enrolment,
                    verdict.verifier,
                    uint256(result),
                    uint256(verdict.attempts),
                    verdict.evidenceHash
                )
            );
            bytes32 digest = MessageHashUtils.toTypedDataHash(case_.domain, structHash);
            (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, verdict.signature);
            bool valid = recovered == signer && signer != address(0);
            if (!valid && !OwnerSignature.isValid(signer, digest, verdict.signature)) revert InvalidSignature(signer);
            if (result == AttestationResult.Pass) ++tally.passes;
            else if (result == AttestationResult.Fail) ++tally.fails;
            else ++tally.timeouts;
            uint256 author = uint256(uint160(verdict.verifier)) | (uint256(result) << 160);
            tally.verdicts[2 * tally.heard] = bytes32(author | (uint256(verdict.attempts) << 168));
            tally.verdicts[2 * tally.heard++ + 1] = verdict.evidenceHash;
        }
    }

    /// @dev Expired agents may still verify: else a system that stood still longer than trust lasts could only be started
    /// by the service, one agent after the other.
    function _mayVerify(AttestedAgent memory v) private view returns (bool) {
        return v.status == AttestationStatus.Trusted && _derivedNow(v) != AttestationStatus.Suspect;
    }

    function _trust(AttestedAgent memory a, uint256 trustLength, uint256 voucher) private view {
        unchecked {
            a.status = AttestationStatus.Trusted;
            a.targetStrikes = 0;
            a.passedAtBlock = block.number;
            a.expiresAtBlock = block.number + trustLength;
            a.voucher = voucher;
        }
    }

    /// @dev Also under the versions before, down to the one it was last verified with: it vouched in their name.
    function _convict(AttestedAgent memory a) private {
        AttestationRegistryStorage storage $ = _store();
        a.status = AttestationStatus.Convicted;
        uint256 id = a.enrolment;
        do {
            $.convictions[id] = Conviction(uint40(a.passedAtBlock), uint40(block.number));
            if ($.enrolments[id].blockNumber <= a.passedAtBlock) break;
            id = $.enrolments[id].before;
        } while (id != 0);
    }

    function _strikeTarget(AttestedAgent memory a) private pure returns (RecordKind) {
        if (++a.targetStrikes < STRIKES) return RecordKind.Struck;
        a.targetStrikes = 0;
        return _silence(a) ? RecordKind.Silenced : RecordKind.Struck;
    }

    function _strikeVerifier(address verifier, Case memory case_) private {
        AttestedAgent memory v = _agent(verifier);
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

    function _anyFail(SignedVerdict[] calldata verdicts) private pure returns (bool) {
        for (uint256 i = 0; i < verdicts.length; ++i) if (verdicts[i].result == AttestationResult.Fail) return true;
        return false;
    }

    function _case(
        address target,
        uint256 round,
        bytes32 seed,
        uint256 enrolment,
        RoundClock memory clock,
        uint256 verdictCount
    ) private view returns (Case memory case_) {
        (case_.target, case_.round, case_.seed, case_.enrolment) = (target, round, seed, enrolment);
        case_.domain = _domain();
        case_.clock = clock;
        case_.tally.verdicts = new bytes32[](2 * verdictCount);
    }
}
