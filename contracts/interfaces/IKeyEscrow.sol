// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice One epoch of a group: one key, and who was given it.
/// @param membersRoot Merkle root over (member, keccak256 of its sealed key), OpenZeppelin's standard encoding of leaves.
/// @param keyCommitment `keccak256(abi.encode(KEY_COMMITMENT_TYPEHASH, group, epoch, key, salt))`
/// @param publisherKey X25519 key of the publisher: the sender of the sealed keys, as HPKE's auth mode checks it.
/// @param generation of the trustees to whom the key can be recovered; 0 = there were none.
struct EpochRecord {
    bytes32 membersRoot;
    bytes32 keyCommitment;
    bytes32 publisherKey;
    uint256 publishedAtBlock;
    uint256 memberCount;
    uint256 acknowledgedCount;
    uint256 generation;
}

/// @notice Who can bring a group's keys back, together.
/// @param commitmentsHash `keccak256(abi.encodePacked(commitments))`: Feldman's commitments, compressed ed25519 points.
/// @param sharesRoot Merkle root over (trustee, keccak256 of its sealed share).
/// @param recoveryKey X25519 key to which each epoch's key is sealed once more; its private key follows from the shares.
/// @param threshold how many approvals, and shares, are needed.
struct TrusteeSet {
    address[] trustees;
    bytes32 commitmentsHash;
    bytes32 sharesRoot;
    bytes32 recoveryKey;
    uint256 threshold;
    uint256 timelockBlocks;
    uint256 setAtBlock;
}

/// @param Requested approvals are being collected.
/// @param Approved enough trustees approved; the timelock runs.
/// @param Released trustees may hand out their shares, sealed to `recipientKey`.
enum RecoveryState {
    None,
    Requested,
    Approved,
    Released,
    Cancelled
}

/// @param recipientKey X25519 key to which the trustees seal their shares.
/// @param releasableAtBlock first block in which it can be released; 0 until it is approved.
struct RecoveryRequest {
    RecoveryState state;
    address agent;
    bytes32 group;
    uint256 generation;
    uint256 epoch;
    bytes32 recipientKey;
    uint256 approvals;
    uint256 releasableAtBlock;
}

/// @title The keys that groups of agents share: for whom, since when, and whether they still hold
/// @notice No key is here, plain or sealed, and nothing from which one could be guessed. Here is who was given the key of
/// each epoch, and a commitment by which each of them knows that all were given the same one. A key counts only while
/// each of its holders is attested: `isCurrent` asks the attestation registry, so an epoch ends in the very block in which
/// a holder loses trust, without anybody's doing, and stays ended when the holder is attested anew.
/// @dev What the contract cannot see: whether sealed keys were delivered, whether they open, whether a holder passed the
/// key on. Members find out about the first two (`acknowledge`, `reportMisdelivery`).
interface IKeyEscrow {
    event GroupCreated(bytes32 indexed group, bytes32 publisherKey, uint256 graceBlocks);
    event MemberAdded(bytes32 indexed group, address indexed member);
    event MemberRemoved(bytes32 indexed group, address indexed member);
    event PublisherKeySet(bytes32 indexed group, bytes32 publisherKey);
    event GraceSet(bytes32 indexed group, uint256 graceBlocks);

    event EpochPublished(
        bytes32 indexed group,
        uint256 indexed epoch,
        bytes32 membersRoot,
        bytes32 keyCommitment,
        address[] members
    );

    /// @notice The member opened its sealed key, and it is the one committed to.
    event Acknowledged(bytes32 indexed group, uint256 indexed epoch, address indexed member);

    /// @notice A member says that the sealed key under this root opens to something else than was committed to.
    /// @param proofHash SHA-256 of the proof, which is checked off chain (`protocol/escrow/misdelivery.ts`).
    event MisdeliveryReported(
        bytes32 indexed group,
        uint256 indexed epoch,
        address indexed member,
        bytes32 sealedKeyHash,
        bytes32 proofHash
    );

