// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistryTypes} from "../generated/TypeHashes.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {IERC1056} from "../interfaces/IERC1056.sol";
import {
    FLAG_DEACTIVATED,
    FLAG_GUARDED,
    FLAG_OWNER_PENDING,
    FLAG_OWNER_SET,
    IdentityWord
} from "../types/IdentityWord.sol";
import {AgentStore, Guardianship, Identity} from "./AgentStore.sol";

/// @dev Owners: how they change, and how an agent ends.
abstract contract AgentOwnership is AgentStore {
    /// @inheritdoc IERC1056
    function changeOwner(address agent, address newOwner) external {
        _requireOwner(agent);
        _offerOwner(agent, newOwner);
    }

    /// @inheritdoc IAgentRegistry
    function changeOwnerSigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(AgentRegistryTypes.CHANGE_OWNER, agent, newOwner, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _offerOwner(agent, newOwner);
    }

    /// @inheritdoc IAgentRegistry
    function acceptOwner(address agent) external {
        _acceptOwner(agent, msg.sender);
    }

    /// @inheritdoc IAgentRegistry
    function acceptOwnerSigned(
        address agent,
        address newOwner,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(AgentRegistryTypes.ACCEPT_OWNER, agent, newOwner, nonce, deadline));
        _checkRequest(newOwner, structHash, nonce, deadline, signature);
        _acceptOwner(agent, newOwner);
    }

    /// @inheritdoc IAgentRegistry
    function deactivate(address agent, address successor) external {
        _requireOwner(agent);
        _deactivate(agent, successor);
    }

    /// @inheritdoc IAgentRegistry
    function deactivateSigned(
        address agent,
        address successor,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(AgentRegistryTypes.DEACTIVATE, agent, successor, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _deactivate(agent, successor);
    }

    /// @inheritdoc IERC1056
    function identityOwner(address agent) public view returns (address) {
        Identity storage identity = _identity(agent);
        return _ownerOf(agent, identity, identity.word);
    }

    /// @inheritdoc IERC1056
    function owners(address agent) external view returns (address) {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        return word.has(FLAG_OWNER_SET) ? _ownerOf(agent, identity, word) : address(0);
    }

    /// @inheritdoc IERC1056
    function changed(address agent) external view returns (uint256) {
        return _identity(agent).word.changed();
    }

    function _offerOwner(address agent, address newOwner) private {
        if (newOwner == address(0)) {
            _deactivate(agent, address(0));
            return;
        }
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        if (newOwner == _ownerOf(agent, identity, word)) {
            identity.word = word.withoutFlag(FLAG_OWNER_PENDING);
            emit OwnerOffered(agent, address(0));
        } else {
            identity.word = word.withFlag(FLAG_OWNER_PENDING);
            identity.pendingOwner = newOwner;
            emit OwnerOffered(agent, newOwner);
        }
    }

    function _acceptOwner(address agent, address newOwner) private {
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        _requireLive(agent, word);
        address pending = _pendingOwnerOf(identity, word);
        if (newOwner != pending) revert NotPendingOwner(agent, newOwner, pending);
        if (word.has(FLAG_GUARDED)) _dismissGuardians(agent, identity.guardianship);
        _setOwner(agent, identity, word.withoutFlag(FLAG_GUARDED), newOwner);
    }

    /// @dev Guardians are the trust of the owner who named them, not of the next.
    function _dismissGuardians(address agent, Guardianship storage guardianship) private {
        delete guardianship.guardians;
        guardianship.threshold = 0;
        guardianship.delayBlocks = 0;
        _voidApprovals(guardianship);
        emit GuardiansSet(agent, new address[](0), 0, 0);
    }

    function _voidApprovals(Guardianship storage guardianship) internal {
        ++guardianship.epoch;
        guardianship.recoveryOwner = address(0);
        guardianship.recoveryReadyAtBlock = 0;
    }

    function _setOwner(address agent, Identity storage identity, IdentityWord word, address newOwner) internal {
        uint256 previous = word.changed();
        word = word.withoutFlag(FLAG_OWNER_PENDING).withChanged(block.number);
        if (newOwner == agent) {
            identity.word = word.withoutFlag(FLAG_OWNER_SET);
        } else {
            identity.word = word.withFlag(FLAG_OWNER_SET);
            identity.owner = newOwner;
        }
        emit DIDOwnerChanged(agent, newOwner, previous);
    }

    function _deactivate(address agent, address successor) private {
        if (successor == agent) revert SuccessorIsAgent(agent);
        Identity storage identity = _identity(agent);
        IdentityWord word = identity.word;
        if (successor != address(0)) identity.successor = successor;
        identity.word = word.withFlag(FLAG_DEACTIVATED).withChanged(block.number);
        emit AgentEnded(agent, successor);
        emit DIDOwnerChanged(agent, address(0), word.changed());
    }
}
