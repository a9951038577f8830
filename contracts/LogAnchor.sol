// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {LogAnchorTypes} from "./generated/TypeHashes.sol";
import {ILogAnchor} from "./interfaces/ILogAnchor.sol";
import {Ed25519Key} from "./libraries/Ed25519Key.sol";
import {OwnerSignature} from "./libraries/OwnerSignature.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";

/// @title LogAnchor
/// @dev Immutable: evidence must not change under its readers.
contract LogAnchor is ILogAnchor, EIP712 {
    bytes32 private constant LOG_TYPEHASH = keccak256("Log(string origin)");

    uint256 private constant MAX_ORIGIN_BYTES = 255;

    /// Stands for the latest root where the index of a record is asked for.
    uint256 private constant LATEST = type(uint256).max;

    /// What `advance` reads and writes; two slots, so that moving the root costs no new storage:
    ///
    ///     | blockNumber 48 | size 48 | operator 160 |
    ///     | root 256                                |
    struct Head {
        address operator;
        uint48 size;
        uint48 blockNumber;
        bytes32 root;
    }

    struct Record {
        bytes32 root;
        uint64 size;
        uint64 blockNumber;
    }

    /// One slot; `sinceSize` is what was anchored when it took over.
    struct OperatorSince {
        address operator;
        uint48 sinceBlock;
        uint48 sinceSize;
    }

    struct NoteKeySince {
        bytes32 noteKey;
        uint64 sinceBlock;
    }

    struct Log {
        Head head;
        Record[] records;
        address offeredTo;
        OperatorSince[] operators;
        NoteKeySince[] noteKeys;
        string origin;
        Equivocation[] equivocations;
        /// Index + 1 of a report, by the hash of its two statements.
        mapping(bytes32 statements => uint256) reported;
        /// 1 + the largest size about which the account's statements count; 0 = it never operated the log.
        mapping(address => uint256) statesBelow;
    }

    /// The operator of now speaks about sizes that nobody has anchored yet.
    uint256 private constant ANY_SIZE = type(uint256).max;

    mapping(bytes32 logId => Log) private _logs;

    constructor() EIP712("Affiant LogAnchor", "1") {}

    modifier onlyOperator(bytes32 logId) {
        address operator = _logs[logId].head.operator;
        if (msg.sender != operator) {
            if (operator == address(0)) revert UnknownLog(logId);
            revert NotOperator(logId, msg.sender, operator);
        }
        _;
    }

    /// @inheritdoc ILogAnchor
    function registerLog(string calldata origin, bytes32 noteKey) external returns (bytes32 logId) {
        _checkOrigin(bytes(origin));
        logId = keccak256(abi.encode(LOG_TYPEHASH, keccak256(bytes(origin))));
        Log storage log = _logs[logId];
        if (log.head.operator != address(0)) revert LogExists(logId);
        log.origin = origin;
        log.head.blockNumber = uint48(block.number);
        emit LogRegistered(logId, msg.sender, noteKey, origin);
        _setOperator(log, msg.sender);
        _setNoteKey(log, noteKey);
    }

    /// @inheritdoc ILogAnchor
    function anchor(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata consistencyProof) external {
        _advance(logId, newSize, newRoot, consistencyProof);
        _keep(logId);
    }

    /// @inheritdoc ILogAnchor
    function advance(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata consistencyProof) external {
        _advance(logId, newSize, newRoot, consistencyProof);
    }

    /// @inheritdoc ILogAnchor
    function keep(bytes32 logId) external returns (uint256 index) {
        Log storage log = _log(logId);
        uint256 size = log.head.size;
        if (size == 0) revert NothingAnchored(logId);
        uint256 count = log.records.length;
        if (count != 0 && log.records[count - 1].size == size) revert AlreadyKept(count - 1);
        return _keep(logId);
    }

    function _advance(
        bytes32 logId,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata consistencyProof
    ) private onlyOperator(logId) {
        Head storage head = _logs[logId].head;
        uint64 size = head.size;
        bytes32 root = head.root;
        if (newSize <= size) {
            if (newSize < size || size == 0) revert SizeNotLarger(newSize, size);
            if (newRoot == root) revert AlreadyAnchored(size);
            revert EqualSizeOtherRoot(size, newRoot, root);
        }
        if (newSize > type(uint48).max) revert SizeTooLarge(newSize, type(uint48).max);
        if (size == 0) root = Rfc9162.EMPTY_ROOT;
        if (!Rfc9162.verifyConsistency(size, root, newSize, newRoot, consistencyProof)) {
            revert InvalidConsistencyProof(size, newSize);
        }
        emit Anchored(logId, newSize, newRoot, head.blockNumber);
        head.size = uint48(newSize);
        head.blockNumber = uint48(block.number);
        head.root = newRoot;
    }

    /// @dev The head must be newer than the last record.
    function _keep(bytes32 logId) private returns (uint256 index) {
        Log storage log = _logs[logId];
        index = log.records.length;
        log.records.push(Record({root: log.head.root, size: log.head.size, blockNumber: log.head.blockNumber}));
        emit AnchorKept(logId, index, log.head.size);
    }

    /// @inheritdoc ILogAnchor
    function offerOperator(bytes32 logId, address offeredTo) external onlyOperator(logId) {
        _logs[logId].offeredTo = offeredTo;
        emit OperatorOffered(logId, msg.sender, offeredTo);
    }

    /// @inheritdoc ILogAnchor
    function acceptOperator(bytes32 logId) external {
        Log storage log = _log(logId);
        address offeredTo = log.offeredTo;
        if (msg.sender != offeredTo) revert NotOfferedOperator(logId, msg.sender, offeredTo);
        delete log.offeredTo;
        address previous = log.head.operator;
        log.statesBelow[previous] = uint256(log.head.size) + 1;
        emit OperatorChanged(logId, previous, msg.sender);
        _setOperator(log, msg.sender);
    }

    /// @inheritdoc ILogAnchor
    function changeNoteKey(bytes32 logId, bytes32 noteKey) external onlyOperator(logId) {
        Log storage log = _logs[logId];
        bytes32 previous = _currentNoteKey(log);
        if (noteKey == previous) revert NoteKeyUnchanged(noteKey);
        emit NoteKeyChanged(logId, previous, noteKey);
        _setNoteKey(log, noteKey);
    }

    function _setOperator(Log storage log, address operator) private {
        log.head.operator = operator;
        log.statesBelow[operator] = ANY_SIZE;
        log.operators.push(OperatorSince(operator, uint48(block.number), log.head.size));
    }

    function _setNoteKey(Log storage log, bytes32 noteKey) private {
        if (!Ed25519Key.isAcceptable(noteKey)) revert NoteKeyNotAcceptable(noteKey);
        log.noteKeys.push(NoteKeySince(noteKey, uint64(block.number)));
    }

    /// @dev Printable ASCII without space and plus: an origin is always also a key name of C2SP signed notes.
    function _checkOrigin(bytes calldata origin) private pure {
        if (origin.length == 0 || origin.length > MAX_ORIGIN_BYTES) {
            revert OriginLength(origin.length, MAX_ORIGIN_BYTES);
        }
        for (uint256 i = 0; i < origin.length; i++) {
            bytes1 char = origin[i];
            if (char <= " " || char > "~" || char == "+") revert OriginCharacter(i, char);
        }
    }

    /// @inheritdoc ILogAnchor
    function reportEquivocation(
        bytes32 logId,
        SignedCheckpoint calldata smaller,
        SignedCheckpoint calldata larger,
        bytes32 smallerRootInLarger,
        bytes32[] calldata consistencyProof
    ) external returns (uint256 index) {
        Log storage log = _log(logId);
        _checkSigned(log, logId, smaller);
        _checkSigned(log, logId, larger);
        Equivocation memory found;
        (found.smallerSigner, found.smallerSize, found.smallerRoot) = (smaller.signer, smaller.size, smaller.root);
        (found.largerSigner, found.largerSize, found.largerRoot) = (larger.signer, larger.size, larger.root);
        return _convict(logId, found, smallerRootInLarger, consistencyProof);
    }

    /// @inheritdoc ILogAnchor
    function reportEquivocationAgainstAnchor(
        bytes32 logId,
        SignedCheckpoint calldata signed,
        uint256 anchorIndex,
        bytes32 smallerRootInLarger,
        bytes32[] calldata consistencyProof
    ) external returns (uint256 index) {
        Log storage log = _log(logId);
        _checkSigned(log, logId, signed);
        (uint64 size, bytes32 root, ) = _anchorAt(log, anchorIndex);
        Equivocation memory found;
        if (signed.size <= size) {
            (found.smallerSigner, found.smallerSize, found.smallerRoot) = (signed.signer, signed.size, signed.root);
            (found.largerSize, found.largerRoot) = (size, root);
        } else {
            (found.smallerSize, found.smallerRoot) = (size, root);
            (found.largerSigner, found.largerSize, found.largerRoot) = (signed.signer, signed.size, signed.root);
        }
        return _convict(logId, found, smallerRootInLarger, consistencyProof);
    }

    function _checkSigned(Log storage log, bytes32 logId, SignedCheckpoint calldata signed) private view {
        uint256 bound = log.statesBelow[signed.signer];
        if (bound == 0) revert SignerNeverOperator(logId, signed.signer);
        if (signed.size >= bound) revert StatementAfterHandover(signed.signer, signed.size, uint64(bound - 1));
        bytes32 digest = checkpointDigest(logId, signed.size, signed.root);
        if (!OwnerSignature.isValid(signed.signer, digest, signed.signature)) {
            revert InvalidCheckpointSignature(signed.signer, signed.size, signed.root);
        }
    }

    /// @dev A tree has one root at each size: if the larger one provably has another root there than the smaller
    /// statement says, no tree satisfies both.
    function _convict(
        bytes32 logId,
        Equivocation memory found,
        bytes32 smallerRootInLarger,
        bytes32[] calldata proof
    ) private returns (uint256 index) {
        (uint64 smallerSize, uint64 largerSize) = (found.smallerSize, found.largerSize);
        if (smallerSize > largerSize) revert CheckpointsOutOfOrder(smallerSize, largerSize);
        if (smallerRootInLarger == found.smallerRoot) revert NoEquivocation(smallerSize, largerSize);
        if (!Rfc9162.verifyConsistency(smallerSize, smallerRootInLarger, largerSize, found.largerRoot, proof)) {
            revert InvalidConsistencyProof(smallerSize, largerSize);
        }
        Log storage log = _logs[logId];
        bytes32 statements = keccak256(abi.encode(found));
        uint256 known = log.reported[statements];
        if (known != 0) revert AlreadyReported(logId, known - 1);
        index = log.equivocations.length;
        log.reported[statements] = index + 1;
        found.blockNumber = uint64(block.number);
        log.equivocations.push(found);
        emit EquivocationReported(logId, index, msg.sender);
    }

    /// @inheritdoc ILogAnchor
    function latest(
        bytes32 logId
    ) external view returns (uint64 size, bytes32 root, uint64 blockNumber, uint64 anchorCount) {
        Log storage log = _log(logId);
        (size, root, blockNumber) = _anchorAt(log, LATEST);
        anchorCount = uint64(log.records.length);
    }

    /// @inheritdoc ILogAnchor
    function anchorAt(
        bytes32 logId,
        uint256 index
    ) external view returns (uint64 size, bytes32 root, uint64 blockNumber) {
        Log storage log = _log(logId);
        if (index == LATEST) revert UnknownAnchor(index, log.records.length);
        return _anchorAt(log, index);
    }

    /// @inheritdoc ILogAnchor
    function firstAnchorCovering(bytes32 logId, uint64 leafIndex) external view returns (uint256 index) {
        Record[] storage records = _log(logId).records;
        uint256 high = records.length;
        uint64 covered = high == 0 ? 0 : records[high - 1].size;
        if (leafIndex >= covered) revert NoAnchorCovers(leafIndex, covered);
        while (index < high) {
            uint256 middle = (index + high) / 2;
            if (records[middle].size > leafIndex) high = middle;
            else index = middle + 1;
        }
    }

    /// @inheritdoc ILogAnchor
    function logOf(
        bytes32 logId
    ) external view returns (address operator, bytes32 noteKey, string memory origin, uint64 registeredAtBlock) {
        Log storage log = _log(logId);
        return (log.head.operator, _currentNoteKey(log), log.origin, log.operators[0].sinceBlock);
    }

    /// @inheritdoc ILogAnchor
    function operatorsOf(
        bytes32 logId
    ) external view returns (address[] memory operators, uint64[] memory sinceBlocks) {
        OperatorSince[] storage all = _log(logId).operators;
        operators = new address[](all.length);
        sinceBlocks = new uint64[](all.length);
        for (uint256 i = 0; i < all.length; i++) {
            (operators[i], sinceBlocks[i]) = (all[i].operator, all[i].sinceBlock);
        }
    }

    /// @inheritdoc ILogAnchor
    function handoverSizesOf(bytes32 logId) external view returns (uint64[] memory sinceSizes) {
        OperatorSince[] storage all = _log(logId).operators;
        sinceSizes = new uint64[](all.length);
        for (uint256 i = 0; i < all.length; i++) sinceSizes[i] = all[i].sinceSize;
    }

    /// @inheritdoc ILogAnchor
    function noteKeysOf(bytes32 logId) external view returns (bytes32[] memory noteKeys, uint64[] memory sinceBlocks) {
        NoteKeySince[] storage all = _log(logId).noteKeys;
        noteKeys = new bytes32[](all.length);
        sinceBlocks = new uint64[](all.length);
        for (uint256 i = 0; i < all.length; i++) {
            (noteKeys[i], sinceBlocks[i]) = (all[i].noteKey, all[i].sinceBlock);
        }
    }

    /// @inheritdoc ILogAnchor
    function offeredOperatorOf(bytes32 logId) external view returns (address) {
        return _log(logId).offeredTo;
    }

    /// @inheritdoc ILogAnchor
    function equivocationCount(bytes32 logId) external view returns (uint256) {
        return _log(logId).equivocations.length;
    }

    /// @inheritdoc ILogAnchor
    function equivocationAt(bytes32 logId, uint256 index) external view returns (Equivocation memory) {
        Equivocation[] storage all = _log(logId).equivocations;
        if (index >= all.length) revert UnknownEquivocation(index, all.length);
        return all[index];
    }

    /// @inheritdoc ILogAnchor
    function verifyInclusion(
        bytes32 logId,
        uint256 anchorIndex,
        bytes32 leafHash,
        uint64 leafIndex,
        bytes32[] calldata proof
    ) external view returns (bool) {
        (uint64 size, bytes32 root, ) = _anchorAt(_log(logId), anchorIndex);
        return Rfc9162.verifyInclusion(leafHash, leafIndex, size, proof, root);
    }

    /// @inheritdoc ILogAnchor
    function verifyConsistency(
        bytes32 logId,
        uint256 anchorIndex,
        uint64 oldSize,
        bytes32 oldRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        (uint64 size, bytes32 root, ) = _anchorAt(_log(logId), anchorIndex);
        return Rfc9162.verifyConsistency(oldSize, oldRoot, size, root, proof);
    }

    /// @inheritdoc ILogAnchor
    function checkpointDigest(bytes32 logId, uint64 size, bytes32 root) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(LogAnchorTypes.CHECKPOINT, logId, size, root)));
    }

    function _log(bytes32 logId) private view returns (Log storage log) {
        log = _logs[logId];
        if (log.head.operator == address(0)) revert UnknownLog(logId);
    }

    function _currentNoteKey(Log storage log) private view returns (bytes32) {
        return log.noteKeys[log.noteKeys.length - 1].noteKey;
    }

    function _anchorAt(
        Log storage log,
        uint256 index
    ) private view returns (uint64 size, bytes32 root, uint64 blockNumber) {
        if (index == LATEST) {
            Head storage head = log.head;
            size = head.size;
            return (size, size == 0 ? Rfc9162.EMPTY_ROOT : head.root, head.blockNumber);
        }
        if (index >= log.records.length) revert UnknownAnchor(index, log.records.length);
        Record storage record = log.records[index];
        return (record.size, record.root, record.blockNumber);
    }
}
