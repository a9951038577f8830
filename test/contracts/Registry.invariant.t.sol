// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistry} from "../../contracts/AgentRegistry.sol";
import {PolicyRegistry} from "../../contracts/PolicyRegistry.sol";
import {AgentState, SigningKey} from "../../contracts/interfaces/IAgentRegistry.sol";
import {Assert} from "./support/Assert.sol";
import {RegistryNotes} from "./support/RegistryNotes.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

/// @dev Sends every write for any of three agents, well or badly formed; half of the time from the account that is
/// entitled to it, else from any of five. Each is an agent, an owner and a guardian of others at times. What must hold is
/// noted while it happens.
contract RegistryHandler is Assert, RegistryNotes {
    bytes32 private constant COMMIT = keccak256(
        "Commit(address agent,bytes32 policyHash,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant SET_ATTRIBUTE = keccak256(
        "SetAttribute(address agent,bytes32 name,bytes value,uint256 validitySec,uint256 nonce,uint256 deadline)"
    );

    AgentRegistry private immutable AGENTS;
    PolicyRegistry private immutable POLICIES;
    address[5] public accounts;
    mapping(address account => uint256) private keyOf;

    uint256 public accepted;
    /// Writes that went through although the sender was not entitled to them.
    uint256 public trespasses;
    /// State of an agent when it ended.
    mapping(address agent => bytes32) public stateAtEnd;
    /// Running hash of all policy versions seen of an agent, and how many.
    mapping(address agent => bytes32) public history;
    mapping(address agent => uint256) public versions;
    /// Signed requests that were accepted.
    bytes[] private carried;
    address[] private carriedTo;
    uint256 public acceptedTwice;

    constructor(AgentRegistry agents, PolicyRegistry policies) {
        AGENTS = agents;
        POLICIES = policies;
        for (uint256 i = 0; i < accounts.length; ++i) {
            accounts[i] = vm.addr(0xA1 + i);
            keyOf[accounts[i]] = 0xA1 + i;
        }
    }

    function roll(uint16 blocks) external {
        vm.roll(block.number + 1 + (blocks % 400));
        vm.warp(block.timestamp + 12);
    }

    function register(uint8 who, bytes32 seed) public {
        address sender = _account(who);
        address owner = AGENTS.identityOwner(sender);
        if (_send(sender, owner, address(AGENTS), abi.encodeCall(AGENTS.register, (_key(seed))))) {
            _noteKey(sender, _key(seed));
        }
    }

    function addSigningKey(uint8 who, uint8 whose, bytes32 seed) public {
        address agent = _agent(whose);
        if (_byOwner(who, whose, abi.encodeCall(AGENTS.addSigningKey, (agent, _key(seed))))) {
            _noteKey(agent, _key(seed));
        }
    }

    /// @dev The blocks of the first two keys are stored in one slot, those of the next three in another, and so on.
    function addManySigningKeys(uint8 whose, uint8 seed) external {
        if (AGENTS.signingKeyCount(_agent(whose)) == 0) register(whose % 3, bytes32(uint256(seed)));
        for (uint256 i = 1; i < 9; ++i) addSigningKey(type(uint8).max, whose, bytes32(uint256(seed) + i));
    }

    function rotateSigningKey(uint8 who, uint8 whose, uint8 index, bytes32 seed) external {
        address agent = _agent(whose);
        bytes32 key = _existingKey(agent, index);
        if (_byOwner(who, whose, abi.encodeCall(AGENTS.rotateSigningKey, (agent, key, _key(seed))))) {
            _noteRevoked(agent, key);
            _noteKey(agent, _key(seed));
        }
    }

    function revokeSigningKey(uint8 who, uint8 whose, uint8 index) external {
        address agent = _agent(whose);
        bytes32 key = _existingKey(agent, index);
        if (_byOwner(who, whose, abi.encodeCall(AGENTS.revokeSigningKey, (agent, key)))) _noteRevoked(agent, key);
    }

    function setAttribute(uint8 who, uint8 whose, bytes32 name, bytes calldata value, uint64 validity) external {
        _byOwner(who, whose, abi.encodeCall(AGENTS.setAttribute, (_agent(whose), name, value, validity)));
    }

    function addDelegate(uint8 who, uint8 whose, uint8 delegate, uint32 validity) external {
        bytes memory call = abi.encodeCall(
            AGENTS.addDelegate,
            (_agent(whose), "veriKey", _account(delegate), validity)
        );
        _byOwner(who, whose, call);
    }

    function setCard(uint8 who, uint8 whose, string calldata uri, bytes32 hash, uint8 size) external {
        bytes32[] memory capabilities = new bytes32[](size % 18);
        _byOwner(who, whose, abi.encodeCall(AGENTS.setCard, (_agent(whose), uri, hash, capabilities)));
    }

    function changeOwner(uint8 who, uint8 whose, uint8 newOwner) external {
        address next = newOwner % 16 == 15 ? address(0) : _account(newOwner);
        _byOwner(who, whose, abi.encodeCall(AGENTS.changeOwner, (_agent(whose), next)));
        _noteEnd(_agent(whose));
    }

    function acceptOwner(uint8 who, uint8 whose) external {
        address agent = _agent(whose);
        address pending = AGENTS.resolve(agent).pendingOwner;
        bytes memory call = abi.encodeCall(AGENTS.acceptOwner, (agent));
        if (!_send(_sender(who, pending), pending, address(AGENTS), call)) return;
        if (guardiansOf[agent].threshold != 0) _noteGuardians(agent, address(0), address(0), 0);
    }

    function setGuardians(uint8 who, uint8 whose, uint8 first, uint8 threshold) public {
        address a = _account(first);
        address b = _account(first % 5 == 4 ? 0 : (first % 5) + 1);
        address[] memory guardians = new address[](2);
        (guardians[0], guardians[1]) = a < b ? (a, b) : (b, a);
        uint256 enough = 1 + (threshold % 2);
        bytes memory call = abi.encodeCall(AGENTS.setGuardians, (_agent(whose), guardians, enough, DELAY_BLOCKS));
        if (_byOwner(who, whose, call)) _noteGuardians(_agent(whose), a, b, enough);
    }

    /// @dev A recovery from beginning to end, with more or less of the timelock waited for.
    function recover(uint8 who, uint8 whose, uint8 first, uint8 newOwner, uint16 blocks) external {
        setGuardians(type(uint8).max, whose, first, 1);
        approveRecovery(128, whose, newOwner);
        approveRecovery(129, whose, newOwner);
        vm.roll(block.number + (blocks % (2 * DELAY_BLOCKS)));
        executeRecovery(who, whose);
    }

    function approveRecovery(uint8 who, uint8 whose, uint8 newOwner) public {
        address agent = _agent(whose);
        address[] memory guardians = AGENTS.resolve(agent).guardians;
        address sender = _sender(who, guardians.length == 0 ? address(0) : guardians[who % guardians.length]);
        bool entitled = false;
        for (uint256 i = 0; i < guardians.length; ++i) if (guardians[i] == sender) entitled = true;
        address next = newOwner % 8 == 7 ? address(0) : _account(newOwner);
        bytes memory call = abi.encodeCall(AGENTS.approveRecovery, (agent, next));
        if (_send(sender, entitled ? sender : address(0), address(AGENTS), call)) _noteApproval(agent, sender, next);
    }

    function vetoRecovery(uint8 who, uint8 whose) external {
        address agent = _agent(whose);
        if (_byOwner(who, whose, abi.encodeCall(AGENTS.vetoRecovery, (agent)))) _noteApprovalsVoid(agent);
    }

    /// @dev Only the account that was agreed on, and in time.
    function executeRecovery(uint8 who, uint8 whose) public {
        address agent = _agent(whose);
        Guardians memory noted = guardiansOf[agent];
        bool due =
            noted.agreedOn != address(0) &&
                block.number >= noted.readyAtBlock &&
                _approvalsOf(agent, noted.agreedOn) >= noted.threshold;
        address sender = _sender(who, noted.agreedOn);
        bytes memory call = abi.encodeCall(AGENTS.executeRecovery, (agent));
        if (_send(sender, due ? noted.agreedOn : address(0), address(AGENTS), call)) {
            if (AGENTS.identityOwner(agent) != noted.agreedOn) ++trespasses;
            _noteApprovalsVoid(agent);
        }
    }

    /// @dev Seldom: nothing happens to an agent after.
    function deactivate(uint8 who, uint8 whose, uint8 successor, uint8 chance) external {
        if (chance % 8 != 0) return;
        address agent = _agent(whose);
        _byOwner(who, whose, abi.encodeCall(AGENTS.deactivate, (agent, _account(successor))));
        _noteEnd(agent);
    }

    function commit(uint8 who, uint8 whose, bytes32 hash) external {
        address agent = _agent(whose);
        bytes memory call = abi.encodeCall(POLICIES.commit, (agent, hash));
        address owner = AGENTS.activeOwner(agent);
        if (_send(_sender(who, owner), owner, address(POLICIES), call)) _noteVersion(agent, hash);
    }

    function commitSigned(uint8 who, uint8 whose, bytes32 hash, uint8 key) external {
        address agent = _agent(whose);
        address owner = AGENTS.activeOwner(agent);
        address signer = _sender(who, owner);
        uint256 nonce = POLICIES.nonces(agent, key % 2);
        bytes32 structHash = keccak256(abi.encode(COMMIT, agent, hash, nonce, type(uint256).max));
        bytes memory signature = _sign(signer, address(POLICIES), "Affiant PolicyRegistry", structHash);
        bytes memory call = abi.encodeCall(POLICIES.commitSigned, (agent, hash, nonce, type(uint256).max, signature));
        if (!_send(signer, owner, address(POLICIES), call)) return;
        _noteVersion(agent, hash);
        _noteCarried(address(POLICIES), call);
    }

    function setAttributeSigned(uint8 who, uint8 whose, uint8 key) external {
        address agent = _agent(whose);
        address owner = AGENTS.identityOwner(agent);
        address signer = _sender(who, owner);
        uint256 nonce = AGENTS.nonces(agent, key % 2);
        bytes32 structHash = keccak256(
            abi.encode(SET_ATTRIBUTE, agent, bytes32("did/svc/X"), keccak256(""), 60, nonce, type(uint256).max)
        );
        bytes memory signature = _sign(signer, address(AGENTS), "Affiant AgentRegistry", structHash);
        bytes memory call = abi.encodeCall(
            AGENTS.setAttributeSigned,
            (agent, "did/svc/X", "", 60, nonce, type(uint256).max, signature)
        );
        if (_send(signer, owner, address(AGENTS), call)) _noteCarried(address(AGENTS), call);
    }

    /// @dev Whoever saw a request may send it again.
    function replay(uint8 who, uint256 which) external {
        if (carried.length == 0) return;
        which = which % carried.length;
        vm.prank(_account(who));
        (bool success, ) = carriedTo[which].call(carried[which]);
        if (success) ++acceptedTwice;
    }

    function _byOwner(uint8 who, uint8 whose, bytes memory call) private returns (bool) {
        address owner = AGENTS.identityOwner(_agent(whose));
        return _send(_sender(who, owner), owner, address(AGENTS), call);
    }

    function _send(address sender, address entitled, address target, bytes memory call) private returns (bool success) {
        vm.prank(sender);
        (success, ) = target.call(call);
        if (!success) return false;
        ++accepted;
        if (sender != entitled) ++trespasses;
    }

    /// @dev Half of the time the account that is entitled.
    function _sender(uint8 who, address entitled) private view returns (address) {
        return who >= 128 && entitled != address(0) ? entitled : _account(who);
    }

    function _noteEnd(address agent) private {
        if (AGENTS.identityOwner(agent) == address(0) && stateAtEnd[agent] == 0) {
            stateAtEnd[agent] = keccak256(abi.encode(AGENTS.resolve(agent)));
            endedAt[agent] = block.number;
        }
    }

    function _existingKey(address agent, uint8 index) private view returns (bytes32) {
        uint256 count = AGENTS.signingKeyCount(agent);
        return AGENTS.signingKeyAt(agent, count == 0 ? 0 : index % count).key;
    }

    function _noteCarried(address target, bytes memory call) private {
        carried.push(call);
        carriedTo.push(target);
    }

    function _noteVersion(address agent, bytes32 hash) private {
        history[agent] = keccak256(abi.encode(history[agent], hash, block.number));
        ++versions[agent];
    }

    function _agent(uint256 index) private view returns (address) {
        return accounts[index % 3];
    }

    function _account(uint256 index) private view returns (address) {
        return accounts[index % accounts.length];
    }

    /// @dev Few keys, so that the same one comes again.
    function _key(bytes32 seed) private pure returns (bytes32) {
        return bytes32((uint256(seed) % 12) << 240);
    }

    function _sign(
        address signer,
        address registry,
        string memory name,
        bytes32 structHash
    ) private view returns (bytes memory) {
        bytes32 domainType = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        bytes32 domain = keccak256(
            abi.encode(domainType, keccak256(bytes(name)), keccak256("2"), block.chainid, registry)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[signer], digest);
        return abi.encodePacked(r, s, v);
    }
}

