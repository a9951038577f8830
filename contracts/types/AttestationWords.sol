// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationStatus, RecordKind, RoundPhase} from "../interfaces/IAttestationRegistry.sol";

/// @notice All that the registry must know of an agent to write about it, in one slot.
///
///   bits   0 –   3  status           as of the last record, before expiry and lineage are looked at
///   bit    4        marked           there are marks of it (AgentMarks), in a slot of their own
///   bit    5        heard            verdicts on it may be waiting for others (Hearing), in a slot of their own
///   bits   8 –  11  targetStrikes    rounds in a row without an answer
///   bits  12 –  15  verifierStrikes  rounds in a row in which a verdict of it did not come
///   bits  16 –  55  expiresAtBlock   first block in which trust is over
///   bits  56 –  79  voucher          enrolment that alone vouched for the agent; 0 = several did, or the service
///   bits  80 – 103  place            in the roster, counted from 1; 0 = not in it
///   bits 104 – 143  passedAtBlock    last time it was verified
///   bits 144 – 167  enrolment        its last one
///   bits 168 – 191  lastRound        round of its last result
///   bits 192 – 199  consulted        seats of that round's panel that were called, while it is in quarantine
///   bits 200 – 223  ordinal          number of its records
///   bits 224 – 255  lastRecord       index of the last one
///
/// @param late not in the slot: it becomes trusted without having been fit to verify before. In the round under way it
/// must not count as one that was (`AttestationStore._marked`).
struct AttestedAgent {
    AttestationStatus status;
    bool marked;
    bool heard;
    uint256 targetStrikes;
    uint256 verifierStrikes;
    uint256 expiresAtBlock;
    uint256 voucher;
    uint256 place;
    uint256 passedAtBlock;
    uint256 enrolment;
    uint256 lastRound;
    uint256 consulted;
    uint256 ordinal;
    uint256 lastRecord;
    bool late;
}

/// @notice Verdicts on one target in one round that are on chain and wait for others, in one slot. A seat's result is two
/// bits, an AttestationResult; 0 = none yet.
///
///   bits   0 –  31  panel            by the order in which they are drawn, of those fit to verify
///   bits  32 –  41  fresh            the verifiers that judge a quarantine; a seat of the service's stands behind theirs
///   bits  42 –  46  passedOver       panel seats that were closed when the quarantine began
struct Hearing {
    uint256 panel;
    uint256 fresh;
    uint256 passedOver;
}

/// @notice The round that is open, and the count of records, which every verdict moves as well.
///
///   bits   0 –   7  phase
///   bits   8 –  31  round
///   bits  32 –  55  size
///   bits  56 –  79  settled
///   bits  80 – 111  recordCount
///   bits 112 – 151  from             opened: block whose hash is drawn. Drawn: absent verifiers may be passed over
///   bits 152 – 191  until            opened: last block to draw in. Drawn: last block before the round may be closed
///   bits 192 – 215  trustLength      for how many blocks a pass of this round counts
///   bits 216 – 231  sizeRoot         ⌈√size⌉, which every verdict needs (AttestationSchedule)
struct RoundClock {
    RoundPhase phase;
    uint256 round;
    uint256 size;
    uint256 settled;
    uint256 recordCount;
    uint256 from;
    uint256 until;
    uint256 trustLength;
    uint256 sizeRoot;
}

/// @notice One line of the history, for good, in one slot.
///
///   bits   0 –  23  enrolment        whom it is about
///   bits  24 –  31  kind
///   bits  32 –  39  status           of the agent from here on, before expiry and lineage are looked at
///   bits  40 –  79  blockNumber
///   bits  80 – 119  expiresAtBlock   first block in which trust is over; 0 unless the status is Trusted
///   bits 120 – 143  round            0 = outside of the rounds
///   bits 144 – 151  passes
///   bits 152 – 159  fails
///   bits 160 – 167  timeouts
///   bits 168 – 191  voucher          enrolment that alone vouches; 0 = several do, or the service
///   bits 192 – 223  previous         index of the agent's record before; 0 = none
///   bits 224 – 255  skip             index of an earlier one, for searches; 0 = none
struct AttestationRecord {
    uint256 enrolment;
    RecordKind kind;
    AttestationStatus status;
    uint256 blockNumber;
    uint256 expiresAtBlock;
    uint256 round;
    uint256 passes;
    uint256 fails;
    uint256 timeouts;
    uint256 voucher;
    uint256 previous;
    uint256 skip;
}