    /// @param commitments Feldman's commitments, compressed ed25519 points; the first one belongs to the secret.
    event TrusteesSet(bytes32 indexed group, uint256 indexed generation, address[] trustees, bytes32[] commitments);

    event RecoveryRequested(
        bytes32 indexed requestId,
        bytes32 indexed group,
        address indexed agent,
        uint256 epoch,
        uint256 generation,
        bytes32 recipientKey
    );
    event RecoveryApproved(bytes32 indexed requestId, address indexed trustee, uint256 approvals);
    event RecoveryTimelocked(bytes32 indexed requestId, uint256 releasableAtBlock);
    event RecoveryReleased(bytes32 indexed requestId, bytes32 indexed group, bytes32 recipientKey);
    event RecoveryCancelled(bytes32 indexed requestId);

    /// @notice Thrown if a group of that id exists.
    error GroupExists(bytes32 group);

    /// @notice Thrown if there is no group of that id.
    error NoSuchGroup(bytes32 group);

    /// @notice Thrown if a key, root, commitment or list is empty.
    error EmptyValue();

    /// @notice Thrown if the grace period or the timelock is longer than `limit` blocks.
    error TooManyBlocks(uint256 got, uint256 limit);

    /// @notice Thrown if the agent is not registered, or deactivated.
    error AgentNotActive(address agent);

    /// @notice Thrown if a write for an agent is called by another account than its owner.
    error NotAgentOwner(address agent, address caller, address owner);

    /// @notice Thrown if the agent is a member of the group already.
    error AlreadyMember(bytes32 group, address agent);

    /// @notice Thrown if the agent is not a member of the group, or of the epoch.
    error NotMember(bytes32 group, address agent);

    /// @notice Thrown if the group had as many members over time as it can have.
    error TooManyMembers(uint256 limit);

    /// @notice Thrown if a list is longer than one transaction can take (EIP-7825).
    error TooLong(uint256 got, uint256 limit);

    /// @notice Thrown if an epoch is not the one after the last.
    error EpochOrder(uint256 got, uint256 expected);

    /// @notice Thrown if there is no such epoch.
    error NoSuchEpoch(bytes32 group, uint256 epoch);

    /// @notice Thrown if addresses are not in ascending order, or one stands twice.
    error NotAscending(address before, address after_);

    /// @notice Thrown if the agent is not attested in this block.
    error NotAttested(address agent);

    /// @notice Thrown if an acknowledgement names another commitment than the epoch has.
    error WrongCommitment(bytes32 got, bytes32 expected);

    /// @notice Thrown if the member acknowledged the epoch before.
    error AlreadyAcknowledged(address agent, uint256 epoch);

    /// @notice Thrown if the sealed key is not under the epoch's root.
    error NotUnderRoot(address member, bytes32 sealedKeyHash, bytes32 root);

    /// @notice Thrown if the threshold is below 2, or above the number of trustees, or not the number of commitments.
    error InvalidThreshold(uint256 threshold, uint256 trustees, uint256 commitments);

    /// @notice Thrown if the epoch's key was not sealed to trustees, or to others than those of today.
    error NotRecoverable(bytes32 group, uint256 epoch);

    /// @notice Thrown if the request is not in the state that the call needs.
    error WrongRecoveryState(bytes32 requestId, RecoveryState got, RecoveryState needed);

    /// @notice Thrown if an approval is not of a trustee of the request's generation, or comes a second time.
    error NotPendingTrustee(bytes32 requestId, address trustee);

    /// @notice Thrown if a request is released before its block.
    error TooEarly(uint256 blockNumber, uint256 notBefore);

    /// @notice Most agents that can ever have been members of a group.
    function MAX_MEMBERS() external view returns (uint256);

    /// @notice Most members that one epoch can have: that many are checked in one transaction.
    function MAX_HOLDERS() external view returns (uint256);

