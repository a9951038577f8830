// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentDocument} from "./agent/AgentDocument.sol";
import {AgentKeys} from "./agent/AgentKeys.sol";
import {AgentRecovery} from "./agent/AgentRecovery.sol";
import {CommitmentBinding, Guardianship, Identity} from "./agent/AgentStore.sol";
import {AgentRegistryTypes} from "./generated/TypeHashes.sol";
import {AgentState, IAgentRegistry, SigningKey} from "./interfaces/IAgentRegistry.sol";
import {IERC1056} from "./interfaces/IERC1056.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {CircuitIds} from "./libraries/CircuitIds.sol";
import {IdentityWord} from "./types/IdentityWord.sol";

/// @title AgentRegistry
/// @dev Lives behind an ERC1967Proxy (UUPS). In `agent/`: storage and authorization (AgentStore), signing keys
/// (AgentKeys), delegates, attributes and card (AgentDocument), owners (AgentOwnership), guardians (AgentRecovery).
contract AgentRegistry is AgentKeys, AgentDocument, AgentRecovery {
    /// @inheritdoc IAgentRegistry
    bytes32 public constant CIRCUIT_ID = CircuitIds.KEY_OWNERSHIP;

    /// @param minRecoveryDelayBlocks on the chain that it is deployed to.
    // solhint-disable-next-line no-empty-blocks
    constructor(uint256 minRecoveryDelayBlocks) AgentRecovery(minRecoveryDelayBlocks) {}

    /// @param accessManager holds the roles that upgrade and freeze.
    /// @param verifierRegistry_ judges the proofs of `proveKeyOwnership`.
    function initialize(address accessManager, address verifierRegistry_) external initializer {
        __AccessManaged_init(accessManager);
        _store().verifierRegistry = verifierRegistry_;
    }

    /// @inheritdoc IAgentRegistry
    function proveKeyOwnership(
        address agent,
        uint256 commitment,
        address recipient,
        uint256 nonce_,
        uint256 deadline,
        bytes calldata proof
    ) external {
        _requireOwner(agent);
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        _useCheckedNonce(agent, nonce_);
        _bindCommitment(
            agent,
            commitment,
            recipient,
            _keyOwnershipHash(agent, commitment, recipient, nonce_, deadline),
            proof
        );
    }

    /// @inheritdoc IAgentRegistry
    function proveKeyOwnershipSigned(
        address agent,
        uint256 commitment,
        address recipient,
        uint256 nonce_,
        uint256 deadline,
        bytes calldata proof,
        bytes calldata signature
    ) external {
        bytes32 structHash = _keyOwnershipHash(agent, commitment, recipient, nonce_, deadline);
        _requireOwnerSignature(agent, structHash, nonce_, deadline, signature);
        _bindCommitment(agent, commitment, recipient, structHash, proof);
    }

    /// @inheritdoc IERC1056
    function nonce(address account) external view returns (uint256) {
        return nonces(account);
    }

    /// @inheritdoc IAgentRegistry
    function commitmentOf(address agent) public view returns (uint256 commitment, uint256 blockNumber) {
        commitment = _identity(agent).commitment;
        if (commitment != 0) blockNumber = _store().bindings[commitment].blockNumber;
    }

    /// @inheritdoc IAgentRegistry
    function agentOfCommitment(uint256 commitment) external view returns (address) {
        return _store().bindings[commitment].agent;
    }

    /// @inheritdoc IAgentRegistry
    function verifierRegistry() external view returns (address) {
        return _store().verifierRegistry;
    }

    /// @inheritdoc IAgentRegistry
    function resolve(address agent) external view returns (AgentState memory state) {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        Guardianship storage guardianship = identity.guardianship;
        state.owner = _ownerOf(agent, identity, word);
        state.pendingOwner = _pendingOwnerOf(identity, word);
        state.registered = word.keyCount() != 0;
        state.active = isActive(agent);
        state.changedAtBlock = word.changed();
        state.signingKeys = new SigningKey[](word.keyCount());
        for (uint256 i = 0; i < state.signingKeys.length; ++i) state.signingKeys[i] = signingKeyAt(agent, i);
        state.cardUri = identity.cardUri;
        state.cardHash = identity.cardHash;
        (state.commitment, state.commitmentBlock) = commitmentOf(agent);
        state.guardians = guardianship.guardians;
        state.threshold = guardianship.threshold;
        state.delayBlocks = guardianship.delayBlocks;
        state.recoveryOwner = guardianship.recoveryOwner;
        state.recoveryReadyAtBlock = guardianship.recoveryReadyAtBlock;
        state.successor = identity.successor;
    }

    function _keyOwnershipHash(
        address agent,
        uint256 commitment,
        address recipient,
        uint256 nonce_,
        uint256 deadline
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(AgentRegistryTypes.KEY_OWNERSHIP, agent, commitment, recipient, nonce_, deadline));
    }

    /// @dev The proof's action is recomputed here from the claim, so that whoever carries it can change nothing.
    function _bindCommitment(
        address agent,
        uint256 commitment,
        address recipient,
        bytes32 structHash,
        bytes calldata proof
    ) private {
        Identity storage identity = _identity(agent);
        if (identity.word.keyCount() == 0) revert NotRegistered(agent);
        AgentRegistryStorage storage $ = _store();
        address bound = $.bindings[commitment].agent;
        if (bound != address(0) && bound != agent) revert CommitmentBound(commitment, bound);
        uint256[] memory signals = new uint256[](2);
        signals[0] = commitment;
        signals[1] = uint256(_hashTypedDataV4(structHash)) >> 8;
        if (!IVerifierRegistry($.verifierRegistry).verifyProof(CIRCUIT_ID, proof, signals)) {
            revert InvalidKeyOwnershipProof(agent, commitment);
        }
        $.bindings[commitment] = CommitmentBinding({agent: agent, blockNumber: uint64(block.number)});
        identity.commitment = commitment;
        emit KeyOwnershipProved(agent, commitment, recipient);
    }

    // The domain's text is code, not storage: two reads less for each signed request.

    function _EIP712Name() internal pure override returns (string memory) {
        return "Affiant AgentRegistry";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "2";
    }
}
