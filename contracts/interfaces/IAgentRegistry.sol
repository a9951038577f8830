// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1056} from "./IERC1056.sol";

/// @notice An Ed25519 key and the blocks between which entries signed under it count.
/// @param addedAtBlock first block at which the key is valid.
/// @param revokedAtBlock first block at which it no longer is; 0 = not revoked.
struct SigningKey {
    bytes32 key;
    uint256 addedAtBlock;
    uint256 revokedAtBlock;
}

/// @notice All that the registry holds of an agent. ERC-1056 attributes and delegates other than signing keys are in
/// events only, as in ERC-1056; `changedAtBlock` is where their list starts.
/// @param owner zero once deactivated.
/// @param pendingOwner who was offered the ownership; zero = nobody.
/// @param active registered and not deactivated.
/// @param changedAtBlock block of the last ERC-1056 event; of a deactivated agent, the block of its end.
/// @param signingKeys every key it ever had, in the order in which they were added.
/// @param commitment `Poseidon(Ax, Ay)` of the zero-knowledge identity; 0 = none was proved.
/// @param threshold how many guardians must agree; 0 = there are none.
/// @param recoveryOwner whom the guardians want as owner; zero = no recovery is scheduled.
/// @param recoveryReadyAtBlock first block at which the recovery may be executed.
struct AgentState {
    address owner;
    address pendingOwner;
    bool registered;
    bool active;
    uint256 changedAtBlock;
    SigningKey[] signingKeys;
    string cardUri;
    bytes32 cardHash;
    uint256 commitment;
    uint256 commitmentBlock;
    address[] guardians;
    uint256 threshold;
    uint256 delayBlocks;
    address recoveryOwner;
    uint256 recoveryReadyAtBlock;
    address successor;
}

/// @title The agents: who they are, who owns them, which keys speak for them
/// @notice An ERC-1056 registry (did:ethr) that also keeps the current state readable in one call, ends an identity for
/// good, changes owners in two steps, recovers lost ones through guardians, and takes EIP-712 requests from anyone.
/// @dev Every write has two forms: called by the account that is entitled to it, or as `…Signed` with that account's
/// EIP-712 signature, a nonce (OpenZeppelin NoncesKeyed: key << 64 | sequence) and a deadline in Unix seconds. What an
/// owner signs counts the nonces of the agent, whoever owns it: used once, a request is used for every owner. What a
/// guardian or a next owner signs names that account and counts its nonces. The types are in
/// `protocol/eip712/agentRegistry.ts`. Accounts with code sign by ERC-1271; those of EIP-7702
/// by their own key or by ERC-1271.
/// @dev Once an agent is deactivated no function writes for it again; all of them revert with `AgentDeactivated`.
interface IAgentRegistry is IERC1056 {
    /// @notice The account became an agent. Its first signing key stands in the `DIDAttributeChanged` of the same block.
    event AgentRegistered(address indexed agent);

    /// @notice `newOwner` may take the ownership; zero = an offer was taken back.
    event OwnerOffered(address indexed agent, address indexed newOwner);

    /// @notice Final.
    /// @param successor the identity that goes on in its place; zero = none. A claim of this agent's owner alone:
    /// believe it only if the successor's card or entries name this agent too.
    event AgentEnded(address indexed agent, address indexed successor);

    /// @notice The agent's card: what it is, offers and where it listens (an A2A agent card), by address and hash.
    /// @param contentHash SHA-256 of the bytes at `uri`.
    /// @param capabilities all tags of this card; those of earlier cards no longer hold.
    event CardPublished(address indexed agent, string uri, bytes32 contentHash, bytes32[] capabilities);

    /// @notice One of a card's capabilities, to be found by topic. It holds while `contentHash` is the agent's card.
    /// @param capability ASCII such as `payment.charge`, zeros behind.
    event CapabilityDeclared(bytes32 indexed capability, address indexed agent, bytes32 contentHash);

    event GuardiansSet(address indexed agent, address[] guardians, uint256 threshold, uint256 delayBlocks);

    /// @param newOwner whom the guardian wants as owner from now on; zero = it took its approval back.
    event RecoveryApproved(address indexed agent, address indexed guardian, address newOwner);

    /// @notice Enough guardians agree. The owner can veto until somebody executes it.
    event RecoveryScheduled(address indexed agent, address newOwner, uint256 readyAtBlock);

    /// @notice So many guardians took their approval back that `newOwner` is wanted no more. Agreement on the same account
    /// starts the delay anew.
    event RecoveryDisarmed(address indexed agent, address newOwner);

    /// @notice All approvals given so far are void.
    event RecoveryVetoed(address indexed agent);

    event RecoveryExecuted(address indexed agent, address indexed newOwner);

    /// @notice The holder of the zero-knowledge identity and the agent's owner both vouched for their being one.
    /// @param recipient for whom the proof was made.
    event KeyOwnershipProved(address indexed agent, uint256 indexed commitment, address indexed recipient);

    /// @notice Thrown by every write for an agent that was deactivated.
    error AgentDeactivated(address agent);

    /// @notice Thrown if an account that is an agent already is registered.
    error AlreadyRegistered(address agent);