/// @title Packing and unpacking of the slots above, and of records
/// @dev One SLOAD and one SSTORE each. A field that outgrows its bits would spill into its neighbours, so the counters are
/// checked where they are raised; 24 bits of enrolments or rounds are 16.7 million.
library AttestationWords {
    error CounterFull(uint256 value, uint256 limit);

    function raised(uint256 counter, uint256 bits) internal pure returns (uint256 value) {
        value = counter + 1;
        if (value >> bits != 0) revert CounterFull(value, (1 << bits) - 1);
    }

    function unpackAgent(uint256 word) internal pure returns (AttestedAgent memory agent) {
        agent.status = AttestationStatus(word & 0xf);
        agent.marked = word & 0x10 != 0;
        agent.heard = word & 0x20 != 0;
        agent.targetStrikes = (word >> 8) & 0xf;
        agent.verifierStrikes = (word >> 12) & 0xf;
        agent.expiresAtBlock = uint40(word >> 16);
        agent.voucher = uint24(word >> 56);
        agent.place = uint24(word >> 80);
        agent.passedAtBlock = uint40(word >> 104);
        agent.enrolment = uint24(word >> 144);
        agent.lastRound = uint24(word >> 168);
        agent.consulted = uint8(word >> 192);
        agent.ordinal = uint24(word >> 200);
        agent.lastRecord = word >> 224;
    }

    function packAgent(AttestedAgent memory agent) internal pure returns (uint256 word) {
        word = uint256(agent.status) | (agent.targetStrikes << 8) | (agent.verifierStrikes << 12);
        word |= (agent.expiresAtBlock << 16) | (agent.voucher << 56) | (agent.place << 80);
        word |= (agent.passedAtBlock << 104) | (agent.enrolment << 144) | (agent.lastRound << 168);
        word |= (agent.consulted << 192) | (agent.ordinal << 200) | (agent.lastRecord << 224);
        if (agent.marked) word |= 0x10;
        if (agent.heard) word |= 0x20;
    }

    function unpackHearing(uint256 word) internal pure returns (Hearing memory) {
        return Hearing(uint32(word), (word >> 32) & 0x3ff, (word >> 42) & 0x1f);
    }

    function packHearing(Hearing memory hearing) internal pure returns (uint256) {
        return hearing.panel | (hearing.fresh << 32) | (hearing.passedOver << 42);
    }

    function unpackClock(uint256 word) internal pure returns (RoundClock memory clock) {
        clock.phase = RoundPhase(word & 0xff);
        clock.round = uint24(word >> 8);
        clock.size = uint24(word >> 32);
        clock.settled = uint24(word >> 56);
        clock.recordCount = uint32(word >> 80);
        clock.from = uint40(word >> 112);
        clock.until = uint40(word >> 152);
        clock.trustLength = uint24(word >> 192);
        clock.sizeRoot = uint16(word >> 216);
    }

    function packClock(RoundClock memory clock) internal pure returns (uint256 word) {
        word = uint256(clock.phase) | (clock.round << 8) | (clock.size << 32) | (clock.settled << 56);
        word |= (clock.recordCount << 80) | (clock.from << 112) | (clock.until << 152) | (clock.trustLength << 192);
        word |= clock.sizeRoot << 216;
    }

    function packRecord(AttestationRecord memory record) internal pure returns (uint256 word) {
        word = record.enrolment | (uint256(record.kind) << 24) | (uint256(record.status) << 32);
        word |= (record.blockNumber << 40) | (record.expiresAtBlock << 80) | (record.round << 120);
        word |= (record.passes << 144) | (record.fails << 152) | (record.timeouts << 160) | (record.voucher << 168);
        word |= (record.previous << 192) | (record.skip << 224);
    }

    function unpackRecord(uint256 word) internal pure returns (AttestationRecord memory record) {
        record.enrolment = uint24(word);
        record.kind = RecordKind(uint8(word >> 24));
        record.status = recordStatus(word);
        record.blockNumber = recordBlock(word);
        record.expiresAtBlock = uint40(word >> 80);
        record.round = uint24(word >> 120);
        record.passes = uint8(word >> 144);
        record.fails = uint8(word >> 152);
        record.timeouts = uint8(word >> 160);
        record.voucher = uint24(word >> 168);
        record.previous = recordPrevious(word);
        record.skip = recordSkip(word);
    }

    function recordBlock(uint256 word) internal pure returns (uint256) {
        return uint40(word >> 40);
    }

    function recordStatus(uint256 word) internal pure returns (AttestationStatus) {
        return AttestationStatus(uint8(word >> 32));
    }

    function recordPrevious(uint256 word) internal pure returns (uint256) {
        return uint32(word >> 192);
    }

    function recordSkip(uint256 word) internal pure returns (uint256) {
        return word >> 224;
    }
}
