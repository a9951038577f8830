// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {GovernedRegistry} from "../base/GovernedRegistry.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {FLAG_DEACTIVATED, FLAG_OWNER_PENDING, FLAG_OWNER_SET, IdentityWord} from "../types/IdentityWord.sol";

/// @dev One agent. The first two slots are all that a registration writes.
struct Identity {
    IdentityWord word;
    bytes32 firstKey;
    /// Meant only while FLAG_OWNER_SET stands.
    address owner;
    /// Meant only while FLAG_OWNER_PENDING stands.
    address pendingOwner;
    /// Keys 1 and up.
    mapping(uint256 index => bytes32) laterKeys;
    /// Blocks of keys 2 and up, three to a slot, 80 bits each: added, then revoked.
    mapping(uint256 slot => uint256) laterWindows;
    mapping(bytes32 typeHash => mapping(address delegate => uint256 validToSec)) delegates;
    address successor;
    bytes32 cardHash;
    string cardUri;
    uint256 commitment;
    Guardianship guardianship;
}

/// @dev Whose a ZK commitment is, for good, and the block of its last proof. One slot.
struct CommitmentBinding {
    address agent;
    uint64 blockNumber;
}

/// @dev Who may recover an agent. A new epoch voids every approval given before.
struct Guardianship {
    uint8 threshold;
    uint32 delayBlocks;
    uint48 epoch;
    uint48 recoveryReadyAtBlock;
    address recoveryOwner;
    address[] guardians;
    mapping(uint256 epoch => mapping(address guardian => address newOwner)) approvals;
}

/// @dev Storage of the agents, and who may write for them.
abstract contract AgentStore is IAgentRegistry, GovernedRegistry {
    /// @custom:storage-location erc7201:affiant.storage.AgentRegistry
    struct AgentRegistryStorage {
        mapping(address agent => Identity) identities;
        mapping(uint256 commitment => CommitmentBinding) bindings;
        address verifierRegistry;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.AgentRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant AGENT_REGISTRY_STORAGE =
        0x14f7ea5d9af6021456f855f18ffcef28ebda9b90068c3a8be268b3da32d7bd00;

    function _store() internal pure returns (AgentRegistryStorage storage $) {
        assembly {
            $.slot := AGENT_REGISTRY_STORAGE
        }
    }

    function _identity(address agent) internal view returns (Identity storage) {
        return _store().identities[agent];
    }

    /// @dev Zero once deactivated, so that no caller and no signer can be the owner then.
    function _ownerOf(address agent, Identity storage identity, IdentityWord word) internal view returns (address) {
        if (word.has(FLAG_DEACTIVATED)) return address(0);
        return word.has(FLAG_OWNER_SET) ? identity.owner : agent;
    }

    function _pendingOwnerOf(Identity storage identity, IdentityWord word) internal view returns (address) {
        return word.has(FLAG_OWNER_PENDING) ? identity.pendingOwner : address(0);
    }

    function _requireLive(address agent, IdentityWord word) internal pure {
        if (word.has(FLAG_DEACTIVATED)) revert AgentDeactivated(agent);
    }

    /// @dev Every write that its owner calls goes through here.
    function _requireOwner(address agent) internal view {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        _requireLive(agent, word);
        address owner = _ownerOf(agent, identity, word);
        if (msg.sender != owner) revert NotOwner(agent, msg.sender, owner);
    }

    /// @dev Every write that its owner signed goes through here.
    function _requireOwnerSignature(
        address agent,
        bytes32 structHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) internal {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        _requireLive(agent, word);
        _checkRequestOf(agent, _ownerOf(agent, identity, word), structHash, nonce, deadline, signature);
    }

    /// @inheritdoc IAgentRegistry
    function isActive(address agent) public view returns (bool) {
        IdentityWord word = _identity(agent).word;
        return word.keyCount() != 0 && !word.has(FLAG_DEACTIVATED);
    }

    /// @inheritdoc IAgentRegistry
    function activeOwner(address agent) external view returns (address) {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        return word.keyCount() == 0 ? address(0) : _ownerOf(agent, identity, word);
    }

    /// @dev The sequence under nonce key 0 lives in the account's own first slot: a request for an agent pays for no slot of
    /// its own. Checked arithmetic ends the sequence instead of starting it over.
    function nonces(address account) public view override returns (uint256) {
        return _identity(account).word.nonce();
    }

    function _useNonce(address account) internal override returns (uint256 current) {
        Identity storage identity = _identity(account);
        IdentityWord word = identity.word;
        uint32 value = word.nonce();
        identity.word = word.withNonce(value + 1);
        return value;
    }
}