    /// @notice Thrown if the account is not an agent yet.
    error NotRegistered(address agent);

    /// @notice Thrown if a write is called by another account than the owner.
    error NotOwner(address agent, address caller, address owner);

    /// @notice Thrown if the ownership is taken by another account than the one it was offered to, or that the guardians
    /// agreed on (zero = nobody).
    error NotPendingOwner(address agent, address caller, address pendingOwner);

    /// @notice Thrown if a key is not canonical or of low order.
    error SigningKeyRejected(bytes32 signingKey);

    /// @notice Thrown if the agent has or had the key. A revoked key never comes back.
    error SigningKeyKnown(address agent, bytes32 signingKey, uint256 index);

    /// @notice Thrown if the key is not among the agent's keys.
    error SigningKeyUnknown(address agent, bytes32 signingKey);

    /// @notice Thrown if the key was revoked before.
    error SigningKeyAlreadyRevoked(address agent, bytes32 signingKey, uint256 revokedAtBlock);

    /// @notice Thrown if the agent would have had more keys than `limit` in its life.
    error TooManySigningKeys(uint256 got, uint256 limit);

    /// @notice Thrown if an Ed25519 key is set or revoked as a plain attribute: it would be in the DID document without
    /// having been checked, and without being a signing key.
    error SigningKeyNotAnAttribute(bytes32 name);

    /// @notice Thrown if a validity would end after the last second that fits 64 bits.
    error ValidityTooLong(uint256 got, uint256 limit);

    /// @notice Thrown if a card has more capabilities than `limit`.
    error TooManyCapabilities(uint256 got, uint256 limit);

    /// @notice Thrown if a card's URI has a character that no URI has (RFC 3986): a control character, a blank, one beyond
    /// ASCII. Whoever shows the URI would let its writer speak through it.
    /// @param position of the first such byte.
    error CardUriCharacter(uint256 position, bytes1 got);

    /// @notice Thrown if an agent names itself as its successor.
    error SuccessorIsAgent(address agent);

    /// @notice Thrown if there would be more guardians than `limit`.
    error TooManyGuardians(uint256 got, uint256 limit);

    /// @notice Thrown if guardian `index` is not greater than the one before it (so that none is named twice, or zero).
    error GuardiansNotAscending(uint256 index);

    /// @notice Thrown if the threshold is zero, or more than `limit` guardians; without guardians it must be zero.
    error GuardianThreshold(uint256 got, uint256 limit);

    /// @notice Thrown if the timelock of a recovery is outside `MIN_RECOVERY_DELAY_BLOCKS` to `limit`.
    error RecoveryDelay(uint256 got, uint256 limit);

    /// @notice Thrown if an approval comes from an account that is not a guardian of the agent.
    error NotGuardian(address agent, address caller);

    /// @notice Thrown if there is nothing to veto or to execute.
    error NoRecovery(address agent);

    /// @notice Thrown if a recovery is executed before its timelock ran out.
    error RecoveryTooEarly(uint256 blockNumber, uint256 readyAtBlock);

    /// @notice Thrown if fewer guardians approve than the threshold asks.
    error RecoveryNotApproved(uint256 got, uint256 threshold);

    /// @notice Thrown if the commitment belongs to another agent.
    error CommitmentBound(uint256 commitment, address agent);

    /// @notice Thrown if the proof does not prove knowledge of the key behind `commitment` for exactly this claim.
    error InvalidKeyOwnershipProof(address agent, uint256 commitment);

    /// @notice Id of the circuit whose proofs `proveKeyOwnership` takes.
    // solhint-disable-next-line func-name-mixedcase
    function CIRCUIT_ID() external view returns (bytes32);

    /// @notice How many signing keys an agent can have in its life.
    // solhint-disable-next-line func-name-mixedcase
    function MAX_SIGNING_KEYS() external view returns (uint256);

    /// @notice Shortest timelock of a recovery.
    // solhint-disable-next-line func-name-mixedcase
    function MIN_RECOVERY_DELAY_BLOCKS() external view returns (uint256);

    /// @notice Makes the caller an agent with its first signing key.
    /// @param signingKey Ed25519, 32 bytes of RFC 8032.
    function register(bytes32 signingKey) external;

    function registerSigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Adds a key beside those that are valid.
    function addSigningKey(address agent, bytes32 signingKey) external;

    function addSigningKeySigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Ends a key with this block.
    function revokeSigningKey(address agent, bytes32 signingKey) external;

    function revokeSigningKeySigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Revokes one key and adds another in the same block.
    function rotateSigningKey(address agent, bytes32 oldKey, bytes32 newKey) external;

