// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {
    AssuranceTier,
    AttestationStatus,
    Enrolment,
    EnrolmentConsent,
    IAttestationEnrolments,
    RecordKind,
    RoundPhase
} from "../interfaces/IAttestationRegistry.sol";
import {OwnerSignature} from "../libraries/OwnerSignature.sol";
import {AttestationWords, AttestedAgent, RoundClock} from "../types/AttestationWords.sol";
import {AttestationRoster} from "./AttestationRoster.sol";
import {Tally} from "./AttestationStore.sol";

/// @title Who is enrolled: by the attestation service, with the owner's consent, until somebody takes the agent out
abstract contract AttestationEnrolments is IAttestationEnrolments, AttestationRoster {
    /// @inheritdoc IAttestationEnrolments
    function enrol(
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
        EnrolmentConsent calldata consent
    ) external restricted {
        _enrol(agent, commitment, operator, tier, consent);
    }

    /// @inheritdoc IAttestationEnrolments
    function enrolSigned(
        address service,
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
        EnrolmentConsent calldata consent,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (!_isService(service)) revert NotAttestationService(service);
        bytes32 structHash = keccak256(
            abi.encode(
                AttestationRegistryTypes.ENROL,
                service,
                agent,
                commitment,
                operator,
                uint256(tier),
                nonce,
                deadline
            )
        );
        _checkRequest(service, structHash, nonce, deadline, signature);
        _enrol(agent, commitment, operator, tier, consent);
    }

    /// @inheritdoc IAttestationEnrolments
    function withdraw(address agent) external {
        _withdraw(msg.sender, agent);
    }

    /// @inheritdoc IAttestationEnrolments
    function withdrawSigned(
        address owner,
        address agent,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(AttestationRegistryTypes.WITHDRAW, owner, agent, nonce, deadline));
        _checkRequest(owner, structHash, nonce, deadline, signature);
        _withdraw(owner, agent);
    }

    /// @inheritdoc IAttestationEnrolments
    function retire(address agent) external restricted {
        _retire(agent);
    }

    /// @inheritdoc IAttestationEnrolments
    function expel(address agent) external {
        if (_activeOwner(agent) != address(0)) revert AgentStillActive(agent);
        _retire(agent);
    }

    /// @inheritdoc IAttestationEnrolments
    function prune(uint256 limit) external {
        RoundClock memory clock = _clock();
        if (_isOpen(clock)) revert RoundStillOpen(clock.round);
        if (limit == 0 || _store().departures.length == 0) revert NothingToPrune();
        _prune(limit);
    }

    function _enrol(
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
        EnrolmentConsent calldata consent
    ) private {
        address owner = _activeOwner(agent);
        if (owner == address(0)) revert AgentNotActive(agent);
        if (commitment == bytes32(0)) revert EmptyCommitment(agent);
        if (operator == address(0)) revert EmptyOperator(agent);
        AttestationRegistryStorage storage $ = _store();
        AttestedAgent memory a = _agent(agent);
        RoundClock memory clock = _clock();
        _requireNoEscalation(agent, a, clock);
        if (a.place != 0) _setOperator(agent, a.place - 1, operator, clock);
        uint256 before = a.enrolment;
        uint256 id = AttestationWords.raised($.enrolmentCount, 24);
        uint256 version = before == 0 ? 1 : AttestationWords.raised($.enrolments[before].version, 16);
        _checkConsent(owner, agent, version, consent);
        $.enrolmentCount = uint24(id);
        $.enrolments[id] = Enrolment({
            agent: agent,
            version: uint16(version),
            tier: tier,
            blockNumber: uint40(block.number),
            before: uint24(before),
            commitment: commitment,
            operator: operator
        });
        // Else an agent that stays away from those who judge it could leave quarantine as if nothing had been.
        if (a.status == AttestationStatus.Quarantined) _doubt(a);
        _settleUnjudged(a, clock);
        a.heard = false;
        a.status = AttestationStatus.Enrolled;
        (a.enrolment, a.expiresAtBlock, a.voucher) = (id, 0, 0);
        Tally memory none;
        _record(agent, a, clock, RecordKind.Enrolled, 0, none);
        _save(agent, a);
        _save(clock);
        emit AgentEnrolled(agent, id, version, commitment, operator, tier);
    }

    function _checkConsent(
        address owner,
        address agent,
        uint256 version,
        EnrolmentConsent calldata consent
    ) private view {
        if (block.timestamp > consent.deadline) revert ConsentExpired(consent.deadline, block.timestamp);
        bytes32 structHash = keccak256(
            abi.encode(AttestationRegistryTypes.ENROLMENT_CONSENT, owner, agent, version, consent.deadline)
        );
        bytes32 digest = MessageHashUtils.toTypedDataHash(_domain(), structHash);
        if (!OwnerSignature.isValid(owner, digest, consent.signature)) revert InvalidSignature(owner);
    }

    function _withdraw(address owner, address agent) private {
        if (owner != _activeOwner(agent) || owner == address(0)) revert NotOwner(owner, agent);
        AttestedAgent memory a = _agent(agent);
        if (a.status == AttestationStatus.Convicted) revert WrongStatus(agent, a.status);
        _takeOut(agent, a, AttestationStatus.Withdrawn, RecordKind.Withdrawn);
    }

    function _retire(address agent) private {
        AttestedAgent memory a = _agent(agent);
        if (a.status == AttestationStatus.Retired) revert WrongStatus(agent, a.status);
        _takeOut(agent, a, AttestationStatus.Retired, RecordKind.Retired);
    }

    function _takeOut(address agent, AttestedAgent memory a, AttestationStatus status, RecordKind kind) private {
        if (a.status == AttestationStatus.None || a.status == AttestationStatus.Withdrawn) {
            revert WrongStatus(agent, a.status);
        }
        RoundClock memory clock = _clock();
        _requireNoEscalation(agent, a, clock);
        if (a.status == AttestationStatus.Quarantined) _doubt(a);
        _settleUnjudged(a, clock);
        a.status = status;
        (a.expiresAtBlock, a.voucher) = (0, 0);
        Tally memory none;
        _record(agent, a, clock, kind, 0, none);
        _leave(agent, a, clock);
        _save(agent, a);
        _save(clock);
    }

    /// @dev Who is enrolled anew or leaves while a round is open is not judged in it any more: what was said of it so far
    /// was about another version. The caller saves `a` and the clock.
    function _settleUnjudged(AttestedAgent memory a, RoundClock memory clock) private pure {
        bool awaited = _isOpen(clock) && a.place != 0 && a.place <= clock.size && a.lastRound != clock.round;
        if (!awaited) return;
        a.lastRound = clock.round;
        ++clock.settled;
    }

    /// @dev Else an agent about to be convicted could be slipped out, and those it vouched for would not become suspect.
    function _requireNoEscalation(address agent, AttestedAgent memory a, RoundClock memory clock) private pure {
        bool judged = a.status == AttestationStatus.Quarantined && clock.phase == RoundPhase.Drawn;
        if (judged && a.lastRound == clock.round) revert UnderEscalation(agent, clock.round);
    }

    function _setOperator(address agent, uint256 place, address operator, RoundClock memory clock) private {
        uint256 entry = _entry(agent, operator);
        uint256[] storage roster = _store().roster;
        if (roster[place] & ~PLAIN == entry) return;
        if (_isOpen(clock)) revert OperatorFrozen(agent, clock.round);
        roster[place] = entry;
    }
}