    /// @notice Most agents that one call adds or removes.
    function MAX_BATCH() external view returns (uint256);

    /// @notice Most trustees that a group can have at a time.
    function MAX_TRUSTEES() external view returns (uint256);

    /// @notice Longest grace period and timelock, in blocks.
    function MAX_BLOCKS() external view returns (uint256);

    /// @notice Makes a group. Restricted to the orchestrator.
    /// @param group `keccak256(abi.encode(GROUP_TYPEHASH, keccak256(name)))`
    /// @param publisherKey X25519 key of whoever seals this group's keys.
    /// @param graceBlocks for how long an epoch may still be listened to once the next is published.
    function createGroup(bytes32 group, bytes32 publisherKey, uint256 graceBlocks) external;

    /// @notice For epochs published from now on. Restricted.
    function setPublisherKey(bytes32 group, bytes32 publisherKey) external;

    /// @notice Restricted.
    function setGrace(bytes32 group, uint256 graceBlocks) external;

    /// @notice Lets agents take part from the next epoch on, at most MAX_BATCH a call. Restricted.
    function addMembers(bytes32 group, address[] calldata agents) external;

    /// @notice Takes agents out, at most MAX_BATCH a call. If one of them holds the current key, that epoch ends in this
    /// block, for good. Restricted.
    function removeMembers(bytes32 group, address[] calldata agents) external;

    /// @notice Publishes the next epoch. Restricted.
    /// @param epoch counts from 1; names the next one, so that a repeated call does nothing twice.
    /// @param members in ascending order, at most MAX_HOLDERS. Those of the group who are left out have no part in this epoch.
    /// @dev Warning: publish only what can be opened: the sealed keys must be safe before they are committed to here.
    function publishEpoch(
        bytes32 group,
        uint256 epoch,
        bytes32 membersRoot,
        bytes32 keyCommitment,
        address[] calldata members
    ) external;

    /// @notice The member says that it holds the key committed to. Called by its owner.
    function acknowledge(address agent, bytes32 group, uint256 epoch, bytes32 keyCommitment) external;

    /// @notice The same, carried by anyone, with the owner's EIP-712 signature (`protocol/eip712/keyEscrow.ts`).
    /// @param nonce of the agent, whoever owns it, OpenZeppelin NoncesKeyed: key << 64 | sequence.
    /// @param deadline Unix seconds.
    function acknowledgeSigned(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 keyCommitment,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Puts on record that a member was given something else than the key committed to. That the sealed key is the
    /// publisher's is checked here, by its root; what it opens to is proven by the proof, off chain.
    /// @dev It ends nothing: else one member could end any epoch by saying so. Who checked the proof rotates.
    /// @param sealedKeyHash keccak256 of the sealed key.
    /// @param merkleProof that it is under the epoch's root.
    /// @param proofHash SHA-256 of the proof.
    function reportMisdelivery(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof,
        bytes32 proofHash
    ) external;

    /// @dev The Merkle proof is not signed: it proves itself.
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
    ) external;

    /// @notice Names the trustees of the epochs to come, and what their shares are. Replaces those before, whose open
    /// requests end. Restricted.
    /// @param trustees in ascending order; the share of the one at place i is Feldman's at x = i + 1.
    /// @param commitments compressed ed25519 points, as many as the threshold; kept in the event, and their hash here.
    /// @param sharesRoot see `TrusteeSet`.
    /// @param recoveryKey see `TrusteeSet`.
    function setTrustees(
        bytes32 group,
        address[] calldata trustees,
        bytes32[] calldata commitments,
        bytes32 sharesRoot,
        bytes32 recoveryKey,
        uint256 threshold,
        uint256 timelockBlocks
    ) external;

    /// @notice Asks the trustees for the key of an epoch. Called by the owner of an agent that is a member of the group
    /// and attested.
    /// @param recipientKey a fresh X25519 key.
    function requestRecovery(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 recipientKey
    ) external returns (bytes32 requestId);

