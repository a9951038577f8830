// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {AttestationRegistry} from "../../contracts/AttestationRegistry.sol";
import {AttestationDesk} from "../../contracts/attestation/AttestationDesk.sol";
import {AttestationRegistryTypes} from "../../contracts/generated/TypeHashes.sol";
import {
    AssuranceTier,
    AttestationResult,
    AttestationStatus,
    EnrolmentConsent,
    IAttestationRegistry,
    Round,
    RoundPhase,
    RoundSchedule,
    SignedVerdict,
    Standing
} from "../../contracts/interfaces/IAttestationRegistry.sol";
import {AttestationRecord, AttestationWords} from "../../contracts/types/AttestationWords.sol";
import {RecordKind} from "../../contracts/interfaces/IAttestationRegistry.sol";
import {Assert} from "./support/Assert.sol";
import {OwnersStub} from "./support/OwnersStub.sol";

/// @dev Holds rounds among thirteen agents with verdicts of every kind, well and badly put together, and notes what must
/// never change while it happens.
contract AttestationHandler is Assert {
    struct Sample {
        address agent;
        uint256 blockNumber;
        AttestationStatus status;
    }

    uint256 public constant AGENTS = 13;
    uint256 private constant SERVICE_PK = 0x5EC;
    bytes32 private constant SECRET = keccak256("secret");

    IAttestationRegistry private immutable REGISTRY;
    OwnersStub private immutable OWNERS;
    address public immutable SERVICE = vm.addr(SERVICE_PK);
    address[AGENTS] public agents;
    mapping(address account => uint256) private keyOf;
    /// Whom the verdicts under way are about.
    uint256 private round;
    bytes32 private seed;
    address private target;
    address[] private drawn;
    uint256 private seats;
    /// What is on chain of them.
    uint256 private panel;
    uint256 private heardFresh;
    uint256 private consulted;
    uint256 private passedOver;

    Sample[] private samples;
    /// Running hash of all records seen, and how many.
    bytes32 public history;
    uint256 public seen;
    /// Enrolments under which an agent was convicted.
    mapping(uint256 enrolment => bool) public convicted;
    uint256 public convictions;
    uint256 public acquittals;
    uint256 public passes;
    /// Verdicts that counted although their author was neither drawn nor the service.
    uint256 public trespasses;
    uint256 public undecided;
    /// Results of one agent in one round beyond the first.
    uint256 public secondResults;
    mapping(uint256 round => mapping(address agent => bool)) private hasResult;
    /// Trust that ended otherwise than by a FAIL, three strikes, its own doing, expiry or its only voucher.
    uint256 public unexplainedLosses;
    /// Strikes of one verifier in one round beyond the first.
    uint256 public secondStrikes;
    mapping(address agent => uint256) private strikes;
    mapping(address agent => uint256) private struckIn;

    constructor(IAttestationRegistry registry, OwnersStub owners) {
        (REGISTRY, OWNERS) = (registry, owners);
        for (uint256 i = 0; i < AGENTS; ++i) {
            agents[i] = vm.addr(0xA1 + i);
            keyOf[agents[i]] = 0xA1 + i;
        }
        keyOf[SERVICE] = SERVICE_PK;
    }

    function begin() external {
        for (uint256 i = 0; i < AGENTS; ++i) {
            enrol(uint8(i));
            introduce(uint8(i), 0);
        }
    }

    function roll(uint8 blocks) public {
        vm.roll(block.number + 1 + (blocks % 40));
        uint256 past = block.number - 1;
        for (uint256 i = 0; i < 3; ++i) {
            address agent = agents[(uint256(blocks) + 4 * i) % AGENTS];
            if (samples.length < 300) samples.push(Sample(agent, past, REGISTRY.statusAt(agent, past).status));
        }
    }

    function enrol(uint8 who) public {
        address agent = _agent(who);
        EnrolmentConsent memory consent = _consent(agent);
        vm.prank(SERVICE);
        try
            REGISTRY.enrol(
                agent,
                keccak256(abi.encode(agent, seen)),
                address(uint160(1 + (who % 5))),
                AssuranceTier.Software,
                consent
            )
        {} catch {}
        _note();
    }

    function introduce(uint8 who, uint8 mood) public {
        address agent = _agent(who);
        (uint256 count, ) = REGISTRY.recordsOf(agent);
        AttestationResult result = _resultOf(mood, 0);
        bytes32 tie = result == AttestationResult.Pass ? bytes32(0) : bytes32(count);
        SignedVerdict memory verdict = _sign(0, tie, agent, SERVICE, result);
        try REGISTRY.introduce(agent, verdict) {} catch {}
        _note();
    }

    function open() public {
        vm.prank(SERVICE);
        try REGISTRY.openRound(keccak256(abi.encode(SECRET))) {
            vm.roll(block.number + 5);
        } catch {}
    }

    function draw() public {
        try REGISTRY.drawRound(SECRET) {} catch {}
    }

    function end() external {
        try REGISTRY.closeRound() {} catch {}
        try REGISTRY.voidRound() {} catch {}
        _note();
    }

    function retire(uint8 who) external {
        if (who % 8 != 0) return;
        vm.prank(SERVICE);
        try REGISTRY.retire(_agent(who)) {} catch {}
        _note();
    }

    function withdraw(uint8 who) external {
        if (who % 8 != 1) return;
        address agent = _agent(who / 8);
        vm.prank(agent);
        try REGISTRY.withdraw(agent) {} catch {}
        _note();
    }

    function deactivate(uint8 who) external {
        if (who % 32 != 0) return;
        OWNERS.deactivate(_agent(who / 32));
        try REGISTRY.expel(_agent(who / 32)) {} catch {}
        _note();
    }

    /// @dev A round, if none is open, and verdicts on one target: all pass, one FAIL, all FAIL, time-outs.
    function judge(uint8 who, uint8 mood) external {
        open();
        draw();
        record(who, mood, type(uint8).max, 0);
    }

    /// @param position if it is in the list, the verdict there is replaced by one of `author`, properly signed.
    function record(uint8 who, uint8 mood, uint8 position, uint8 author) public {
        if (!_turnTo(_agent(who))) return;
        Standing memory before = REGISTRY.statusOf(target);
        bool escalated = before.status == AttestationStatus.Quarantined && before.round == round;
        SignedVerdict[] memory verdicts = escalated ? _fresh(mood) : _panel(mood);
        if (position < verdicts.length) {
            address other = author % 2 == 0 ? _agent(author) : vm.addr(0xBAD);
            if (keyOf[other] == 0) keyOf[other] = 0xBAD;
            verdicts[position] = _sign(round, seed, target, other, verdicts[position].result);
        }
        try REGISTRY.recordVerdicts(round, target, verdicts) {
            for (uint256 i = 0; i < verdicts.length; ++i) {
                if (!_isDrawn(verdicts[i].verifier) && verdicts[i].verifier != SERVICE) ++trespasses;
            }
        } catch {}
        _note();
    }

    function _turnTo(address agent) private returns (bool) {
        round = REGISTRY.currentRound();
        if (round == 0) return false;
        Round memory now_ = REGISTRY.roundAt(round);
        if (now_.phase != RoundPhase.Drawn) return false;
        (seed, target) = (now_.seed, agent);
        try REGISTRY.panelOf(agent) returns (address[] memory verifiers, uint256 count) {
            (drawn, seats) = (verifiers, count);
            (panel, heardFresh, consulted, passedOver) = REGISTRY.hearingOf(agent);
            return true;
        } catch {
            return false;
        }
    }

    function sampleCount() external view returns (uint256) {
        return samples.length;
    }

    function sampleAt(uint256 i) external view returns (Sample memory) {
        return samples[i];
    }

    /// @dev As the contract calls: three further ones for a TIMEOUT, two for a seat that is closed; one FAIL is enough. Every
    /// eighth mood leaves one out.
    function _panel(uint8 mood) private view returns (SignedVerdict[] memory verdicts) {
        verdicts = new SignedVerdict[](drawn.length + 1);
        uint256 silentFrom = REGISTRY.roundAt(round).silentFrom;
        (uint256 count, uint256 called, bool failed) = (0, seats, false);
        uint256 closed = block.number >= silentFrom ? seats : 0;
        for (uint256 i = 0; i < called && i < drawn.length && !failed; ++i) {
            uint256 known = (panel >> (2 * i)) & 3;
            if (known == 3) called += 3;
            if (known != 0) continue;
            if (i < closed) {
                called += 2;
                continue;
            }
            if (mood % 8 == 7 && i == 1) continue;
            AttestationResult result = _resultOf(mood, i);
            verdicts[count++] = _sign(round, seed, target, drawn[i], result);
            failed = result == AttestationResult.Fail;
            if (result == AttestationResult.Timeout) called += 3;
        }
        if (!failed && called > drawn.length)
            verdicts[count++] = _sign(round, seed, target, SERVICE, _resultOf(mood, 0));
        _cut(verdicts, count);
    }

    /// @dev Every other mood agrees; the rest do not come to agree, or say nothing.
    function _fresh(uint8 mood) private view returns (SignedVerdict[] memory verdicts) {
        verdicts = new SignedVerdict[](6);
        uint256 count = 0;
        uint256 seat = 0;
        if (mood % 8 != 7) {
            for (uint256 i = consulted; i < drawn.length && seat < 5; ++i)
                seat = _freshSeat(verdicts, count, seat, i, mood);
            count = seat;
            if (seat < 5) verdicts[count++] = _sign(round, seed, target, SERVICE, _freshResult(mood, seat));
        }
        _cut(verdicts, count);
    }

    function _freshSeat(
        SignedVerdict[] memory verdicts,
        uint256,
        uint256 seat,
        uint256 i,
        uint8 mood
    ) private view returns (uint256) {
        if ((heardFresh >> (2 * seat)) & 3 == 0)
            verdicts[seat] = _sign(round, seed, target, drawn[i], _freshResult(mood, seat));
        return seat + 1;
    }

    function _freshResult(uint8 mood, uint256 seat) private pure returns (AttestationResult) {
        if (mood % 4 == 0) return AttestationResult.Pass;
        if (mood % 4 == 3) return AttestationResult(1 + (seat % 3));
        return AttestationResult.Fail;
    }

    function _resultOf(uint8 mood, uint256 i) private pure returns (AttestationResult) {
        if (mood % 4 == 0) return AttestationResult.Pass;
        if (mood % 4 == 1) return i == 1 ? AttestationResult.Fail : AttestationResult.Pass;
        if (mood % 4 == 2) return AttestationResult.Fail;
        return ((mood >> 2) >> i) & 1 == 1 ? AttestationResult.Timeout : AttestationResult.Pass;
    }

    /// @dev Records that are new since the last look.
    function _note() private {
        uint256 count = REGISTRY.recordCount();
        for (; seen < count; ++seen) {
            uint256 word = REGISTRY.records(seen + 1, 1)[0];
            history = keccak256(abi.encode(history, word));
            AttestationRecord memory record_ = AttestationWords.unpackRecord(word);
            if (record_.kind == RecordKind.Convicted)
                (convicted[record_.enrolment], convictions) = (true, convictions + 1);
            if (record_.kind == RecordKind.Acquitted) ++acquittals;
            if (record_.kind == RecordKind.Passed) ++passes;
            if (record_.kind == RecordKind.Undecided) ++undecided;
            _noteResult(record_);
        }
        _noteStrikes();
    }

    function _noteResult(AttestationRecord memory record_) private {
        address agent = REGISTRY.enrolmentAt(record_.enrolment).agent;
        RecordKind kind = record_.kind;
        bool result = kind == RecordKind.Passed || kind == RecordKind.Struck || kind == RecordKind.Convicted;
        if (result || kind == RecordKind.Acquitted || kind == RecordKind.Undecided) {
            if (hasResult[record_.round][agent]) ++secondResults;
            hasResult[record_.round][agent] = true;
        }
        if (record_.previous == 0 || record_.status == AttestationStatus.Trusted) return;
        AttestationRecord memory before = AttestationWords.unpackRecord(REGISTRY.records(record_.previous, 1)[0]);
        if (before.status != AttestationStatus.Trusted) return;
        bool own = kind == RecordKind.Enrolled || kind == RecordKind.Retired || kind == RecordKind.Withdrawn;
        bool failed = kind == RecordKind.Quarantined && record_.fails != 0;
        if (!own && !failed && kind != RecordKind.Silenced) ++unexplainedLosses;
        // Three strikes as a verifier, in as many rounds, or as a target, which has one result a round.
        if (kind == RecordKind.Silenced && record_.timeouts == 0 && strikes[agent] != 2) ++unexplainedLosses;
    }

    function _noteStrikes() private {
        uint256 current = REGISTRY.currentRound();
        for (uint256 i = 0; i < AGENTS; ++i) {
            (, uint256 asVerifier) = REGISTRY.strikesOf(agents[i]);
            uint256 before = strikes[agents[i]];
            strikes[agents[i]] = asVerifier;
            if (asVerifier <= before) continue;
            if (asVerifier > before + 1 || struckIn[agents[i]] == current) ++secondStrikes;
            struckIn[agents[i]] = current;
        }
    }

    function _sign(
        uint256 round_,
        bytes32 seed_,
        address target_,
        address verifier,
        AttestationResult result
    ) private view returns (SignedVerdict memory) {
        bytes32 domainType = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        bytes32 name = keccak256("Affiant AttestationRegistry");
        bytes32 domain = keccak256(abi.encode(domainType, name, keccak256("1"), block.chainid, address(REGISTRY)));
        bytes32 structHash = keccak256(
            abi.encode(
                AttestationRegistryTypes.VERDICT,
                round_,
                seed_,
                target_,
                REGISTRY.enrolmentOf(target_),
                verifier,
                result,
                uint8(1),
                bytes32(0)
            )
        );
        return
            SignedVerdict(
                verifier,
                result,
                1,
                bytes32(0),
                _signature(keyOf[verifier], keccak256(abi.encodePacked(hex"1901", domain, structHash)))
            );
    }

    function _consent(address agent) private view returns (EnrolmentConsent memory) {
        bytes32 domainType = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        bytes32 name = keccak256("Affiant AttestationRegistry");
        bytes32 domain = keccak256(abi.encode(domainType, name, keccak256("1"), block.chainid, address(REGISTRY)));
        uint256 version = REGISTRY.statusOf(agent).version + 1;
        uint256 deadline = block.timestamp + 1;
        bytes32 structHash = keccak256(
            abi.encode(AttestationRegistryTypes.ENROLMENT_CONSENT, agent, agent, version, deadline)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        return EnrolmentConsent(deadline, _signature(keyOf[agent], digest));
    }

    function _signature(uint256 privateKey, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    function _isDrawn(address one) private view returns (bool) {
        for (uint256 i = 0; i < drawn.length; ++i) if (drawn[i] == one) return true;
        return false;
    }

    function _cut(SignedVerdict[] memory verdicts, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(verdicts, count)
        }
    }

    function _agent(uint256 who) private view returns (address) {
        return agents[who % AGENTS];
    }
}

contract AttestationRegistryInvariantTest is Assert {
    IAttestationRegistry private registry;
    OwnersStub private owners;
    AttestationHandler private handler;

    function setUp() public {
        vm.roll(1000);
        AccessManager manager = new AccessManager(address(this));
        owners = new OwnersStub();
        AttestationDesk desk = new AttestationDesk(address(owners));
        AttestationRegistry implementation = new AttestationRegistry(address(desk), address(owners));
        bytes memory call = abi.encodeCall(
            AttestationRegistry.initialize,
            (address(manager), RoundSchedule(2, 100, 25, 100, 7200, 2))
        );
        registry = IAttestationRegistry(address(new ERC1967Proxy(address(implementation), call)));
        handler = new AttestationHandler(registry, owners);
        // What is restricted is the administrator's unless said otherwise: here also the service's.
        manager.grantRole(0, handler.SERVICE(), 0);
        registry.setSchedule(RoundSchedule(2, 100, 25, 100, 300, 2));
        handler.begin();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev That what the invariants speak of is reached at all.
    function test_theHandlerPassesConvictsAcquitsAndDoesNotDecide() public {
        handler.judge(0, 0);
        handler.judge(1, 2);
        handler.judge(1, 2);
        handler.judge(2, 1);
        handler.judge(2, 0);
        assertEq(handler.passes(), 1);
        assertEq(handler.convictions(), 1);
        assertEq(handler.acquittals(), 1);
        handler.judge(4, 1);
        handler.judge(4, 3);
        assertEq(handler.undecided(), 1);
        handler.judge(4, 3);
        assertEq(handler.undecided(), 1);
        assertEq(registry.roundAt(1).settled, 4);
        handler.record(3, 0, 1, 12);
        handler.record(3, 0, 0, 1);
        assertEq(handler.trespasses(), 0);
    }

    function invariant_historyOnlyGrows() public view {
        assertEq(registry.recordCount(), handler.seen());
        bytes32 running = 0;
        for (uint256 from = 1; from <= handler.seen(); from += 50) {
            uint256[] memory page = registry.records(from, 50);
            for (uint256 i = 0; i < page.length; ++i) running = keccak256(abi.encode(running, page[i]));
        }
        assertEq(running, handler.history());
    }

    function invariant_theConvictedComeBackByANewEnrolmentOnly() public view {
        for (uint256 i = 0; i < handler.AGENTS(); ++i) {
            address agent = handler.agents(i);
            if (!handler.convicted(registry.enrolmentOf(agent))) continue;
            assertFalse(registry.isTrusted(agent));
            AttestationStatus status = registry.statusOf(agent).status;
            assertTrue(
                status == AttestationStatus.Convicted ||
                    status == AttestationStatus.Retired ||
                    status == AttestationStatus.Withdrawn
            );
        }
    }

    function invariant_onlyDrawnVerifiersCount() public view {
        assertEq(handler.trespasses(), 0);
    }

    function invariant_thePastDoesNotChange() public view {
        for (uint256 i = 0; i < handler.sampleCount(); ++i) {
            AttestationHandler.Sample memory sample = handler.sampleAt(i);
            AttestationStatus now_ = registry.statusAt(sample.agent, sample.blockNumber).status;
            assertEq(uint256(now_), uint256(sample.status));
        }
    }

    function invariant_strikesAreBounded() public view {
        for (uint256 i = 0; i < handler.AGENTS(); ++i) {
            (uint256 asTarget, uint256 asVerifier) = registry.strikesOf(handler.agents(i));
            assertTrue(asTarget < registry.MAX_STRIKES() && asVerifier < registry.MAX_STRIKES());
        }
    }

    function invariant_trustIsActiveAndHasNotExpired() public view {
        for (uint256 i = 0; i < handler.AGENTS(); ++i) {
            address agent = handler.agents(i);
            Standing memory standing = registry.statusOf(agent);
            bool trusted = standing.status == AttestationStatus.Trusted && !owners.inactive(agent);
            assertEq(registry.isTrusted(agent) ? 1 : 0, trusted ? 1 : 0);
            if (trusted) assertTrue(block.number < standing.expiresAtBlock);
        }
    }

    function invariant_aRoundSettlesNobodyTwice() public view {
        uint256 number = registry.currentRound();
        if (number == 0) return;
        Round memory round = registry.roundAt(number);
        assertTrue(round.settled <= round.size);
        assertEq(handler.secondResults(), 0);
    }

    function invariant_trustEndsOnlyByFailSilenceOrOwnDoing() public view {
        assertEq(handler.unexplainedLosses(), 0);
    }

    function invariant_oneStrikeAVerifierAndRound() public view {
        assertEq(handler.secondStrikes(), 0);
    }
}
