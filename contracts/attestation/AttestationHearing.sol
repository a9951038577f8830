// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {AttestationResult, SignedVerdict} from "../interfaces/IAttestationRegistry.sol";
import {AttestationSchedule} from "../libraries/AttestationSchedule.sol";
import {OwnerSignature} from "../libraries/OwnerSignature.sol";
import {AttestedAgent, Hearing, RoundClock} from "../types/AttestationWords.sol";
import {AttestationPanels, PanelWalk} from "./AttestationPanels.sol";
import {Tally} from "./AttestationStore.sol";

/// @dev What all verdicts of one call are about, and what they come to.
struct Case {
    address target;
    uint256 round;
    bytes32 seed;
    uint256 enrolment;
    bytes32 domain;
    RoundClock clock;
    Tally tally;
    Hearing hearing;
}

/// @dev The seats of one target at the time of a call (ADR 11).
/// @param seats of the panel.
/// @param closed first seats whose time is over.
/// @param called first seats whose verdicts are awaited, or were.
/// @param needed how many PASSes it takes.
/// @param taken verdicts of this call that came in time.
/// @param late verdicts of this call that did not.
/// @param leadingTimeouts how many of the first seats in a row say TIMEOUT.
/// @param absent who sits on the seats that are closed and empty; `absentCount` of them.
/// @param usedUp more seats are called than verifiers are drawn.
struct Bench {
    uint256 seats;
    uint256 closed;
    uint256 called;
    uint256 needed;
    uint256 taken;
    uint256 late;
    uint256 leadingTimeouts;
    address[] absent;
    uint256 absentCount;
    bool usedUp;
}

