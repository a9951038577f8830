// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistryTypes} from "../generated/TypeHashes.sol";
import {IAgentRegistry} from "../interfaces/IAgentRegistry.sol";
import {IERC1056} from "../interfaces/IERC1056.sol";
import {FLAG_DEACTIVATED} from "../types/IdentityWord.sol";
import {AgentStore, Identity} from "./AgentStore.sol";

/// @dev What stands in an agent's DID document beside its signing keys (ERC-1056 delegates and attributes), and its card.
abstract contract AgentDocument is AgentStore {
    uint256 private constant EACH_BYTE = type(uint256).max / 0xff;

    uint256 private constant MAX_CAPABILITIES = 16;

    /// All names of Ed25519 keys in did:ethr begin so.
    bytes15 private constant ED25519_ATTRIBUTE = "did/pub/Ed25519";

    /// @inheritdoc IERC1056
    function addDelegate(address agent, bytes32 delegateType, address delegate, uint256 validity) external {
        _requireOwner(agent);
        _setDelegate(agent, delegateType, delegate, _endOf(validity));
    }

    /// @inheritdoc IAgentRegistry
    function addDelegateSigned(
        address agent,
        bytes32 delegateType,
        address delegate,
        uint256 validitySec,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(AgentRegistryTypes.ADD_DELEGATE, agent, delegateType, delegate, validitySec, nonce, deadline)
        );
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setDelegate(agent, delegateType, delegate, _endOf(validitySec));
    }

    /// @inheritdoc IERC1056
    function revokeDelegate(address agent, bytes32 delegateType, address delegate) external {
        _requireOwner(agent);
        _setDelegate(agent, delegateType, delegate, block.timestamp);
    }

    /// @inheritdoc IAgentRegistry
    function revokeDelegateSigned(
        address agent,
        bytes32 delegateType,
        address delegate,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.REVOKE_DELEGATE;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, delegateType, delegate, nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setDelegate(agent, delegateType, delegate, block.timestamp);
    }

    /// @inheritdoc IERC1056
    function setAttribute(address agent, bytes32 name, bytes calldata value, uint256 validity) external {
        _requireOwner(agent);
        _setAttribute(agent, name, value, _endOf(validity));
    }

    /// @inheritdoc IAgentRegistry
    function setAttributeSigned(
        address agent,
        bytes32 name,
        bytes calldata value,
        uint256 validitySec,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(AgentRegistryTypes.SET_ATTRIBUTE, agent, name, keccak256(value), validitySec, nonce, deadline)
        );
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setAttribute(agent, name, value, _endOf(validitySec));
    }

    /// @inheritdoc IERC1056
    function revokeAttribute(address agent, bytes32 name, bytes calldata value) external {
        _requireOwner(agent);
        _setAttribute(agent, name, value, 0);
    }

    /// @inheritdoc IAgentRegistry
    function revokeAttributeSigned(
        address agent,
        bytes32 name,
        bytes calldata value,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 typeHash = AgentRegistryTypes.REVOKE_ATTRIBUTE;
        bytes32 structHash = keccak256(abi.encode(typeHash, agent, name, keccak256(value), nonce, deadline));
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setAttribute(agent, name, value, 0);
    }

    /// @inheritdoc IAgentRegistry
    function setCard(
        address agent,
        string calldata uri,
        bytes32 contentHash,
        bytes32[] calldata capabilities
    ) external {
        _requireOwner(agent);
        _setCard(agent, uri, contentHash, capabilities);
    }

    /// @inheritdoc IAgentRegistry
    function setCardSigned(
        address agent,
        string calldata uri,
        bytes32 contentHash,
        bytes32[] calldata capabilities,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(
                AgentRegistryTypes.SET_CARD,
                agent,
                keccak256(bytes(uri)),
                contentHash,
                keccak256(abi.encodePacked(capabilities)),
                nonce,
                deadline
            )
        );
        _requireOwnerSignature(agent, structHash, nonce, deadline, signature);
        _setCard(agent, uri, contentHash, capabilities);
    }

    /// @inheritdoc IERC1056
    function delegates(address agent, bytes32 typeHash, address delegate) public view returns (uint256) {
        return _identity(agent).delegates[typeHash][delegate];
    }

    /// @inheritdoc IERC1056
    function validDelegate(address agent, bytes32 delegateType, address delegate) external view returns (bool) {
        if (_identity(agent).word.has(FLAG_DEACTIVATED)) return false;
        return delegates(agent, keccak256(abi.encode(delegateType)), delegate) > block.timestamp;
    }

    function _setDelegate(address agent, bytes32 delegateType, address delegate, uint256 validTo) private {
        Identity storage identity = _identity(agent);
        identity.delegates[keccak256(abi.encode(delegateType))][delegate] = validTo;
        emit DIDDelegateChanged(agent, delegateType, delegate, validTo, _touch(identity));
    }

    function _setAttribute(address agent, bytes32 name, bytes calldata value, uint256 validTo) private {
        if (bytes15(name) == ED25519_ATTRIBUTE) revert SigningKeyNotAnAttribute(name);
        emit DIDAttributeChanged(agent, name, value, validTo, _touch(_identity(agent)));
    }

    function _setCard(
        address agent,
        string calldata uri,
        bytes32 contentHash,
        bytes32[] calldata capabilities
    ) private {
        uint256 count = capabilities.length;
        if (count > MAX_CAPABILITIES) revert TooManyCapabilities(count, MAX_CAPABILITIES);
        _checkUri(bytes(uri));
        Identity storage identity = _identity(agent);
        if (identity.word.keyCount() == 0) revert NotRegistered(agent);
        identity.cardUri = uri;
        identity.cardHash = contentHash;
        emit CardPublished(agent, uri, contentHash, capabilities);
        for (uint256 i = 0; i < count; ++i) emit CapabilityDeclared(capabilities[i], agent, contentHash);
    }

    /// @dev 32 characters at a time. In each byte, the top bit of b + 0x5f is set from "!" on, that of b + 1 after "~".
    function _checkUri(bytes calldata uri) private pure {
        unchecked {
            for (uint256 offset = 0; offset < uri.length; offset += 32) {
                uint256 word;
                assembly ("memory-safe") {
                    word := calldataload(add(uri.offset, offset))
                }
                // What stands behind the end is no part of it.
                uint256 behind = uri.length - offset < 32 ? type(uint256).max >> (8 * (uri.length - offset)) : 0;
                word = (word & ~behind) | ((EACH_BYTE * 0x41) & behind);
                uint256 low = word & (EACH_BYTE * 0x7f);
                uint256 bad = (word | ~(low + EACH_BYTE * 0x5f) | (low + EACH_BYTE)) & (EACH_BYTE * 0x80);
                if (bad == 0) continue;
                for (; bad >> 248 == 0; bad <<= 8) ++offset;
                revert CardUriCharacter(offset, uri[offset]);
            }
        }
    }

    /// @dev Moves the head of the list of ERC-1056 events here.
    function _touch(Identity storage identity) private returns (uint256 previous) {
        previous = identity.word.changed();
        identity.word = identity.word.withChanged(block.number);
    }

    function _endOf(uint256 validitySec) private view returns (uint256) {
        uint256 limit = type(uint64).max - block.timestamp;
        if (validitySec > limit) revert ValidityTooLong(validitySec, limit);
        return block.timestamp + validitySec;
    }
}
