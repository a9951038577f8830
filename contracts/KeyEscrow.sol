// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EscrowEpochs} from "./escrow/EscrowEpochs.sol";
import {EscrowRecovery} from "./escrow/EscrowRecovery.sol";
import {IKeyEscrow} from "./interfaces/IKeyEscrow.sol";

/// @title KeyEscrow
/// @dev Lives behind an ERC1967Proxy (UUPS). Here are the groups; epochs and recovery are in `escrow/`.
contract KeyEscrow is EscrowEpochs, EscrowRecovery {
    /// @param accessManager holds the roles that upgrade, freeze, and keep groups.
    /// @param attestationRegistry_ says who is trusted in a block.
    /// @param agentRegistry_ says who owns an agent.
    function initialize(
        address accessManager,
        address attestationRegistry_,
        address agentRegistry_
    ) external initializer {
        __AccessManaged_init(accessManager);
        _store().attestationRegistry = attestationRegistry_;
        _store().agentRegistry = agentRegistry_;
    }

    /// @inheritdoc IKeyEscrow
    function createGroup(bytes32 group, bytes32 publisherKey, uint256 graceBlocks) external restricted {
        if (publisherKey == 0) revert EmptyValue();
        _checkBlocks(graceBlocks);
        Group storage created = _store().groups[group];
        if (created.publisherKeys.length != 0) revert GroupExists(group);
        created.publisherKeys.push(publisherKey);
        created.graceBlocks = uint48(graceBlocks);
        emit GroupCreated(group, publisherKey, graceBlocks);
    }

    /// @inheritdoc IKeyEscrow
    function setPublisherKey(bytes32 group, bytes32 publisherKey) external restricted {
        if (publisherKey == 0) revert EmptyValue();
        _group(group).publisherKeys.push(publisherKey);
        emit PublisherKeySet(group, publisherKey);
    }

    /// @inheritdoc IKeyEscrow
    function setGrace(bytes32 group, uint256 graceBlocks) external restricted {
        _checkBlocks(graceBlocks);
        _group(group).graceBlocks = uint48(graceBlocks);
        emit GraceSet(group, graceBlocks);
    }

    /// @inheritdoc IKeyEscrow
    function addMembers(bytes32 group, address[] calldata agents) external restricted {
        Group storage found = _group(group);
        _checkLength(agents.length, MAX_BATCH);
        for (uint256 i = 0; i < agents.length; ++i) {
            Seat storage seat = found.seats[agents[i]];
            if (seat.active) revert AlreadyMember(group, agents[i]);
            _activeOwner(agents[i]);
            seat.active = true;
            if (seat.number == 0) {
                if (found.roster.length == MAX_MEMBERS) revert TooManyMembers(MAX_MEMBERS);
                found.roster.push(agents[i]);
                seat.number = uint32(found.roster.length);
            }
            emit MemberAdded(group, agents[i]);
        }
    }

    /// @inheritdoc IKeyEscrow
    function removeMembers(bytes32 group, address[] calldata agents) external restricted {
        Group storage found = _group(group);
        _checkLength(agents.length, MAX_BATCH);
        for (uint256 i = 0; i < agents.length; ++i) {
            Seat storage seat = found.seats[agents[i]];
            if (!seat.active) revert NotMember(group, agents[i]);
            seat.active = false;
            ++seat.absences;
            emit MemberRemoved(group, agents[i]);
        }
    }

    /// @inheritdoc IKeyEscrow
    function membersOf(bytes32 group) external view returns (address[] memory members) {
        Group storage found = _group(group);
        uint256 count;
        members = new address[](found.roster.length);
        for (uint256 i = 0; i < found.roster.length; ++i) {
            if (found.seats[found.roster[i]].active) members[count++] = found.roster[i];
        }
        assembly ("memory-safe") {
            mstore(members, count)
        }
    }

    /// @inheritdoc IKeyEscrow
    function isMember(bytes32 group, address agent) external view returns (bool) {
        return _group(group).seats[agent].active;
    }

    /// @inheritdoc IKeyEscrow
    function groupOf(bytes32 group) external view returns (bytes32 publisherKey, uint256 graceBlocks) {
        Group storage found = _group(group);
        return (found.publisherKeys[found.publisherKeys.length - 1], found.graceBlocks);
    }

    function _EIP712Name() internal pure override returns (string memory) {
        return "Affiant KeyEscrow";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "2";
    }
}
