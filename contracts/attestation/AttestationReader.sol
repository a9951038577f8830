// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {
    Enrolment,
    IAttestationReader,
    Round,
    RoundPhase,
    RoundSchedule,
    Standing
} from "../interfaces/IAttestationRegistry.sol";
import {AttestationRecord, AttestationWords, AttestedAgent, Hearing, RoundClock} from "../types/AttestationWords.sol";
import {AttestationPanels, PanelWalk} from "./AttestationPanels.sol";

/// @title What everybody may read of the attestation registry
abstract contract AttestationReader is IAttestationReader, AttestationPanels {
    /// @inheritdoc IAttestationReader
    uint256 public constant PANEL_SIZE = PANEL_SEATS;
    /// @inheritdoc IAttestationReader
    uint256 public constant FRESH_SIZE = FRESH_SEATS;
    /// @inheritdoc IAttestationReader
    uint256 public constant MAX_STRIKES = STRIKES;

    /// @inheritdoc IAttestationReader
    function statusOf(address agent) external view returns (Standing memory) {
        return statusAt(agent, block.number);
    }

    /// @inheritdoc IAttestationReader
    function statusAt(address agent, uint256 blockNumber) public view returns (Standing memory standing) {
        uint256 index = _lastRecordUntil(_agent(agent).lastRecord, blockNumber);
        if (index == 0) return standing;
        AttestationRecord memory record = AttestationWords.unpackRecord(_store().records[index]);
        Enrolment storage enrolment = _store().enrolments[record.enrolment];
        standing.tier = enrolment.tier;
        standing.enrolment = record.enrolment;
        standing.version = enrolment.version;
        standing.commitment = enrolment.commitment;
        standing.expiresAtBlock = record.expiresAtBlock;
        standing.recordIndex = index;
        standing.round = record.round;
        standing.sinceBlock = record.blockNumber;
        standing.status = _statusAt(record, blockNumber);
    }

    /// @inheritdoc IAttestationReader
    function rotHead() external view returns (bytes32) {
        return _store().rotHead;
    }

    /// @inheritdoc IAttestationReader
    function recordCount() external view returns (uint256) {
        return _clock().recordCount;
    }

    /// @inheritdoc IAttestationReader
    function records(uint256 from, uint256 limit) external view returns (uint256[] memory page) {
        uint256 end = _clock().recordCount + 1;
        if (from == 0 || from > end) revert OutOfRange(from, end);
        page = new uint256[](Math.min(limit, end - from));
        for (uint256 i = 0; i < page.length; ++i) page[i] = _store().records[from + i];
    }

    /// @inheritdoc IAttestationReader
    function recordsOf(address agent) external view returns (uint256 count, uint256 last) {
        AttestedAgent memory a = _agent(agent);
        return (a.ordinal, a.lastRecord);
    }

    /// @inheritdoc IAttestationReader
    function history(
        address agent,
        uint256 before,
        uint256 limit
    ) external view returns (uint256[] memory indices, uint256[] memory page) {
        AttestedAgent memory a = _agent(agent);
        uint256 index = a.lastRecord;
        if (before != 0) index = AttestationWords.recordPrevious(_store().records[before]);
        uint256 length = Math.min(limit, a.ordinal);
        indices = new uint256[](length);
        page = new uint256[](length);
        uint256 found = 0;
        for (; found < length && index != 0; ++found) {
            indices[found] = index;
            page[found] = _store().records[index];
            index = AttestationWords.recordPrevious(page[found]);
        }
        assembly ("memory-safe") {
            mstore(page, found)
            mstore(indices, found)
        }
    }

    /// @inheritdoc IAttestationReader
    function enrolmentCount() external view returns (uint256) {
        return _store().enrolmentCount;
    }

    /// @inheritdoc IAttestationReader
    function enrolmentAt(uint256 id) external view returns (Enrolment memory) {
        if (id == 0 || id > _store().enrolmentCount) revert OutOfRange(id, _store().enrolmentCount);
        return _store().enrolments[id];
    }

    /// @inheritdoc IAttestationReader
    function enrolmentOf(address agent) external view returns (uint256 id) {
        return _agent(agent).enrolment;
    }

    /// @inheritdoc IAttestationReader
    function strikesOf(address agent) external view returns (uint256 asTarget, uint256 asVerifier) {
        AttestedAgent memory a = _agent(agent);
        return (a.targetStrikes, a.verifierStrikes);
    }

    /// @inheritdoc IAttestationReader
    function rosterSize() external view returns (uint256) {
        return _store().roster.length;
    }

    /// @inheritdoc IAttestationReader
    function rosterAt(uint256 place) external view returns (address agent, uint88 operatorTag) {
        uint256 size = _store().roster.length;
        if (place >= size) revert OutOfRange(place, size);
        uint256 entry = _store().roster[place];
        return (address(uint160(entry)), uint88(_tagOf(entry)));
    }

    /// @inheritdoc IAttestationReader
    function agentRegistry() external view returns (address) {
        return AGENT_REGISTRY;
    }

    /// @inheritdoc IAttestationReader
    function currentRound() external view returns (uint256) {
        return _clock().round;
    }

    /// @inheritdoc IAttestationReader
    function roundAt(uint256 number) external view returns (Round memory round) {
        RoundClock memory clock = _clock();
        if (number == 0 || number > clock.round) revert OutOfRange(number, clock.round);
        round = _store().rounds[number];
        if (number == clock.round) (round.phase, round.settled) = (clock.phase, uint24(clock.settled));
    }

    /// @inheritdoc IAttestationReader
    function voidCountOf(address service) external view returns (uint256) {
        return _store().voidCounts[service];
    }

    /// @inheritdoc IAttestationReader
    function schedule() external view returns (RoundSchedule memory) {
        return _store().schedule;
    }

    /// @inheritdoc IAttestationReader
    function panelOf(address target) external view returns (address[] memory verifiers, uint256 seats) {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        AttestedAgent memory a = _agent(target);
        PanelWalk memory walk = _walk(target, a, clock, _store().rounds[clock.round].seed);
        verifiers = new address[](walk.count);
        uint256 fit = 0;
        for (uint256 i = 0; i < walk.count; ++i) {
            uint256 entry = _next(walk);
            if (_isFit(entry, clock.round)) verifiers[fit++] = address(uint160(entry));
        }
        assembly ("memory-safe") {
            mstore(verifiers, fit)
        }
        seats = _seats(walk.count);
    }

    /// @inheritdoc IAttestationReader
    function hearingOf(address target) external view returns (uint256, uint256, uint256, uint256) {
        RoundClock memory clock = _inPhase(RoundPhase.Drawn);
        AttestedAgent memory a = _agent(target);
        Hearing memory hearing = AttestationWords.unpackHearing(_store().hearings[clock.round][target]);
        return (hearing.panel, hearing.fresh, a.lastRound == clock.round ? a.consulted : 0, hearing.passedOver);
    }

    /// @inheritdoc IAttestationReader
    function introducer() external view returns (address) {
        return _introducer();
    }
}
