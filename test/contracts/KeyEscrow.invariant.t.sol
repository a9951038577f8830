// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {KeyEscrow} from "../../contracts/KeyEscrow.sol";
import {
    EpochRecord,
    IKeyEscrow,
    RecoveryRequest,
    RecoveryState,
    TrusteeSet
} from "../../contracts/interfaces/IKeyEscrow.sol";
import {Assert} from "./support/Assert.sol";
import {RegistryTest} from "./support/RegistryTest.sol";
import {TrustStub} from "./support/TrustStub.sol";

/// @dev Publishes, seats, unseats, quarantines, recovers: well and badly formed, by those who may and by others. What must
/// hold for ever is noted while it happens, beside what the contract says.
contract EscrowHandler is Assert {
    bytes32 public constant GROUP = "group";
    uint256 public constant AGENTS = 6;
    uint256 private constant GRACE = 4;
    uint256 private constant TIMELOCK = 3;

    KeyEscrow private immutable ESCROW;
    TrustStub private immutable TRUST;
    address private immutable ADMIN;
    address[AGENTS] public agents;

    /// Epochs as they were published, members by a bitmap over `agents`.
    bytes32[] public commitments;
    uint256[] public holders;
    uint256[] public publishedAt;
    /// Whether a holder lost trust or its seat since.
    bool[] public broken;
    uint256 public seated;
    /// Calls that went through and should not have.
    uint256 public trespasses;
    uint256 public acknowledged;
    bytes32[] public requests;
    /// Approvals that were counted for a request, by different trustees.
    mapping(bytes32 request => uint256) public approvals;
    mapping(bytes32 request => uint256) public approvedAt;
    mapping(bytes32 request => mapping(address trustee => bool)) private approvedBy;
    uint256 public generations;

    constructor(KeyEscrow escrow, TrustStub trust, address admin, address[AGENTS] memory agents_) {
        (ESCROW, TRUST, ADMIN, agents) = (escrow, trust, admin, agents_);
    }

    function roll(uint8 blocks) external {
        vm.roll(block.number + 1 + (blocks % 6));
    }

    function setTrusted(uint8 who, bool value) external {
        TRUST.setTrusted(agents[who % AGENTS], value);
        if (!value) _noteBroken(_bit(who));
    }

    function seat(uint8 who, uint8 by) external {
        address[] memory list = new address[](1);
        list[0] = agents[who % AGENTS];
        if (!_restricted(by, abi.encodeCall(IKeyEscrow.addMembers, (GROUP, list)))) return;
        if (seated & _bit(who) != 0) ++trespasses;
        seated |= _bit(who);
    }

    function unseat(uint8 who, uint8 by) external {
        address[] memory list = new address[](1);
        list[0] = agents[who % AGENTS];
        if (!_restricted(by, abi.encodeCall(IKeyEscrow.removeMembers, (GROUP, list)))) return;
        if (seated & _bit(who) == 0) ++trespasses;
        _noteBroken(_bit(who));
        seated &= ~_bit(who);
    }

    /// @param choice which agents, by bits; half of the time those who may be members alone
    function publish(uint8 choice, uint8 offset, bytes32 commitment, uint8 by) external {
        uint256 members = choice % (1 << AGENTS);
        if (offset % 2 == 0) members &= seated & trusted();
        uint256 epoch = commitments.length + (offset % 8 == 1 ? 2 : 1);
        bytes memory call = abi.encodeCall(
            IKeyEscrow.publishEpoch,
            (GROUP, epoch, keccak256("root"), commitment, _list(members))
        );
        if (!_restricted(by, call)) return;
        bool sound = members != 0 && members & ~(seated & trusted()) == 0 && commitment != 0;
        if (!sound || epoch != commitments.length + 1) ++trespasses;
        commitments.push(commitment);
        holders.push(members);
        publishedAt.push(block.number);
        broken.push(false);
    }

    /// @dev Whoever stops being a member, or loses trust, ends each epoch whose key it was given.
    function _noteBroken(uint256 who) private {
        for (uint256 i = 0; i < holders.length; ++i) if (holders[i] & who != 0) broken[i] = true;
    }

    function acknowledge(uint8 who, uint8 whose, uint8 epochSeed) external {
        if (commitments.length == 0) return;
        uint256 epoch = 1 + (epochSeed % commitments.length);
        address agent = agents[whose % AGENTS];
        bool had = ESCROW.hasAcknowledged(GROUP, epoch, agent);
        vm.prank(agents[who % AGENTS]);
        try ESCROW.acknowledge(agent, GROUP, epoch, commitments[epoch - 1]) {
            bool held = holders[epoch - 1] & _bit(whose) != 0;
            if (had || !held || who % AGENTS != whose % AGENTS) ++trespasses;
            ++acknowledged;
        } catch {}
    }

    function setTrustees(uint8 by, bytes32 key) external {
        address[] memory trustees = new address[](3);
        for (uint256 i = 0; i < 3; ++i) trustees[i] = _trustee(i);
        // Two recovery keys, so that an older epoch is at times within reach of the trustees of today, at times not.
        bytes32 recoveryKey = uint256(key) % 2 == 0 ? bytes32("first") : bytes32("second");
        bytes memory call = abi.encodeCall(
            IKeyEscrow.setTrustees,
            (GROUP, trustees, new bytes32[](2), keccak256("shares"), recoveryKey, 2, TIMELOCK)
        );
        if (_restricted(by, call)) ++generations;
    }

    function request(uint8 who, uint8 whose, uint8 epochSeed, bytes32 key) external {
        if (commitments.length == 0) return;
        uint256 epoch = 1 + (epochSeed % commitments.length);
        address agent = agents[whose % AGENTS];
        vm.prank(agents[who % AGENTS]);
        try ESCROW.requestRecovery(agent, GROUP, epoch, key) returns (bytes32 id) {
            bool entitled = who % AGENTS == whose % AGENTS && seated & trusted() & _bit(whose) != 0;
            if (!entitled || ESCROW.epochOf(GROUP, epoch).generation == 0) ++trespasses;
            requests.push(id);
        } catch {}
    }

    function approve(uint8 who, uint8 which) external {
        if (requests.length == 0) return;
        bytes32 id = requests[which % requests.length];
        address sender = who % 4 == 3 ? agents[0] : _trustee(who % 4);
        vm.prank(sender);
        try ESCROW.approveRecovery(id) {
            if (who % 4 == 3 || approvedBy[id][sender]) ++trespasses;
            approvedBy[id][sender] = true;
            if (++approvals[id] == 2) approvedAt[id] = block.number;
        } catch {}
    }

    function release(uint8 which) external {
        if (requests.length == 0) return;
        bytes32 id = requests[which % requests.length];
        RecoveryRequest memory asked = ESCROW.recoveryOf(id);
        try ESCROW.releaseRecovery(id) {
            bool due = approvals[id] >= 2 && block.number >= approvedAt[id] + TIMELOCK;
            bool entitled = ESCROW.isMember(GROUP, asked.agent) && TRUST.isTrusted(asked.agent);
            if (!due || !entitled || asked.state != RecoveryState.Approved) ++trespasses;
            if (asked.generation != generations) ++trespasses;
        } catch {}
    }

    function veto(uint8 which, uint8 by) external {
        if (requests.length == 0) return;
        bytes32 id = requests[which % requests.length];
        bool released = ESCROW.recoveryOf(id).state == RecoveryState.Released;
        if (_restricted(by, abi.encodeCall(IKeyEscrow.vetoRecovery, (id))) && released) ++trespasses;
    }

    function epochCount() external view returns (uint256) {
        return commitments.length;
    }

    function requestCount() external view returns (uint256) {
        return requests.length;
    }

    function trusted() public view returns (uint256 bits) {
        for (uint256 i = 0; i < AGENTS; ++i) if (TRUST.isTrusted(agents[i])) bits |= 1 << i;
    }

    /// @dev One in four times by somebody who holds no role: such a call must never go through.
    function _restricted(uint8 by, bytes memory call) private returns (bool done) {
        bool allowed = by % 4 != 0;
        vm.prank(allowed ? ADMIN : agents[by % AGENTS]);
        (done, ) = address(ESCROW).call(call);
        if (done && !allowed) ++trespasses;
    }

    function _list(uint256 bits) private view returns (address[] memory list) {
        uint256 count;
        for (uint256 i = 0; i < AGENTS; ++i) if (bits & (1 << i) != 0) ++count;
        list = new address[](count);
        count = 0;
        for (uint256 i = 0; i < AGENTS; ++i) if (bits & (1 << i) != 0) list[count++] = agents[i];
    }

    function _bit(uint8 who) private pure returns (uint256) {
        return 1 << (who % AGENTS);
    }

    function _trustee(uint256 i) private pure returns (address) {
        return address(uint160(0x7000 + i));
    }
}

