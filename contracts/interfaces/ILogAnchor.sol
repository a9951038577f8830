// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The anchors of transparency logs
/// @notice Keeps, for every log, the size and root of its RFC 9162 tree, and lets its operator move them only along a
/// consistency proof that this contract checks: **a log whose history was rewritten cannot be anchored.** Immutable, no
/// proxy, no roles beyond each log's operator.
/// @dev Because every anchored root extends the one before, the latest root commits to all earlier ones: a root that was
/// anchored and is not stored can still be proven against any later one (`verifyConsistency`). What the record of an
/// anchor adds is the block it was mined in. Hence two ways to anchor: `anchor` stores a record for good, readable with
/// one call; `advance` moves the latest root at little more than half of the gas and leaves its block in the event log.
/// @dev Sizes and indices count leaves. Leaf hashes are SHA-256(0x00 || entry), node hashes SHA-256(0x01 || l || r).
/// @dev Warning: anyone may register any origin that is free. An origin says nothing about who stands behind it; a
/// reader must know the operator, or the note key, from elsewhere.
interface ILogAnchor {
    /// @notice What an operator states with every checkpoint that it hands out.
    /// @param signer the operator, of now or of earlier, that signed.
    /// @param signature over the EIP-712 struct `Checkpoint(bytes32 logId,uint64 size,bytes32 root)` in the domain
    /// "Affiant LogAnchor" version "1": 65 bytes of ECDSA, or whatever the signer's ERC-1271 contract takes.
    struct SignedCheckpoint {
        address signer;
        uint64 size;
        bytes32 root;
        bytes signature;
    }

    /// @notice Two statements about one log that cannot both be true: the tree of `largerSize` leaves under `largerRoot`
    /// does not begin with the tree of `smallerSize` leaves under `smallerRoot`.
    /// @param smallerSigner who signed it; zero if it was anchored.
    /// @param largerSigner likewise. Sizes may be equal.
    /// @param blockNumber when it was reported.
    struct Equivocation {
        address smallerSigner;
        uint64 smallerSize;
        address largerSigner;
        uint64 largerSize;
        uint64 blockNumber;
        bytes32 smallerRoot;
        bytes32 largerRoot;
    }

    /// @notice A log was registered; its tree is empty.
    event LogRegistered(bytes32 indexed logId, address indexed operator, bytes32 noteKey, string origin);

    /// @notice The latest root of the log moved.
    /// @param previousBlockNumber block of the event before this one (of the registration, for the first), so that the
    /// whole history can be read backwards, one block a query.
    event Anchored(bytes32 indexed logId, uint64 size, bytes32 root, uint64 previousBlockNumber);

    /// @notice The latest root was stored for good as record `index`.
    event AnchorKept(bytes32 indexed logId, uint256 indexed index, uint64 size);

    /// @notice `operator` wants to hand the log over. Nothing changed yet. Zero withdraws an earlier offer.
    event OperatorOffered(bytes32 indexed logId, address indexed operator, address indexed offeredTo);

    /// @notice From this block on `operator` operates the log.
    event OperatorChanged(bytes32 indexed logId, address indexed previousOperator, address indexed operator);

    /// @notice From this block on checkpoints are signed by `noteKey`.
    event NoteKeyChanged(bytes32 indexed logId, bytes32 previousNoteKey, bytes32 noteKey);

    /// @notice The log stated two trees of which neither contains the other. Recorded for good as `index`.
    event EquivocationReported(bytes32 indexed logId, uint256 indexed index, address indexed reporter);

    /// @notice Thrown if no log has this id.
    error UnknownLog(bytes32 logId);

    /// @notice Thrown if the origin is taken.
    error LogExists(bytes32 logId);

    /// @notice Thrown if the origin has not 1 to `limit` bytes.
    error OriginLength(uint256 got, uint256 limit);

    /// @notice Thrown if byte `position` of the origin is not printable ASCII, or is a space or a plus sign.
    error OriginCharacter(uint256 position, bytes1 got);

    /// @notice Thrown if a note key is not acceptable as an Ed25519 key (see `Ed25519Key`).
    error NoteKeyNotAcceptable(bytes32 noteKey);

    /// @notice Thrown if the note key already signs for the log.
    error NoteKeyUnchanged(bytes32 noteKey);

