// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

import {GovernedRegistry} from "../base/GovernedRegistry.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {
    AttestationStatus,
    Enrolment,
    IAttestationEvents,
    IAttestationOpening,
    RecordKind,
    Round,
    RoundPhase,
    RoundSchedule
} from "../interfaces/IAttestationRegistry.sol";
import {AttestationRecord, AttestationWords, AttestedAgent, RoundClock} from "../types/AttestationWords.sol";

/// @dev Of an enrolment: when its agent was convicted, or left or stayed in quarantine, and last verified before. Whom it
/// alone vouched for in between is suspect. Kept by enrolment, because the agent may be enrolled anew while the others are
/// still suspect; never written twice, because what was true at a block stays true.
struct Conviction {
    uint40 passedAtBlock;
    uint40 convictedAtBlock;
}

/// @dev Of an agent to which it happened at all; most have none.
/// @param struckInRound last round in which it was struck as a verifier.
/// @param losses how often it became trusted again after it was not.
struct AgentMarks {
    uint24 struckInRound;
    uint40 losses;
}

/// @dev What verifiers said about one target.
/// @param voucher the last agent that passed it.
/// @param verdicts as the event shows them.
struct Tally {
    uint256 passes;
    uint256 fails;
    uint256 timeouts;
    address voucher;
    uint256 heard;
    bytes32[] verdicts;
}

