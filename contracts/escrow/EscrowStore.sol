// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {GovernedRegistry} from "../base/GovernedRegistry.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {IKeyEscrow, RecoveryState} from "../interfaces/IKeyEscrow.sol";
import {ITrust} from "../interfaces/ITrust.sol";

/// @title What the parts of KeyEscrow share: its storage, and who may speak for an agent
abstract contract EscrowStore is IKeyEscrow, GovernedRegistry {
    /// @dev An agent keeps its seat when it leaves, so that the bitmaps of old epochs keep their meaning.
    /// @param number seat in the roster + 1; 0 = never a member.
    /// @param absences how often it left.
    struct Seat {
        uint32 number;
        bool active;
        uint32 absences;
    }

    /// @dev The first 48 seats lie in a slot that is written anyway; epochs from before that have them in `seats`.
    /// @param losses what `_breaks` of its members summed up to at publication, modulo 2^32.
    /// @param firstSeats bitmap over the first seats of the roster.
    /// @param seats bitmap over the roster, word after word, without those that stand in `firstSeats`.
    struct Epoch {
        bytes32 membersRoot;
        bytes32 keyCommitment;
        uint48 publishedAtBlock;
        uint32 memberCount;
        uint32 acknowledgedCount;
        uint32 publisherKey;
        uint32 generation;
        uint32 losses;
        uint48 firstSeats;
        mapping(uint256 word => uint256) seats;
        mapping(uint256 word => uint256) acknowledged;
    }

    struct Trustees {
        address[] trustees;
        bytes32 commitmentsHash;
        bytes32 sharesRoot;
        bytes32 recoveryKey;
        uint32 threshold;
        uint48 timelockBlocks;
        uint48 setAtBlock;
    }

    struct Recovery {
        RecoveryState state;
        address agent;
        uint32 generation;
        uint48 releasableAtBlock;
        uint48 epoch;
        uint32 approvals;
        bytes32 group;
        bytes32 recipientKey;
        mapping(address trustee => bool) approved;
    }

    struct Group {
        uint48 lastEpoch;
        uint48 graceBlocks;
        uint32 lastGeneration;
        bytes32[] publisherKeys;
        address[] roster;
        mapping(address agent => Seat) seats;
        mapping(uint256 number => Epoch) epochs;
        mapping(uint256 generation => Trustees) trustees;
    }

    /// @custom:storage-location erc7201:affiant.storage.KeyEscrow
    struct KeyEscrowStorage {
        address attestationRegistry;
        address agentRegistry;
        mapping(bytes32 group => Group) groups;
        mapping(bytes32 requestId => Recovery) recoveries;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.KeyEscrow")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant KEY_ESCROW_STORAGE = 0xc0c8cb2b71da0038e798451018dba3a64b426754163e6a4dcd18e83b00bcae00;

    /// @inheritdoc IKeyEscrow
    uint256 public constant MAX_MEMBERS = 2048;

    /// @inheritdoc IKeyEscrow
    uint256 public constant MAX_HOLDERS = 1024;

    /// @inheritdoc IKeyEscrow
    uint256 public constant MAX_BATCH = 150;

    /// @inheritdoc IKeyEscrow
    uint256 public constant MAX_TRUSTEES = 64;

    /// @inheritdoc IKeyEscrow
    uint256 public constant MAX_BLOCKS = 2_000_000;

    /// @inheritdoc IKeyEscrow
    function attestationRegistry() external view returns (address) {
        return _store().attestationRegistry;
    }

    /// @inheritdoc IKeyEscrow
    function agentRegistry() external view returns (address) {
        return _store().agentRegistry;
    }

    function _group(bytes32 group) internal view returns (Group storage found) {
        found = _store().groups[group];
        if (found.publisherKeys.length == 0) revert NoSuchGroup(group);
    }

    function _epoch(bytes32 group, uint256 number) internal view returns (Epoch storage) {
        Group storage found = _group(group);
        if (number == 0 || number > found.lastEpoch) revert NoSuchEpoch(group, number);
        return found.epochs[number];
    }

    /// @return holds whether the agent is a member of today and attested in this block.
    /// @return breaks how often it was not, between times at which it was: neither part ever decreases.
    function _breaks(Seat storage seat, address agent) internal view returns (bool holds, uint256 breaks) {
        (holds, breaks) = ITrust(_store().attestationRegistry).trustOf(agent);
        return (holds && seat.active, breaks + seat.absences);
    }

    /// @dev A member of today, attested in this block.
    function _checkEntitled(bytes32 group, address agent) internal view {
        Seat storage seat = _group(group).seats[agent];
        if (!seat.active) revert NotMember(group, agent);
        (bool holds, ) = _breaks(seat, agent);
        if (!holds) revert NotAttested(agent);
    }

    function _checkLength(uint256 got, uint256 limit) internal pure {
        if (got > limit) revert TooLong(got, limit);
    }

    function _checkBlocks(uint256 blocks) internal pure {
        if (blocks > MAX_BLOCKS) revert TooManyBlocks(blocks, MAX_BLOCKS);
    }

    function _checkCaller(address agent) internal view {
        address owner = _activeOwner(agent);
        if (msg.sender != owner) revert NotAgentOwner(agent, msg.sender, owner);
    }

    function _activeOwner(address agent) internal view returns (address owner) {
        owner = IAgentRegistry(_store().agentRegistry).activeOwner(agent);
        if (owner == address(0)) revert AgentNotActive(agent);
    }

    /// @dev OpenZeppelin's standard encoding: leaves are hashed twice, so that no inner node passes for one.
    function _isUnder(
        bytes32 root,
        address holder,
        bytes32 sealedHash,
        bytes32[] calldata merkleProof
    ) internal pure returns (bool) {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(holder, sealedHash))));
        return MerkleProof.verifyCalldata(merkleProof, root, leaf);
    }

    function _store() internal pure returns (KeyEscrowStorage storage $) {
        assembly {
            $.slot := KEY_ESCROW_STORAGE
        }
    }
}