    function requestRecoverySigned(
        address agent,
        bytes32 group,
        uint256 epoch,
        bytes32 recipientKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32 requestId);

    /// @notice Approves a request, called by a trustee. The approval that reaches the threshold starts the timelock.
    function approveRecovery(bytes32 requestId) external;

    function approveRecoverySigned(
        address trustee,
        bytes32 requestId,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Releases an approved request when its timelock is over, if the agent is still a member and attested. Open to
    /// anyone. Trustees hand out shares only for what is released.
    function releaseRecovery(bytes32 requestId) external;

    /// @notice Withdraws a request, called by the agent's owner.
    function cancelRecovery(bytes32 requestId) external;

    function cancelRecoverySigned(
        address agent,
        bytes32 requestId,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Stops a request that is not released yet. Restricted to the orchestrator.
    function vetoRecovery(bytes32 requestId) external;

    /// @notice Whether the group's last epoch may be used in this very block: it has one, and each of its members is still
    /// a member and attested, and was so without a gap since it was published. An epoch that ended never comes back.
    function isCurrent(bytes32 group) external view returns (bool);

    /// @notice Whether messages under an epoch may be believed in this block: the last epoch while it is current; the one
    /// before it during the grace period, if each of its members is still a member and attested, without a gap.
    function accepts(bytes32 group, uint256 epoch) external view returns (bool);

    /// @notice What an agent has to know before it uses a key, in one call.
    /// @return epoch the last epoch; 0 = none.
    /// @return current as `isCurrent`.
    /// @return previousAccepted as `accepts` for the epoch before.
    /// @return keyCommitment of the last epoch.
    /// @return blockNumber of the block that the answer is about.
    function viewOf(
        bytes32 group
    )
        external
        view
        returns (uint256 epoch, bool current, bool previousAccepted, bytes32 keyCommitment, uint256 blockNumber);

    /// @notice The group's last epoch; 0 = none.
    function lastEpoch(bytes32 group) external view returns (uint256);

    function epochOf(bytes32 group, uint256 epoch) external view returns (EpochRecord memory);

    /// @notice The last epoch published in that block or before; 0 = none. For a block that is not past yet the answer may
    /// still change.
    function epochAt(bytes32 group, uint256 blockNumber) external view returns (uint256 epoch);

    /// @notice Who was given the epoch's key, in the order in which they first joined the group.
    function membersOfEpoch(bytes32 group, uint256 epoch) external view returns (address[] memory);

    /// @notice Whether the member acknowledged the epoch.
    function hasAcknowledged(bytes32 group, uint256 epoch, address member) external view returns (bool);

    /// @notice The members of today, in the order in which they first joined.
    function membersOf(bytes32 group) external view returns (address[] memory);

    function isMember(bytes32 group, address agent) external view returns (bool);

    function groupOf(bytes32 group) external view returns (bytes32 publisherKey, uint256 graceBlocks);

    /// @notice Whether a sealed key is the one that the epoch's root holds for the member.
    function verifySealedKey(
        bytes32 group,
        uint256 epoch,
        address member,
        bytes32 sealedKeyHash,
        bytes32[] calldata merkleProof
    ) external view returns (bool);

    /// @notice Number of the trustees of today; 0 = none.
    function lastGeneration(bytes32 group) external view returns (uint256);

    function trusteesOf(bytes32 group, uint256 generation) external view returns (TrusteeSet memory);

    /// @notice Whether a sealed share is the one that the generation's root holds for the trustee.
    function verifySealedShare(
        bytes32 group,
        uint256 generation,
        address trustee,
        bytes32 sealedShareHash,
        bytes32[] calldata merkleProof
    ) external view returns (bool);

    function recoveryOf(bytes32 requestId) external view returns (RecoveryRequest memory);

    function attestationRegistry() external view returns (address);

    function agentRegistry() external view returns (address);
}
