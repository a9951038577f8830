// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {GovernedRegistry} from "./base/GovernedRegistry.sol";
import {ContractRegistryTypes} from "./generated/TypeHashes.sol";
import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {ContractChainState, ContractLink, IContractRegistry} from "./interfaces/IContractRegistry.sol";

/// @title ContractRegistry
/// @dev Lives behind an ERC1967Proxy (UUPS).
contract ContractRegistry is IContractRegistry, GovernedRegistry {
    struct Anchor {
        address audience;
        uint48 blockNumber;
    }

    /// @custom:storage-location erc7201:affiant.storage.ContractRegistry
    struct ContractRegistryStorage {
        mapping(address agent => mapping(bytes32 contractId => uint256)) revokedAtBlock;
        mapping(address agent => mapping(bytes32 contractId => Anchor)) anchors;
        address agentRegistry;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.ContractRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant CONTRACT_REGISTRY_STORAGE =
        0x9a2fc5f187f26a7d2a084da52323af8387c3601be2110bb15d53ec1c9d2c5e00;

    /// @inheritdoc IContractRegistry
    uint256 public constant MAX_BATCH = 64;

    /// @inheritdoc IContractRegistry
    uint256 public constant MAX_CHAIN_LENGTH = 32;

    /// @param accessManager holds the roles that upgrade and freeze.
    /// @param agentRegistry_ says who owns an agent and which keys are its own.
    function initialize(address accessManager, address agentRegistry_) external initializer {
        __AccessManaged_init(accessManager);
        _store().agentRegistry = agentRegistry_;
    }

    /// @inheritdoc IContractRegistry
    function revoke(address agent, bytes32[] calldata contractIds) external {
        _checkCaller(agent);
        _revoke(agent, contractIds);
    }

    /// @inheritdoc IContractRegistry
    function revokeSigned(
        address agent,
        bytes32[] calldata contractIds,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        // EIP-712 encodes an array as the hash of its members, which for words is their packed encoding.
        bytes32 structHash = keccak256(
            abi.encode(ContractRegistryTypes.REVOKE, agent, keccak256(abi.encodePacked(contractIds)), nonce, deadline)
        );
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _revoke(agent, contractIds);
    }

    /// @inheritdoc IContractRegistry
    function anchor(address agent, bytes32 contractId, address audience) external {
        _checkCaller(agent);
        _anchor(agent, contractId, audience);
    }

    /// @inheritdoc IContractRegistry
    function anchorSigned(
        address agent,
        bytes32 contractId,
        address audience,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(ContractRegistryTypes.ANCHOR, agent, contractId, audience, nonce, deadline)
        );
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _anchor(agent, contractId, audience);
    }

    /// @inheritdoc IContractRegistry
    function revokedAtBlock(address agent, bytes32 contractId) external view returns (uint256) {
        return _store().revokedAtBlock[agent][contractId];
    }

    /// @inheritdoc IContractRegistry
    function anchorOf(address agent, bytes32 contractId) external view returns (address audience, uint256 blockNumber) {
        Anchor storage found = _store().anchors[agent][contractId];
        return (found.audience, found.blockNumber);
    }

    /// @inheritdoc IContractRegistry
    function checkChain(
        ContractLink[] calldata chain
    ) external view returns (ContractChainState state, uint256 link, address by, uint256 blockNumber) {
        if (chain.length == 0 || chain.length > MAX_CHAIN_LENGTH) revert ChainLength(chain.length, MAX_CHAIN_LENGTH);
        IAgentRegistry agents = IAgentRegistry(_store().agentRegistry);
        for (link = 0; link < chain.length; ++link) {
            ContractLink calldata current = chain[link];
            if (!agents.signingKeyValidAt(current.issuer, current.issuerKey, block.number)) {
                return (ContractChainState.IssuerUnbound, link, address(0), 0);
            }
            for (uint256 above = 0; above <= link; ++above) {
                by = chain[above].issuer;
                blockNumber = _store().revokedAtBlock[by][current.contractId];
                if (blockNumber != 0) return (ContractChainState.Revoked, link, by, blockNumber);
            }
        }
        return (ContractChainState.Good, 0, address(0), 0);
    }

    /// @inheritdoc IContractRegistry
    function agentRegistry() external view returns (address) {
        return _store().agentRegistry;
    }

    function _revoke(address agent, bytes32[] calldata contractIds) private {
        if (contractIds.length == 0 || contractIds.length > MAX_BATCH) revert BatchSize(contractIds.length, MAX_BATCH);
        mapping(bytes32 => uint256) storage revoked = _store().revokedAtBlock[agent];
        for (uint256 i = 0; i < contractIds.length; ++i) {
            if (revoked[contractIds[i]] != 0) continue;
            revoked[contractIds[i]] = block.number;
            emit ContractRevoked(agent, contractIds[i]);
        }
    }

    function _anchor(address agent, bytes32 contractId, address audience) private {
        Anchor storage found = _store().anchors[agent][contractId];
        if (found.blockNumber != 0) revert AlreadyAnchored(agent, contractId);
        found.audience = audience;
        found.blockNumber = uint48(block.number);
        emit ContractAnchored(agent, contractId, audience);
    }

    function _checkCaller(address agent) private view {
        address owner = _activeOwner(agent);
        if (msg.sender != owner) revert NotAgentOwner(agent, msg.sender, owner);
    }

    function _activeOwner(address agent) private view returns (address owner) {
        owner = IAgentRegistry(_store().agentRegistry).activeOwner(agent);
        if (owner == address(0)) revert AgentNotActive(agent);
    }

    function _EIP712Name() internal pure override returns (string memory) {
        return "Affiant ContractRegistry";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "2";
    }

    function _store() private pure returns (ContractRegistryStorage storage $) {
        assembly {
            $.slot := CONTRACT_REGISTRY_STORAGE
        }
    }
}
