// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistryTypes} from "../generated/TypeHashes.sol";
import {IAgentRegistry, SigningKey} from "../interfaces/IAgentRegistry.sol";
import {Ed25519Key} from "../libraries/Ed25519Key.sol";
import {FLAG_DEACTIVATED, IdentityWord} from "../types/IdentityWord.sol";
import {AgentStore, Identity} from "./AgentStore.sol";
import {KeyWindows} from "./KeyWindows.sol";

/// @dev Registration and Ed25519 signing keys.
abstract contract AgentKeys is AgentStore {
    using KeyWindows for Identity;

    /// How an Ed25519 key is named in the DID document: `Ed25519VerificationKey2018` with `publicKeyBase58`.
    bytes32 internal constant SIGNING_KEY_ATTRIBUTE = "did/pub/Ed25519/veriKey/base58";

    /// `validTo` of a key that has no end: no did:ethr resolver needs more than 64 bits.
    uint256 private constant NO_END = type(uint64).max;

    /// @inheritdoc IAgentRegistry
    uint256 public constant MAX_SIGNING_KEYS = 256;

    /// @inheritdoc IAgentRegistry
    function register(bytes32 signingKey) external {
        _requireOwner(msg.sender);
        _register(msg.sender, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function registerSigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(AgentRegistryTypes.REGISTER, agent, signingKey, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _register(agent, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function addSigningKey(address agent, bytes32 signingKey) external {
        _requireOwner(agent);
        _addSigningKey(agent, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function addSigningKeySigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.ADD_SIGNING_KEY;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, signingKey, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _addSigningKey(agent, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function revokeSigningKey(address agent, bytes32 signingKey) external {
        _requireOwner(agent);
        _revokeSigningKey(agent, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function revokeSigningKeySigned(
        address agent,
        bytes32 signingKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.REVOKE_SIGNING_KEY;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, signingKey, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _revokeSigningKey(agent, signingKey);
    }

    /// @inheritdoc IAgentRegistry
    function rotateSigningKey(address agent, bytes32 oldKey, bytes32 newKey) external {
        _requireOwner(agent);
        _revokeSigningKey(agent, oldKey);
        _addSigningKey(agent, newKey);
    }

    /// @inheritdoc IAgentRegistry
    function rotateSigningKeySigned(
        address agent,
        bytes32 oldKey,
        bytes32 newKey,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.ROTATE_SIGNING_KEY;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, oldKey, newKey, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _revokeSigningKey(agent, oldKey);
        _addSigningKey(agent, newKey);
    }

    /// @inheritdoc IAgentRegistry
    function signingKeyValidAt(address agent, bytes32 signingKey, uint256 blockNumber) external view returns (bool) {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        (bool found, uint256 index) = identity.indexOf(word, signingKey);
        if (!found) return false;
        // Nothing is written after the end, so `changed` is its block.
        if (word.has(FLAG_DEACTIVATED) && blockNumber >= word.changed()) return false;
        (uint256 added, uint256 revoked) = identity.windowAt(word, index);
        return added <= blockNumber && (revoked == 0 || blockNumber < revoked);
    }

    /// @inheritdoc IAgentRegistry
    function signingKeyCount(address agent) external view returns (uint256) {
        return _identity(agent).word.keyCount();
    }

    /// @inheritdoc IAgentRegistry
    function signingKeyAt(address agent, uint256 index) public view returns (SigningKey memory key) {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        if (index >= word.keyCount()) return key;
        (uint256 added, uint256 revoked) = identity.windowAt(word, index);
        return SigningKey(identity.keyAt(index), added, revoked);
    }

    function _register(address agent, bytes32 signingKey) private {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        if (word.keyCount() != 0) revert AlreadyRegistered(agent);
        emit AgentRegistered(agent);
        _appendKey(agent, identity, word, signingKey);
    }

    function _addSigningKey(address agent, bytes32 signingKey) private {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        uint256 count = word.keyCount();
        if (count == 0) revert NotRegistered(agent);
        if (count >= MAX_SIGNING_KEYS) revert TooManySigningKeys(count + 1, MAX_SIGNING_KEYS);
        (bool known, uint256 index) = identity.indexOf(word, signingKey);
        if (known) revert SigningKeyKnown(agent, signingKey, index);
        _appendKey(agent, identity, word, signingKey);
    }

    function _appendKey(address agent, Identity storage identity, IdentityWord word, bytes32 signingKey) private {
        if (!Ed25519Key.isAcceptable(signingKey)) revert SigningKeyRejected(signingKey);
        uint256 previous = word.changed();
        identity.word = identity.append(word, signingKey, block.number).withChanged(block.number);
        emit DIDAttributeChanged(agent, SIGNING_KEY_ATTRIBUTE, bytes.concat(signingKey), NO_END, previous);
    }

    function _revokeSigningKey(address agent, bytes32 signingKey) private {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        (bool known, uint256 index) = identity.indexOf(word, signingKey);
        if (!known) revert SigningKeyUnknown(agent, signingKey);
        (, uint256 revoked) = identity.windowAt(word, index);
        if (revoked != 0) revert SigningKeyAlreadyRevoked(agent, signingKey, revoked);
        uint256 previous = word.changed();
        identity.word = identity.close(word, index, block.number).withChanged(block.number);
        emit DIDAttributeChanged(agent, SIGNING_KEY_ATTRIBUTE, bytes.concat(signingKey), 0, previous);
    }
}