/// @title Which seats are called, which are closed, and what is heard from them
abstract contract AttestationHearing is AttestationPanels {
    /// @dev So many drawn verifiers are not outvoted by the service alone.
    uint256 internal constant MANY = 8;
    uint256 internal constant TIMEOUT = uint256(AttestationResult.Timeout);

    /// @dev Who judges a quarantine: of the drawn verifiers those that were never called, then those called beyond the first
    /// panel, or for a seat that was closed, and not heard.
    /// @return entries of the roster
    /// @return few whether so few are drawn at all that the service may outvote them
    function _freshOf(
        AttestedAgent memory a,
        PanelWalk memory walk,
        Case memory case_
    ) internal view returns (uint256[] memory entries, bool few) {
        unchecked {
            entries = new uint256[](FRESH_SEATS);
            uint256[] memory aside = new uint256[](walk.count);
            (uint256 count, uint256 asideCount, uint256 seat) = (0, 0, 0);
            uint256 seats = _seats(walk.count);
            for (; count < FRESH_SEATS; ++seat) {
                uint256 entry = _nextFit(walk, case_.round);
                if (entry == 0) break;
                if (seat >= a.consulted) entries[count++] = entry;
                else if (
                    (seat >= seats || seat < case_.hearing.passedOver) && (case_.hearing.panel >> (2 * seat)) & 3 == 0
                ) {
                    aside[asideCount++] = entry;
                }
            }
            few = count < FRESH_SEATS && seat < MANY;
            for (uint256 i = 0; i < asideCount && count < FRESH_SEATS; ++i) entries[count++] = aside[i];
            assembly ("memory-safe") {
                mstore(entries, count)
            }
        }
    }

    /// @dev Which seats are called and which are closed, by the verdicts that are on chain. The first seats close at `from`;
    /// what that calls closes `silenceDelay` later, and so on. A seat called for a TIMEOUT has until the end of the stretch
    /// after the one it was called in.
    function _callSeats(Bench memory bench, uint256 panel, uint256 from) internal view {
        unchecked {
            uint256 seats = bench.seats;
            bench.called = bench.needed = seats;
            if (block.number >= from) {
                uint256 delay = _store().schedule.silenceDelay;
                uint256 next = seats;
                for (; block.number >= from && bench.closed < AttestationSchedule.MAX_CANDIDATES; from += delay) {
                    bench.closed = next;
                    next = seats;
                    for (uint256 i = 0; i < bench.closed; ++i) {
                        uint256 result = (panel >> (2 * i)) & 3;
                        next +=
                            result == 0
                                ? 2
                                : result == TIMEOUT
                                    ? 3
                                    : 0;
                    }
                }
            }
            if (panel == 0 && bench.closed == 0) return;
            for (uint256 i = 0; i < AttestationSchedule.MAX_CANDIDATES; ++i) {
                uint256 result = (panel >> (2 * i)) & 3;
                if (result == TIMEOUT) _callForTimeout(bench);
                else if (result == 0 && i < bench.closed)
                    (bench.called, bench.needed) = (bench.called + 2, bench.needed + 1);
            }
        }
    }

    function _callForTimeout(Bench memory bench) internal pure {
        unchecked {
            bench.called += 3;
            bench.needed += 2;
        }
    }

    /// @dev All drawn verifiers are accounted for, and if they are many, half of them say PASS.
    function _mayServiceSpeak(Tally memory tally, Bench memory bench, uint256 drawn) internal pure returns (bool) {
        uint256 accounted = tally.passes + tally.timeouts + bench.absentCount + bench.late;
        return accounted == drawn && (drawn < MANY || 2 * tally.passes >= drawn);
    }

    function _nextFit(PanelWalk memory walk, uint256 round) internal view returns (uint256 entry) {
        do entry = _next(walk); while (entry != 0 && !_isFit(entry, round));
    }

    /// @dev What is known of a seat: its verdict, if the next one handed in is its; else what is on chain.
    /// @return result 0 if there is none that came in time
    function _sit(
        uint256 entry,
        uint256 result,
        bool closed,
        Case memory case_,
        Bench memory bench,
        SignedVerdict[] calldata verdicts
    ) internal returns (uint256) {
        unchecked {
            Tally memory tally = case_.tally;
            address verifier = address(uint160(entry));
            if (tally.heard == verdicts.length || verdicts[tally.heard].verifier != verifier) {
                if (result == 0 && closed) bench.absent[bench.absentCount++] = verifier;
                _count(tally, result);
                return result;
            }
            if (result != 0) revert AlreadyHeard(verifier, case_.target);
            SignedVerdict calldata verdict = verdicts[tally.heard];
            address owner = _activeOwner(verifier);
            if (owner == address(0)) revert NotOnPanel(verifier, case_.target);
            if (entry & PLAIN == 0) {
                AttestedAgent memory v = _agent(verifier);
                if (v.verifierStrikes != 0) {
                    v.verifierStrikes = 0;
                    _save(verifier, v);
                }
            }
            AttestationResult said = _hear(case_, verdict, owner, closed);
            if (closed) {
                ++bench.late;
                return 0;
            }
            ++bench.taken;
            if (said == AttestationResult.Pass) tally.voucher = verifier;
            return uint256(said);
        }
    }

    function _count(Tally memory tally, uint256 result) internal pure {
        unchecked {
            if (result == uint256(AttestationResult.Pass)) ++tally.passes;
            else if (result == uint256(AttestationResult.Fail)) ++tally.fails;
            else if (result == TIMEOUT) ++tally.timeouts;
        }
    }

    function _hearService(
        Case memory case_,
        SignedVerdict[] calldata verdicts
    ) internal view returns (AttestationResult) {
        SignedVerdict calldata verdict = verdicts[case_.tally.heard];
        if (!_isService(verdict.verifier)) revert NotOnPanel(verdict.verifier, case_.target);
        return _hear(case_, verdict, verdict.verifier, false);
    }

    /// @dev Most signers are plain accounts: looking for code at their address first would cost 2,600 gas each.
    function _hear(
        Case memory case_,
        SignedVerdict calldata verdict,
        address signer,
        bool late
    ) internal view returns (AttestationResult result) {
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
            if (!late) _count(tally, uint256(result));
            uint256 author = uint256(uint160(verdict.verifier)) | (uint256(result) << 160);
            tally.verdicts[2 * tally.heard] = bytes32(
                author | (uint256(verdict.attempts) << 168) | (late ? 1 << 176 : 0)
            );
            tally.verdicts[2 * tally.heard++ + 1] = verdict.evidenceHash;
        }
    }

    function _case(
        address target,
        uint256 round,
        bytes32 seed,
        uint256 enrolment,
        RoundClock memory clock,
        uint256 verdictCount
    ) internal view returns (Case memory case_) {
        (case_.target, case_.round, case_.seed, case_.enrolment) = (target, round, seed, enrolment);
        case_.domain = _domain();
        case_.clock = clock;
        case_.tally.verdicts = new bytes32[](2 * verdictCount);
    }
}
