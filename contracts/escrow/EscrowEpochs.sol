// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {KeyEscrowTypes} from "../generated/TypeHashes.sol";
import {EpochRecord, IKeyEscrow} from "../interfaces/IKeyEscrow.sol";
import {EscrowStore} from "./EscrowStore.sol";

/// @title Epochs: published, acknowledged, disputed, and read long after
abstract contract EscrowEpochs is EscrowStore {
    /// @inheritdoc IKeyEscrow
    function publishEpoch(
        bytes32 group,
        uint256 epoch,
        bytes32 membersRoot,
        bytes32 keyCommitment,
        address[] calldata members
    ) external restricted {
        Group storage found = _group(group);
        uint256 expected = uint256(found.lastEpoch) + 1;
        if (epoch != expected) revert EpochOrder(epoch, expected);
        if (membersRoot == 0 || keyCommitment == 0 || members.length == 0) revert EmptyValue();
        _checkLength(members.length, MAX_HOLDERS);

        Epoch storage next = found.epochs[epoch];
        next.membersRoot = membersRoot;
        next.keyCommitment = keyCommitment;
        (next.losses, next.firstSeats) = _seat(found, next, group, members);
        next.publishedAtBlock = uint48(block.number);
        next.memberCount = uint32(members.length);
        next.publisherKey = uint32(found.publisherKeys.length);
        next.generation = found.lastGeneration;
        found.lastEpoch = uint48(epoch);
        emit EpochPublished(group, epoch, membersRoot, keyCommitment, members);
    }

    /// @inheritdoc IKeyEscrow
    function acknowledge(address agent, bytes32 group, uint256 epoch, bytes32 keyCommitment) external {
        _checkCaller(agent);
        _acknowledge(agent, group, epoch, keyCommitment);
    }

    /// @inheritdoc IKeyEscrow
    function acknowledgeSigned(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 keyCommitment,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(KeyEscrowTypes.ACKNOWLEDGE, agent, group, epoch, keyCommitment, nonce, deadline)
        );
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _acknowledge(agent, group, epoch, keyCommitment);
    }

    /// @inheritdoc IKeyEscrow
    function reportMisdelivery(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof,
        bytes32 proofHash
    ) external {
        _checkCaller(agent);
        _report(agent, group, epoch, sealedKeyHash, merkleProof, proofHash);
    }

    /// @inheritdoc IKeyEscrow
    function reportMisdeliverySigned(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof,
        bytes32 proofHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(
                KeyEscrowTypes.REPORT_MISDELIVERY,
                agent,
                group,
                epoch,
                sealedKeyHash,
                proofHash,
                nonce,
                deadline
            )
        );
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _report(agent, group, epoch, sealedKeyHash, merkleProof, proofHash);
    }

    /// @inheritdoc IKeyEscrow
    function isCurrent(bytes32 group) external view returns (bool) {
        return _isCurrent(_group(group));
    }

    /// @inheritdoc IKeyEscrow
    function accepts(bytes32 group, uint256 epoch) external view returns (bool) {
        Group storage found = _group(group);
        if (epoch == 0 || epoch > found.lastEpoch) return false;
        if (epoch == found.lastEpoch) return _isCurrent(found);
        return epoch + 1 == found.lastEpoch && _previousAccepted(found);
    }

    /// @inheritdoc IKeyEscrow
    function viewOf(
        bytes32 group
    )
        external
        view
        returns (uint256 epoch, bool current, bool previousAccepted, bytes32 keyCommitment, uint256 blockNumber)
    {
        Group storage found = _group(group);
        epoch = found.lastEpoch;
        return (epoch, _isCurrent(found), _previousAccepted(found), found.epochs[epoch].keyCommitment, block.number);
    }

    /// @inheritdoc IKeyEscrow
    function lastEpoch(bytes32 group) external view returns (uint256) {
        return _group(group).lastEpoch;
    }

    /// @inheritdoc IKeyEscrow
    function epochOf(bytes32 group, uint256 epoch) external view returns (EpochRecord memory) {
        Epoch storage found = _epoch(group, epoch);
        return
            EpochRecord({
                membersRoot: found.membersRoot,
                keyCommitment: found.keyCommitment,
                publisherKey: _group(group).publisherKeys[found.publisherKey - 1],
                publishedAtBlock: found.publishedAtBlock,
                memberCount: found.memberCount,
                acknowledgedCount: found.acknowledgedCount,
                generation: found.generation
            });
    }

    /// @inheritdoc IKeyEscrow
    function epochAt(bytes32 group, uint256 blockNumber) external view returns (uint256 epoch) {
        Group storage found = _group(group);
        // Blocks of epochs never decrease: the last epoch that is not after the block, by halving.
        uint256 high = found.lastEpoch;
        while (epoch < high) {
            uint256 middle = (epoch + high + 1) / 2;
            if (found.epochs[middle].publishedAtBlock <= blockNumber) epoch = middle;
            else high = middle - 1;
        }
    }

    /// @inheritdoc IKeyEscrow
    function membersOfEpoch(bytes32 group, uint256 epoch) external view returns (address[] memory members) {
        Epoch storage found = _epoch(group, epoch);
        Group storage of_ = _group(group);
        members = new address[](found.memberCount);
        uint256 count;
        uint256 word;
        for (uint256 seat = 0; count < members.length; ++seat) {
            if (seat & 0xff == 0) word = _seatsOf(found, seat >> 8);
            if ((word >> (seat & 0xff)) & 1 == 1) members[count++] = of_.roster[seat];
        }
    }

    /// @inheritdoc IKeyEscrow
    function hasAcknowledged(bytes32 group, uint256 epoch, address member) external view returns (bool) {
        uint256 number = _group(group).seats[member].number;
        if (number == 0) return false;
        return (_epoch(group, epoch).acknowledged[(number - 1) >> 8] >> ((number - 1) & 0xff)) & 1 == 1;
    }

    /// @inheritdoc IKeyEscrow
    function verifySealedKey(
        bytes32 group,
        uint256 epoch,
        address member,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof
    ) external view returns (bool) {
        return _isUnder(_epoch(group, epoch).membersRoot, member, sealedKeyHash, merkleProof);
    }

    /// @dev Checks every member, and writes the bitmap a word at a time: the first 48 members cost no slot, 256 others one.
    function _seat(
        Group storage found,
        Epoch storage next,
        bytes32 group,
        address[] calldata members
    ) private returns (uint32 losses, uint48 firstSeats) {
        uint256 sum;
        uint256[] memory words = new uint256[]((found.roster.length + 255) / 256);
        address before;
        for (uint256 i = 0; i < members.length; ++i) {
            address member = members[i];
            if (member <= before) revert NotAscending(before, member);
            before = member;
            Seat storage seat = found.seats[member];
            if (!seat.active) revert NotMember(group, member);
            (bool holds, uint256 breaks) = _breaks(seat, member);
            if (!holds) revert NotAttested(member);
            sum += breaks;
            uint256 place = seat.number - 1;
            words[place >> 8] |= 1 << (place & 0xff);
        }
        (losses, firstSeats) = (uint32(sum), uint48(words[0]));
        words[0] -= firstSeats;
        for (uint256 word = 0; word < words.length; ++word) {
            if (words[word] != 0) next.seats[word] = words[word];
        }
    }

    function _seatsOf(Epoch storage epoch, uint256 word) private view returns (uint256 bits) {
        bits = epoch.seats[word];
        if (word == 0) bits |= epoch.firstSeats;
    }

    function _acknowledge(address agent, bytes32 group, uint256 epoch, bytes32 keyCommitment) private {
        Epoch storage found = _epoch(group, epoch);
        if (keyCommitment != found.keyCommitment) revert WrongCommitment(keyCommitment, found.keyCommitment);
        uint256 seat = _seatIn(found, group, agent);
        uint256 bit = 1 << (seat & 0xff);
        uint256 word = found.acknowledged[seat >> 8];
        if (word & bit != 0) revert AlreadyAcknowledged(agent, epoch);
        found.acknowledged[seat >> 8] = word | bit;
        ++found.acknowledgedCount;
        emit Acknowledged(group, epoch, agent);
    }

    function _report(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof,
        bytes32 proofHash
    ) private {
        if (proofHash == 0) revert EmptyValue();
        Epoch storage found = _epoch(group, epoch);
        _seatIn(found, group, agent);
        if (!_isUnder(found.membersRoot, agent, sealedKeyHash, merkleProof)) {
            revert NotUnderRoot(agent, sealedKeyHash, found.membersRoot);
        }
        emit MisdeliveryReported(group, epoch, agent, sealedKeyHash, proofHash);
    }

    function _seatIn(Epoch storage epoch, bytes32 group, address agent) private view returns (uint256 seat) {
        uint256 number = _group(group).seats[agent].number;
        if (number == 0) revert NotMember(group, agent);
        seat = number - 1;
        if ((_seatsOf(epoch, seat >> 8) >> (seat & 0xff)) & 1 == 0) revert NotMember(group, agent);
    }

    function _isCurrent(Group storage group) private view returns (bool) {
        return group.lastEpoch != 0 && _allHold(group, group.epochs[group.lastEpoch]);
    }

    /// @dev The grace is counted from the block in which the next epoch was published, which has the first block of it.
    function _previousAccepted(Group storage group) private view returns (bool) {
        uint256 last = group.lastEpoch;
        if (last < 2) return false;
        if (block.number > uint256(group.epochs[last].publishedAtBlock) + group.graceBlocks) return false;
        return _allHold(group, group.epochs[last - 1]);
    }

    /// @dev Whether each who was given the epoch's key is still a member and attested, in this block, and was so in every
    /// block since: what a program held that lost trust, it may have passed on. No part of the sum ever decreases, so the
    /// sum is the same only if each part is.
    function _allHold(Group storage group, Epoch storage epoch) private view returns (bool) {
        uint256 left = epoch.memberCount;
        uint256 word;
        uint256 sum;
        for (uint256 seat = 0; left > 0; ++seat) {
            if (seat & 0xff == 0) word = _seatsOf(epoch, seat >> 8);
            if ((word >> (seat & 0xff)) & 1 == 0) continue;
            address member = group.roster[seat];
            (bool holds, uint256 breaks) = _breaks(group.seats[member], member);
            if (!holds) return false;
            sum += breaks;
            --left;
        }
        return uint32(sum) == epoch.losses;
    }
}
