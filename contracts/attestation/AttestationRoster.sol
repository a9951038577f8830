// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationRegistryTypes} from "../generated/TypeHashes.sol";
import {
    AssuranceTier,
    AttestationStatus,
    Enrolment,
    IAttestationWriter,
    RecordKind,
    RoundPhase
} from "../interfaces/IAttestationRegistry.sol";
import {AttestationWords, AttestedAgent, RoundClock} from "../types/AttestationWords.sol";
import {AttestationStore, Tally} from "./AttestationStore.sol";

/// @title Who is enrolled, and who is drawn
/// @dev The roster is append-only while a round is open, so that opening a round freezes it by its length alone. Agents
/// that join stand behind that length; those that leave keep their place until the round is over, and are passed over
/// without a strike.
abstract contract AttestationRoster is IAttestationWriter, AttestationStore {
    /// @inheritdoc IAttestationWriter
    function enrol(address agent, bytes32 commitment, address operator, AssuranceTier tier) external restricted {
        _enrol(agent, commitment, operator, tier);
    }

    /// @inheritdoc IAttestationWriter
    function enrolSigned(
        address service,
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
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
        _enrol(agent, commitment, operator, tier);
    }

    /// @inheritdoc IAttestationWriter
    function retire(address agent) external restricted {
        _retire(agent);
    }

    /// @inheritdoc IAttestationWriter
    function expel(address agent) external {
        if (_activeOwner(agent) != address(0)) revert AgentStillActive(agent);
        _retire(agent);
    }

    /// @inheritdoc IAttestationWriter
    function prune(uint256 limit) external {
        RoundClock memory clock = _clock();
        if (_isOpen(clock)) revert RoundStillOpen(clock.round);
        if (limit == 0 || _store().departures.length == 0) revert NothingToPrune();
        _prune(limit);
    }

    function _enrol(address agent, bytes32 commitment, address operator, AssuranceTier tier) private {
        if (_activeOwner(agent) == address(0)) revert AgentNotActive(agent);
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
        a.status = AttestationStatus.Enrolled;
        (a.enrolment, a.expiresAtBlock, a.voucher) = (id, 0, 0);
        Tally memory none;
        _record(agent, a, clock, RecordKind.Enrolled, 0, none);
        _save(agent, a);
        _save(clock);
        emit AgentEnrolled(agent, id, version, commitment, operator, tier);
    }

    function _retire(address agent) private {
        AttestedAgent memory a = _agent(agent);
        if (a.status == AttestationStatus.None || a.status == AttestationStatus.Retired) {
            revert WrongStatus(agent, a.status);
        }
        RoundClock memory clock = _clock();
        _requireNoEscalation(agent, a, clock);
        a.status = AttestationStatus.Retired;
        (a.expiresAtBlock, a.voucher) = (0, 0);
        Tally memory none;
        _record(agent, a, clock, RecordKind.Retired, 0, none);
        _leave(agent, a, clock);
        _save(agent, a);
        _save(clock);
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

    /// @dev Appends; a round that is open knows nothing of it. The caller saves `a`.
    function _join(address agent, AttestedAgent memory a) internal {
        if (a.place != 0) return;
        uint256[] storage roster = _store().roster;
        roster.push(_entry(agent, _store().enrolments[a.enrolment].operator));
        a.place = AttestationWords.raised(roster.length - 1, 24);
        emit RosterJoined(agent, a.place - 1);
    }

    /// @dev The caller saves `a`.
    function _leave(address agent, AttestedAgent memory a, RoundClock memory clock) internal {
        if (a.place == 0) return;
        if (_isOpen(clock)) _store().departures.push(agent);
        else _remove(agent, a);
    }

    function _prune(uint256 limit) internal {
        address[] storage departures = _store().departures;
        for (uint256 left = departures.length; left > 0 && limit > 0; --left) {
            address agent = departures[left - 1];
            departures.pop();
            --limit;
            AttestedAgent memory a = _agent(agent);
            // It may have been enrolled anew meanwhile; then it stays.
            bool gone = a.status == AttestationStatus.Convicted || a.status == AttestationStatus.Retired;
            if (!gone || a.place == 0) continue;
            _remove(agent, a);
            _save(agent, a);
        }
    }

    function _remove(address agent, AttestedAgent memory a) private {
        AttestationRegistryStorage storage $ = _store();
        uint256 last = $.roster[$.roster.length - 1];
        address moved = address(uint160(last));
        if (moved != agent) {
            $.roster[a.place - 1] = last;
            AttestedAgent memory other = _agent(moved);
            other.place = a.place;
            _save(moved, other);
        }
        $.roster.pop();
        a.place = 0;
        emit RosterLeft(agent);
    }

    function _entry(address agent, address operator) private pure returns (uint256) {
        return uint256(uint160(agent)) | (uint256(uint88(uint160(operator))) << 160);
    }
}