contract RegistryInvariantTest is RegistryTest {
    RegistryHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new RegistryHandler(agents, policies);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_onlyTheEntitledWrite() public view {
        assertEq(handler.trespasses(), 0);
    }

    function invariant_aDeactivatedAgentNeverChanges() public view {
        for (uint256 i = 0; i < 5; ++i) {
            address account = handler.accounts(i);
            bytes32 atEnd = handler.stateAtEnd(account);
            if (atEnd != 0) assertEq(keccak256(abi.encode(agents.resolve(account))), atEnd);
        }
    }

    function invariant_policyHistoryOnlyGrows() public view {
        for (uint256 i = 0; i < 5; ++i) {
            address account = handler.accounts(i);
            uint256 count = policies.versionCount(account);
            assertEq(count, handler.versions(account));
            bytes32 running = 0;
            uint256 last = 0;
            for (uint256 version = 1; version <= count; ++version) {
                (bytes32 hash, uint256 since) = policies.versionAt(account, version);
                assertTrue(since >= last);
                (running, last) = (keccak256(abi.encode(running, hash, since)), since);
            }
            assertEq(running, handler.history(account));
        }
    }

    function invariant_aRequestIsAcceptedOnce() public view {
        assertEq(handler.acceptedTwice(), 0);
    }

    function invariant_keysAreThoseThatWereWritten() public view {
        for (uint256 i = 0; i < 5; ++i) {
            address account = handler.accounts(i);
            SigningKey[] memory keys = handler.windowsOf(account);
            assertEq(keccak256(abi.encode(agents.resolve(account).signingKeys)), keccak256(abi.encode(keys)));
            for (uint256 k = 0; k < keys.length; ++k) {
                assertFalse(agents.signingKeyValidAt(account, keys[k].key, keys[k].addedAtBlock - 1));
                _assertValidity(account, keys[k], keys[k].addedAtBlock);
                _assertValidity(account, keys[k], block.number + 1);
                if (keys[k].revokedAtBlock == 0) continue;
                _assertValidity(account, keys[k], keys[k].revokedAtBlock - 1);
                _assertValidity(account, keys[k], keys[k].revokedAtBlock);
            }
        }
    }

    function _assertValidity(address account, SigningKey memory key, uint256 blockNumber) private view {
        uint256 end = handler.endedAt(account);
        bool valid =
            key.addedAtBlock <= blockNumber &&
                (key.revokedAtBlock == 0 || blockNumber < key.revokedAtBlock) &&
                (end == 0 || blockNumber < end);
        assertEq(agents.signingKeyValidAt(account, key.key, blockNumber) ? 1 : 0, valid ? 1 : 0);
    }

    function invariant_recoveryIsWhatTheGuardiansAgreedOn() public view {
        for (uint256 i = 0; i < 5; ++i) {
            address account = handler.accounts(i);
            (, , , , address agreedOn, uint256 readyAtBlock) = handler.guardiansOf(account);
            AgentState memory state = agents.resolve(account);
            assertEq(state.recoveryOwner, agreedOn);
            assertEq(state.recoveryReadyAtBlock, readyAtBlock);
        }
    }
}
