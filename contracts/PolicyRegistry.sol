// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {GovernedRegistry} from "./base/GovernedRegistry.sol";
import {PolicyRegistryTypes} from "./generated/TypeHashes.sol";
import {IAgentRegistry} from "./interfaces/IAgentRegistry.sol";
import {IPolicyRegistry} from "./interfaces/IPolicyRegistry.sol";
import {INLINE_VERSIONS, PolicyWord} from "./types/PolicyWord.sol";

/// @title PolicyRegistry
/// @dev Lives behind an ERC1967Proxy (UUPS). A version is one slot, its hash; the blocks are packed, the first five
/// beside the count, the later ones six to a slot.
contract PolicyRegistry is IPolicyRegistry, GovernedRegistry {
    struct Versions {
        PolicyWord word;
        mapping(uint256 version => bytes32) hashes;
        mapping(uint256 slot => uint256) laterBlocks;
    }

    /// @custom:storage-location erc7201:affiant.storage.PolicyRegistry
    struct PolicyRegistryStorage {
        mapping(address agent => Versions) versions;
        address agentRegistry;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.PolicyRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant POLICY_REGISTRY_STORAGE =
        0xf70418d73b8d728e0c417ac82b19dccc95f3bdec82c2effb4e9d48aaa13c8200;

    uint256 private constant BLOCKS_PER_SLOT = 6;

    /// @param accessManager holds the roles that upgrade and freeze.
    /// @param agentRegistry_ says who owns an agent.
    function initialize(address accessManager, address agentRegistry_) external initializer {
        __AccessManaged_init(accessManager);
        _store().agentRegistry = agentRegistry_;
    }

    /// @inheritdoc IPolicyRegistry
    function commit(address agent, bytes32 policyHash) external {
        address owner = _activeOwner(agent);
        if (msg.sender != owner) revert NotAgentOwner(agent, msg.sender, owner);
        _commit(agent, policyHash);
    }

    /// @inheritdoc IPolicyRegistry
    function commitSigned(
        address agent,
        bytes32 policyHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(PolicyRegistryTypes.COMMIT, agent, policyHash, nonce, deadline));
        _checkRequestOf(agent, _activeOwner(agent), structHash, nonce, deadline, signature);
        _commit(agent, policyHash);
    }

    /// @inheritdoc IPolicyRegistry
    function inForce(
        address agent,
        uint256 blockNumber
    ) external view returns (bytes32 policyHash, uint256 version, uint256 sinceBlock) {
        Versions storage versions = _store().versions[agent];
        PolicyWord word = versions.word;
        // Blocks do not decrease with versions: after the search `version` is the last one not after the block.
        uint256 above = word.count() + 1;
        while (above - version > 1) {
            uint256 middle = (version + above) / 2;
            if (_blockOf(versions, word, middle) <= blockNumber) version = middle;
            else above = middle;
        }
        if (version != 0) (policyHash, sinceBlock) = (versions.hashes[version], _blockOf(versions, word, version));
    }

    /// @inheritdoc IPolicyRegistry
    function versionCount(address agent) external view returns (uint256) {
        return _store().versions[agent].word.count();
    }

    /// @inheritdoc IPolicyRegistry
    function versionAt(address agent, uint256 version) external view returns (bytes32 policyHash, uint256 sinceBlock) {
        Versions storage versions = _store().versions[agent];
        PolicyWord word = versions.word;
        if (version == 0 || version > word.count()) revert UnknownVersion(agent, version, word.count());
        return (versions.hashes[version], _blockOf(versions, word, version));
    }

    /// @inheritdoc IPolicyRegistry
    function agentRegistry() external view returns (address) {
        return _store().agentRegistry;
    }

    /// @dev The sequence under nonce key 0 lives beside the account's own versions, in a slot its commits write anyway.
    function nonces(address account) public view override returns (uint256) {
        return _store().versions[account].word.nonce();
    }

    function _useNonce(address account) internal override returns (uint256 current) {
        Versions storage versions = _store().versions[account];
        PolicyWord word = versions.word;
        uint32 value = word.nonce();
        versions.word = word.withNonce(value + 1);
        return value;
    }

    function _activeOwner(address agent) private view returns (address owner) {
        owner = IAgentRegistry(_store().agentRegistry).activeOwner(agent);
        if (owner == address(0)) revert AgentNotActive(agent);
    }

    function _commit(address agent, bytes32 policyHash) private {
        if (policyHash == bytes32(0)) revert EmptyPolicyHash(agent);
        Versions storage versions = _store().versions[agent];
        PolicyWord word = versions.word;
        uint256 version = word.count() + 1;
        versions.hashes[version] = policyHash;
        versions.word = word.withVersion(version, block.number);
        if (version > INLINE_VERSIONS) {
            uint256 later = version - INLINE_VERSIONS - 1;
            versions.laterBlocks[later / BLOCKS_PER_SLOT] |= block.number << ((later % BLOCKS_PER_SLOT) * 40);
        }
        emit PolicyCommitted(agent, version, policyHash);
    }

    function _blockOf(Versions storage versions, PolicyWord word, uint256 version) private view returns (uint256) {
        if (version <= INLINE_VERSIONS) return word.inlineBlock(version);
        uint256 later = version - INLINE_VERSIONS - 1;
        return uint40(versions.laterBlocks[later / BLOCKS_PER_SLOT] >> ((later % BLOCKS_PER_SLOT) * 40));
    }

    // The domain's text is code, not storage: two reads less for each signed request.

    function _EIP712Name() internal pure override returns (string memory) {
        return "Affiant PolicyRegistry";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "2";
    }

    function _store() private pure returns (PolicyRegistryStorage storage $) {
        assembly {
            $.slot := POLICY_REGISTRY_STORAGE
        }
    }
}