    /// @notice Thrown if someone else than the log's operator tries to do what only the operator may.
    error NotOperator(bytes32 logId, address caller, address operator);

    /// @notice Thrown if someone else than `offeredTo` tries to take over the log. Zero: nobody was offered it.
    error NotOfferedOperator(bytes32 logId, address caller, address offeredTo);

    /// @notice Thrown if the new size is smaller than the anchored one.
    error SizeNotLarger(uint64 got, uint64 latest);

    /// @notice Thrown if the size is anchored already, with this very root.
    error AlreadyAnchored(uint64 size);

    /// @notice Thrown if the size is anchored already, with another root.
    error EqualSizeOtherRoot(uint64 size, bytes32 got, bytes32 anchored);

    /// @notice Thrown if a size is larger than any log can become here.
    error SizeTooLarge(uint64 got, uint64 limit);

    /// @notice Thrown if the proof does not lead from the one root to the other.
    error InvalidConsistencyProof(uint64 oldSize, uint64 newSize);

    /// @notice Thrown if the latest root is stored already, as record `index`.
    error AlreadyKept(uint256 index);

    /// @notice Thrown if nothing was anchored yet.
    error NothingAnchored(bytes32 logId);

    /// @notice Thrown if there is no record `index`.
    error UnknownAnchor(uint256 index, uint256 count);

    /// @notice Thrown if there is no equivocation `index`.
    error UnknownEquivocation(uint256 index, uint256 count);

    /// @notice Thrown if no record covers the leaf; `size` is that of the last record, 0 if there is none.
    error NoAnchorCovers(uint64 leafIndex, uint64 size);

    /// @notice Thrown if the signer never operated the log.
    error SignerNeverOperator(bytes32 logId, address signer);

    /// @notice Thrown if a former operator's statement is about a tree larger than the one it handed over.
    error StatementAfterHandover(address signer, uint64 size, uint64 limit);

    /// @notice Thrown if the signature over a checkpoint does not speak for its signer.
    error InvalidCheckpointSignature(address signer, uint64 size, bytes32 root);

    /// @notice Thrown if the larger checkpoint is named first.
    error CheckpointsOutOfOrder(uint64 smallerSize, uint64 largerSize);

    /// @notice Thrown if the two statements agree: the larger tree does begin with the smaller one.
    error NoEquivocation(uint64 smallerSize, uint64 largerSize);

    /// @notice Thrown if these two statements were reported before.
    error AlreadyReported(bytes32 logId, uint256 index);

    /// @notice Registers a log; the caller becomes its operator.
    /// @param origin the first line of its checkpoints (C2SP tlog-checkpoint): 1 to 255 bytes of printable ASCII without
    /// space and `+`. It cannot be changed.
    /// @param noteKey 32 bytes: the Ed25519 key that signs its checkpoints. Not more than its form is checked.
    /// @return logId keccak256(abi.encode(keccak256("Log(string origin)"), keccak256(bytes(origin)))).
    function registerLog(string calldata origin, bytes32 noteKey) external returns (bytes32 logId);

    /// @notice Anchors a new root and stores it for good as the next record. Only the log's operator.
    /// @param newSize larger than the latest.
    /// @param consistencyProof RFC 9162 §2.1.4 from the latest anchored tree; empty if nothing was anchored yet.
    function anchor(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata consistencyProof) external;

    /// @notice Like `anchor`, but stores no record: the root takes the place of the latest one, and its block is in the
    /// event log only. Only the log's operator.
    function advance(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata consistencyProof) external;

    /// @notice Stores the latest root, which was anchored by `advance`, as the next record. Anyone may.
    /// @return index of the record.
    function keep(bytes32 logId) external returns (uint256 index);

    /// @notice Offers the log to another operator, who must accept. Only the operator. Zero withdraws the offer.
    function offerOperator(bytes32 logId, address offeredTo) external;

    /// @notice Takes over a log that was offered to the caller. What earlier operators signed stays on their account, up to
    /// the size that is anchored now: about larger trees their key can state nothing any more, or it could convict the log
    /// of whoever took it over. What a leaving operator signed beyond that size it should anchor first.
    function acceptOperator(bytes32 logId) external;

    /// @notice Changes the key that signs checkpoints. The earlier ones stay readable. Only the operator.
    function changeNoteKey(bytes32 logId, bytes32 noteKey) external;