/// @title Storage of the attestation registry, the records, and who may write
abstract contract AttestationStore is IAttestationEvents, GovernedRegistry {
    /// @custom:storage-location erc7201:affiant.storage.AttestationRegistry
    struct AttestationRegistryStorage {
        mapping(address agent => uint256 word) agents;
        mapping(uint256 index => uint256 word) records;
        mapping(uint256 round => Round) rounds;
        mapping(uint256 id => Enrolment) enrolments;
        mapping(uint256 id => Conviction) convictions;
        mapping(address service => uint256) voidCounts;
        /// Agent in the low 160 bits, then 88 bits of its operator, then whether it may verify without a further look:
        /// one read tells all that a verdict has to know of a verifier in good standing.
        uint256[] roster;
        address[] departures;
        uint256 clock;
        bytes32 rotHead;
        uint24 enrolmentCount;
        address lastIntroduced;
        RoundSchedule schedule;
        /// Of an enrolment, after the first one: `convictions`.
        mapping(uint256 id => Conviction[]) laterDoubts;
        mapping(address agent => AgentMarks) marks;
        mapping(uint256 round => mapping(address target => uint256 word)) hearings;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.AttestationRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ATTESTATION_REGISTRY_STORAGE =
        0xc11359bd58cab5412c6366db3b9d6bc66423b4a88c66d69754dec5424774fe00;

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    /// @dev Says who owns an agent. Part of the code, as it is read for every verdict; an upgrade that changes it shows.
    address internal immutable AGENT_REGISTRY;

    /// @dev Of a roster entry: fit to verify when the round was opened, without a look at its record: trusted (or expired),
    /// vouched for by several or the service, without strikes.
    uint256 internal constant PLAIN = 1 << 255;

    constructor(address agentRegistry_) {
        AGENT_REGISTRY = agentRegistry_;
    }

    function _agent(address agent) internal view returns (AttestedAgent memory) {
        return AttestationWords.unpackAgent(_store().agents[agent]);
    }

    function _save(address agent, AttestedAgent memory a) internal {
        _store().agents[agent] = AttestationWords.packAgent(a);
        if (a.place == 0) return;
        uint256 entry = _entryAt(a.place - 1);
        uint256 marked = _marked(entry, a);
        if (marked != entry) _store().roster[a.place - 1] = marked;
    }

    /// @dev Without a look at the roster's length, which would be one more slot to read: for places that are known to be
    /// in it.
    function _entryAt(uint256 place) internal view returns (uint256) {
        return Arrays.unsafeAccess(_store().roster, place).value;
    }

    /// @dev Who was not fit before may have become so during a round: its record tells what it was at the opening.
    function _marked(uint256 entry, AttestedAgent memory a) internal pure returns (uint256) {
        bool plain = a.status == AttestationStatus.Trusted && a.voucher == 0 && a.verifierStrikes == 0;
        if (!plain) return entry & ~PLAIN;
        return a.late ? entry : entry | PLAIN;
    }

    /// @dev Whether an agent in the roster may verify in the round: by what it was when the round was opened, whatever
    /// became of it since. Expired agents may: else a system that stood still longer than trust lasts could only be
    /// started by the service, one agent after the other.
    function _isFit(uint256 entry, uint256 round) internal view returns (bool) {
        if (entry & PLAIN != 0) return true;
        AttestationRegistryStorage storage $ = _store();
        uint256 openedAt = $.rounds[round].openedAtBlock;
        uint256 index = _lastRecordUntil(_agent(address(uint160(entry))).lastRecord, openedAt);
        if (index == 0) return false;
        AttestationStatus status = _statusAt(AttestationWords.unpackRecord($.records[index]), openedAt);
        return status == AttestationStatus.Trusted || status == AttestationStatus.Expired;
    }

    /// @dev What an agent whose last record this is was at the end of a block.
    function _statusAt(AttestationRecord memory record, uint256 atBlock) internal view returns (AttestationStatus) {
        uint256 vouchedAt = record.voucher == 0 ? 0 : _vouchedAt(record);
        return _derived(record.status, record.expiresAtBlock, record.voucher, vouchedAt, atBlock);
    }

    /// @dev A strike leaves trust and voucher as they are: the verification is in a record before it.
    function _vouchedAt(AttestationRecord memory record) private view returns (uint256) {
        while (record.kind == RecordKind.Struck) {
            record = AttestationWords.unpackRecord(_store().records[record.previous]);
        }
        return record.blockNumber;
    }

    function _clock() internal view returns (RoundClock memory) {
        return AttestationWords.unpackClock(_store().clock);
    }

    function _save(RoundClock memory clock) internal {
        _store().clock = AttestationWords.packClock(clock);
    }

    function _isOpen(RoundClock memory clock) internal pure returns (bool) {
        return clock.phase == RoundPhase.Opened || clock.phase == RoundPhase.Drawn;
    }

    function _inPhase(RoundPhase needed) internal view returns (RoundClock memory clock) {
        clock = _clock();
        if (clock.phase != needed) revert WrongPhase(clock.round, clock.phase, needed);
    }

    /// @dev Writes what `a` has become. Changes `a` and the clock, which the caller saves.
    function _record(
        address agent,
        AttestedAgent memory a,
        RoundClock memory clock,
        RecordKind kind,
        uint256 round,
        Tally memory tally
    ) internal {
        AttestationRegistryStorage storage $ = _store();
        uint256 previous = a.lastRecord;
        a.ordinal = AttestationWords.raised(a.ordinal, 24);
        a.lastRecord = clock.recordCount = AttestationWords.raised(clock.recordCount, 32);
        uint256 word = AttestationWords.packRecord(
            AttestationRecord({
                enrolment: a.enrolment,
                kind: kind,
                status: a.status,
                blockNumber: block.number,
                expiresAtBlock: a.expiresAtBlock,
                round: round,
                passes: tally.passes,
                fails: tally.fails,
                timeouts: tally.timeouts,
                voucher: a.voucher,
                previous: previous,
                skip: _skipFrom(previous, a.ordinal)
            })
        );
        $.records[a.lastRecord] = word;
        bytes32 head = _extend(agent, word, tally.verdicts);
        emit AttestationRecorded(agent, round, a.lastRecord, word, tally.verdicts, head);
    }

    function _extend(address agent, uint256 word, bytes32[] memory verdicts) internal returns (bytes32 head) {
        head = keccak256(abi.encode(_store().rotHead, agent, word, _hashOf(verdicts)));
        _store().rotHead = head;
    }

    function _hashOf(bytes32[] memory words) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(words, 0x20), shl(5, mload(words)))
        }
    }

    /// @dev Record number o of an agent points to its record number o & (o − 1): searches take O(log²) steps, and a
    /// pointer is found along the pointers of the record before, in one step on average.
    function _skipFrom(uint256 previous, uint256 ordinal) private view returns (uint256 skip) {
        if (ordinal & (ordinal - 1) == 0) return 0;
        skip = previous;
        for (; ordinal & 1 == 0; ordinal >>= 1) skip = AttestationWords.recordSkip(_store().records[skip]);
    }

    /// @dev The last record of an agent that was written in the block or before; 0 if there is none.
    function _lastRecordUntil(uint256 last, uint256 blockNumber) internal view returns (uint256 index) {
        mapping(uint256 => uint256) storage all = _store().records;
        index = last;
        while (index != 0) {
            uint256 word = all[index];
            if (AttestationWords.recordBlock(word) <= blockNumber) return index;
            uint256 skip = AttestationWords.recordSkip(word);
            bool far = skip != 0 && AttestationWords.recordBlock(all[skip]) > blockNumber;
            index = far ? skip : AttestationWords.recordPrevious(word);
        }
    }

    /// @dev Trust that has run out, or whose only voucher was convicted or doubted after, is none.
    function _derived(
        AttestationStatus status,
        uint256 expiresAtBlock,
        uint256 voucher,
        uint256 vouchedAtBlock,
        uint256 atBlock
    ) internal view returns (AttestationStatus) {
        if (status != AttestationStatus.Trusted) return status;
        if (voucher != 0 && _isDoubted(voucher, vouchedAtBlock, atBlock)) return AttestationStatus.Suspect;
        return atBlock < expiresAtBlock ? AttestationStatus.Trusted : AttestationStatus.Expired;
    }

    function _isDoubted(uint256 id, uint256 vouchedAt, uint256 atBlock) private view returns (bool doubted) {
        Conviction memory doubt = _store().convictions[id];
        if (doubt.convictedAtBlock == 0) return false;
        Conviction[] storage later = _store().laterDoubts[id];
        for (uint256 i = 0; ; ++i) {
            bool during = doubt.passedAtBlock <= vouchedAt && vouchedAt <= doubt.convictedAtBlock;
            if (during && doubt.convictedAtBlock <= atBlock) return true;
            if (vouchedAt <= doubt.convictedAtBlock || i == later.length) return false;
            doubt = later[i];
        }
    }

    /// @dev Whom the agent alone vouched for since it was last verified is suspect from here on. Also under the versions
    /// before, down to the one it was last verified with: it vouched in their name.
    function _doubt(AttestedAgent memory a) internal {
        AttestationRegistryStorage storage $ = _store();
        uint256 id = a.enrolment;
        do {
            Conviction memory doubt = Conviction(uint40(a.passedAtBlock), uint40(block.number));
            Conviction[] storage later = $.laterDoubts[id];
            uint256 last = $.convictions[id].convictedAtBlock;
            if (last == 0) $.convictions[id] = doubt;
            else {
                if (later.length != 0) last = later[later.length - 1].convictedAtBlock;
                // Not verified since, it vouched for nobody new.
                if (a.passedAtBlock >= last) later.push(doubt);
            }
            if ($.enrolments[id].blockNumber <= a.passedAtBlock) break;
            id = $.enrolments[id].before;
        } while (id != 0);
    }

    function _derivedNow(AttestedAgent memory a) internal view returns (AttestationStatus) {
        return _derived(a.status, a.expiresAtBlock, a.voucher, a.passedAtBlock, block.number);
    }

    /// @dev Convicted, retired or withdrawn: not drawn any more, from the end of the round on.
    function _isOut(AttestedAgent memory a) internal pure returns (bool) {
        return uint8(a.status) >= uint8(AttestationStatus.Convicted);
    }

    function _isTrusted(address agent, AttestedAgent memory a) internal view returns (bool) {
        return _derivedNow(a) == AttestationStatus.Trusted && _activeOwner(agent) != address(0);
    }

    function _activeOwner(address agent) internal view returns (address) {
        return IAgentRegistry(AGENT_REGISTRY).activeOwner(agent);
    }

    /// @dev Who may introduce the next agent; zero = the service alone.
    function _introducer() internal view returns (address last) {
        last = _store().lastIntroduced;
        if (!_isTrusted(last, _agent(last))) return address(0);
    }

    /// @dev Whether the account holds the role of the attestation service: it may open rounds, at once.
    function _isService(address account) internal view returns (bool immediate) {
        bytes4 selector = IAttestationOpening.openRound.selector;
        (immediate, ) = IAccessManager(authority()).canCall(account, address(this), selector);
    }

    /// @dev The same as `_domainSeparatorV4`, of name and version that are known when this is compiled.
    function _domain() internal view returns (bytes32) {
        bytes32 name = keccak256("Affiant AttestationRegistry");
        return keccak256(abi.encode(DOMAIN_TYPEHASH, name, keccak256("1"), block.chainid, address(this)));
    }

    function _EIP712Name() internal pure override returns (string memory) {
        return "Affiant AttestationRegistry";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "1";
    }

    function _store() internal pure returns (AttestationRegistryStorage storage $) {
        assembly {
            $.slot := ATTESTATION_REGISTRY_STORAGE
        }
    }
}