contract KeyEscrowInvariantTest is RegistryTest {
    KeyEscrow private escrow;
    TrustStub private trust;
    EscrowHandler private handler;

    function setUp() public override {
        super.setUp();
        trust = new TrustStub();
        escrow = KeyEscrow(
            _proxy(
                address(new KeyEscrow()),
                abi.encodeCall(KeyEscrow.initialize, (address(manager), address(trust), address(agents)))
            )
        );
        address[6] memory members;
        for (uint256 i = 0; i < 6; ++i) members[i] = vm.addr(0xE5C + i);
        for (uint256 i = 0; i < 6; ++i) {
            for (uint256 k = i + 1; k < 6; ++k) {
                if (members[k] < members[i]) (members[i], members[k]) = (members[k], members[i]);
            }
            vm.prank(members[i]);
            agents.register(_key(i));
            trust.setTrusted(members[i], true);
        }
        handler = new EscrowHandler(escrow, trust, admin, members);
        escrow.createGroup(handler.GROUP(), "publisher", 4);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_nothingGoesThroughThatMayNot() public view {
        assertEq(handler.trespasses(), 0);
    }

    function invariant_epochsStayAsTheyWerePublished() public view {
        uint256 count = handler.epochCount();
        assertEq(escrow.lastEpoch(handler.GROUP()), count);
        uint256 said;
        for (uint256 epoch = 1; epoch <= count; ++epoch) {
            EpochRecord memory record = escrow.epochOf(handler.GROUP(), epoch);
            assertEq(record.keyCommitment, handler.commitments(epoch - 1));
            assertEq(record.publishedAtBlock, handler.publishedAt(epoch - 1));
            assertEq(_bits(escrow.membersOfEpoch(handler.GROUP(), epoch)), handler.holders(epoch - 1));
            assertTrue(record.acknowledgedCount <= record.memberCount);
            said += record.acknowledgedCount;
        }
        assertEq(said, handler.acknowledged());
    }

    /// @dev In every block: current exactly if all who hold the last key are members and attested, and always were.
    function invariant_anEpochIsCurrentWhileAllItsHoldersAre() public view {
        uint256 count = handler.epochCount();
        bool current = count > 0 && !handler.broken(count - 1);
        assertEq(escrow.isCurrent(handler.GROUP()) ? 1 : 0, current ? 1 : 0);
        bool previous = count > 1 && !handler.broken(count - 2) && block.number <= handler.publishedAt(count - 1) + 4;
        if (count > 1) assertEq(escrow.accepts(handler.GROUP(), count - 1) ? 1 : 0, previous ? 1 : 0);
        if (count > 2) assertFalse(escrow.accepts(handler.GROUP(), count - 2));
        assertEq(_bits(escrow.membersOf(handler.GROUP())), handler.seated());
    }

    function invariant_theEpochOfABlockIsTheLastOneByThen() public view {
        uint256 count = handler.epochCount();
        for (uint256 epoch = 1; epoch <= count; ++epoch) {
            uint256 published = handler.publishedAt(epoch - 1);
            uint256 last = epoch;
            while (last < count && handler.publishedAt(last) == published) ++last;
            assertEq(escrow.epochAt(handler.GROUP(), published), last);
            uint256 before = epoch - 1;
            while (before > 0 && handler.publishedAt(before - 1) == published) --before;
            assertEq(escrow.epochAt(handler.GROUP(), published - 1), before);
        }
    }

    /// @dev Whatever was asked: as many approvals as were given, and none released on fewer than the threshold.
    function invariant_recoveriesHaveTheirApprovals() public view {
        for (uint256 i = 0; i < handler.requestCount(); ++i) {
            bytes32 id = handler.requests(i);
            RecoveryRequest memory asked = escrow.recoveryOf(id);
            assertEq(asked.approvals, handler.approvals(id));
            TrusteeSet memory set = escrow.trusteesOf(asked.group, asked.generation);
            if (asked.state == RecoveryState.Approved || asked.state == RecoveryState.Released) {
                assertTrue(asked.approvals >= set.threshold);
                assertEq(asked.releasableAtBlock, handler.approvedAt(id) + set.timelockBlocks);
            }
        }
    }

    function testFuzz_onlyTheLeafUnderTheRootIsVerified(address member, bytes32 sealedHash, bytes32 sibling) public {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(member, sealedHash))));
        bytes32 root = leaf < sibling ? keccak256(bytes.concat(leaf, sibling)) : keccak256(bytes.concat(sibling, leaf));
        address[] memory list = new address[](1);
        list[0] = handler.agents(0);
        escrow.addMembers(handler.GROUP(), list);
        escrow.publishEpoch(handler.GROUP(), 1, root, "commitment", list);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        bytes32 group = handler.GROUP();
        assertTrue(escrow.verifySealedKey(group, 1, member, sealedHash, proof));
        assertFalse(escrow.verifySealedKey(group, 1, address(uint160(member) ^ 1), sealedHash, proof));
        assertFalse(escrow.verifySealedKey(group, 1, member, sealedHash ^ bytes32(uint256(1)), proof));
        proof[0] = sibling ^ bytes32(uint256(1));
        assertFalse(escrow.verifySealedKey(group, 1, member, sealedHash, proof));
    }

    function _bits(address[] memory list) private view returns (uint256 bits) {
        for (uint256 i = 0; i < list.length; ++i) {
            for (uint256 k = 0; k < 6; ++k) if (handler.agents(k) == list[i]) bits |= 1 << k;
        }
    }
}