    /// @notice Reports two signed checkpoints of which the larger does not begin with the smaller. Anyone may.
    /// @dev For equal sizes: `smallerRootInLarger` is the larger checkpoint's root and the proof is empty. For others it is
    /// the root that the larger tree really has at the smaller size, with the consistency proof from there, as anyone can
    /// compute it who has the larger tree's hashes. So a log that never signs one size twice does not escape.
    /// @dev A former operator is held to its statements up to the size it handed over (see `acceptOperator`).
    /// @dev Warning: a stolen key can sign what the operator never would. A report names its signers, and a change of
    /// operator does not undo one.
    /// @return index of the record.
    function reportEquivocation(
        bytes32 logId,
        SignedCheckpoint calldata smaller,
        SignedCheckpoint calldata larger,
        bytes32 smallerRootInLarger,
        bytes32[] calldata consistencyProof
    ) external returns (uint256 index);

    /// @notice Reports a signed checkpoint that contradicts what is anchored. Anyone may.
    /// @param anchorIndex the record, or type(uint256).max for the latest root. Whichever of checkpoint and anchor has the
    /// smaller size counts as the smaller one.
    function reportEquivocationAgainstAnchor(
        bytes32 logId,
        SignedCheckpoint calldata signed,
        uint256 anchorIndex,
        bytes32 smallerRootInLarger,
        bytes32[] calldata consistencyProof
    ) external returns (uint256 index);

    /// @notice The latest anchored root, stored as a record or not. Reverts with UnknownLog.
    /// @return size 0 if nothing was anchored yet.
    /// @return root that of the empty tree if nothing was anchored yet.
    /// @return blockNumber of the last anchor, or of the registration.
    /// @return anchorCount how many records there are.
    function latest(
        bytes32 logId
    ) external view returns (uint64 size, bytes32 root, uint64 blockNumber, uint64 anchorCount);

    /// @notice Record `index`, from 0, in the order of anchoring.
    function anchorAt(
        bytes32 logId,
        uint256 index
    ) external view returns (uint64 size, bytes32 root, uint64 blockNumber);

    /// @notice The first record whose tree contains the leaf: its block bounds the leaf's age from above.
    function firstAnchorCovering(bytes32 logId, uint64 leafIndex) external view returns (uint256 index);

    /// @notice Who operates the log now, and what it was registered as. Reverts with UnknownLog.
    function logOf(
        bytes32 logId
    ) external view returns (address operator, bytes32 noteKey, string memory origin, uint64 registeredAtBlock);

    /// @notice Everyone who operates or operated the log, in order, with the block from which on.
    function operatorsOf(bytes32 logId) external view returns (address[] memory operators, uint64[] memory sinceBlocks);

    /// @notice The anchored size from which on each of `operatorsOf` operated the log, in the same order; the first is 0.
    function handoverSizesOf(bytes32 logId) external view returns (uint64[] memory sinceSizes);

    /// @notice Every note key of the log, in order, with the block from which on.
    function noteKeysOf(bytes32 logId) external view returns (bytes32[] memory noteKeys, uint64[] memory sinceBlocks);

    /// @notice To whom the log is offered; zero if to nobody.
    function offeredOperatorOf(bytes32 logId) external view returns (address);

    /// @notice How often the log was convicted of equivocation.
    function equivocationCount(bytes32 logId) external view returns (uint256);

    function equivocationAt(bytes32 logId, uint256 index) external view returns (Equivocation memory);

    /// @notice Whether the proof shows the leaf in an anchored tree.
    /// @param anchorIndex the record, or type(uint256).max for the latest root. Reverts with UnknownAnchor.
    function verifyInclusion(
        bytes32 logId,
        uint256 anchorIndex,
        bytes32 leafHash,
        uint64 leafIndex,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Whether an anchored tree begins with the tree of `oldSize` leaves under `oldRoot`.
    /// @param anchorIndex the record, or type(uint256).max for the latest root. Reverts with UnknownAnchor.
    function verifyConsistency(
        bytes32 logId,
        uint256 anchorIndex,
        uint64 oldSize,
        bytes32 oldRoot,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice The EIP-712 digest that the operator signs for a checkpoint.
    function checkpointDigest(bytes32 logId, uint64 size, bytes32 root) external view returns (bytes32);
}