    function rotateSigningKeySigned(
        address agent,
        bytes32 oldKey,
        bytes32 newKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    function changeOwnerSigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes the ownership that was offered to the caller. Guardians of the owner before are dismissed.
    function acceptOwner(address agent) external;

    /// @dev Signed by `newOwner`.
    function acceptOwnerSigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    function addDelegateSigned(
        address agent,
        bytes32 delegateType,
        address delegate,
        uint256 validitySec,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    function revokeDelegateSigned(
        address agent,
        bytes32 delegateType,
        address delegate,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    function setAttributeSigned(
        address agent,
        bytes32 name,
        bytes calldata value,
        uint256 validitySec,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    function revokeAttributeSigned(
        address agent,
        bytes32 name,
        bytes calldata value,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Publishes the agent's card; an empty `uri` and zero hash take it back.
    /// @param uri printable ASCII without blanks, as every URI is.
    /// @param contentHash SHA-256 of the card's bytes.
    /// @param capabilities at most 16 tags, ASCII, zeros behind.
    function setCard(address agent, string calldata uri, bytes32 contentHash, bytes32[] calldata capabilities) external;

    function setCardSigned(
        address agent,
        string calldata uri,
        bytes32 contentHash,
        bytes32[] calldata capabilities,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Names who may recover the agent if its owner's key is lost. Voids a recovery that is under way.
    /// @param guardians at most 16, in ascending order; none = no recovery.
    /// @param threshold how many of them must agree.
    /// @param delayBlocks blocks between their agreement and its earliest effect: the time in which to veto.
    /// @dev Warning: who holds the owner's key can veto and dismiss guardians. They help against loss, not against theft.
    function setGuardians(address agent, address[] calldata guardians, uint256 threshold, uint256 delayBlocks) external;

    function setGuardiansSigned(
        address agent,
        address[] calldata guardians,
        uint256 threshold,
        uint256 delayBlocks,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice The calling guardian wants `newOwner` as owner. Its latest word counts; zero takes it back. When enough
    /// guardians want the same account, the timelock starts; if they agree on another one, it starts anew. If they no
    /// longer agree, it is over, and the next agreement starts it anew.
    function approveRecovery(address agent, address newOwner) external;

    /// @dev Signed by `guardian`.
    function approveRecoverySigned(
        address agent,
        address guardian,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Voids all approvals, and the recovery they scheduled.
    function vetoRecovery(address agent) external;

    function vetoRecoverySigned(address agent, uint256 nonce, uint256 deadline, bytes calldata signature) external;

    /// @notice Makes the caller, whom the guardians agreed on, the owner, after the timelock. Signing keys stay as they are:
    /// the new owner revokes those that are not in its hands.
    function executeRecovery(address agent) external;

    /// @dev Signed by `newOwner`.
    function executeRecoverySigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Ends the agent for good: no key is valid from this block on and nothing is written for it again.
    /// @param successor the identity that goes on in its place; zero = none.
    function deactivate(address agent, address successor) external;

    function deactivateSigned(
        address agent,
        address successor,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Binds a zero-knowledge identity to the agent, called by the agent's owner.
    /// @param commitment `Poseidon(Ax, Ay)`.
    /// @param recipient for whom the proof is made; part of what is proved, so that nobody can redirect it.
    /// @param proof `abi.encode(uint256[2] a, uint256[2][2] b, uint256[2] c)` over `[commitment, action]`, where `action`
    /// is the EIP-712 digest of `KeyOwnership(agent, commitment, recipient, nonce, deadline)`, shifted right by 8.
    /// @dev Without the owner's consent anyone could bind a key of their own to an agent of somebody else.
    function proveKeyOwnership(
        address agent,
        uint256 commitment,
        address recipient,
        uint256 nonce,
        uint256 deadline,
        bytes calldata proof
    ) external;

    /// @notice The same, carried by anyone.
    /// @param signature the owner's, over the same `KeyOwnership` claim that the proof is bound to.
    function proveKeyOwnershipSigned(
        address agent,
        uint256 commitment,
        address recipient,
        uint256 nonce,
        uint256 deadline,
        bytes calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Registered and not deactivated.
    function isActive(address agent) external view returns (bool);

    /// @notice The owner of an active agent, zero for any other.
    function activeOwner(address agent) external view returns (address);

    /// @notice Whether entries that name `blockNumber` may be signed under the key: it was added at that block or
    /// before, and neither the key was revoked nor the agent deactivated by then.
    /// @dev For a block that is not past yet the answer may still change. Reads up to all keys of the agent: from
    /// another contract, prefer `signingKeyAt`.
    function signingKeyValidAt(address agent, bytes32 signingKey, uint256 blockNumber) external view returns (bool);

    /// @notice How many signing keys the agent ever had; 0 = not registered.
    function signingKeyCount(address agent) external view returns (uint256);

    /// @notice Key number `index`, from 0, in the order in which they were added. Zeros if there is none.
    function signingKeyAt(address agent, uint256 index) external view returns (SigningKey memory);

    /// @notice The zero-knowledge identity of an agent and the block in which it was proved; zeros if none was.
    function commitmentOf(address agent) external view returns (uint256 commitment, uint256 blockNumber);

    /// @notice The agent a zero-knowledge identity is bound to; zero if to none.
    function agentOfCommitment(uint256 commitment) external view returns (address);

    /// @notice All that the registry holds of the agent, in one call.
    function resolve(address agent) external view returns (AgentState memory);

    /// @notice The table of proof verifiers.
    function verifierRegistry() external view returns (address);
}
