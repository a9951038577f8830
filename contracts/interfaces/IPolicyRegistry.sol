// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Which policy an agent had committed itself to, at any block
/// @notice An append-only list of policy versions for each agent, in block order. A policy is named by
/// `policyHash = SHA-256(JCS(bundle))`; the bundle itself is kept off chain and checked against the hash.
interface IPolicyRegistry {
    /// @param version counted from 1.
    event PolicyCommitted(address indexed agent, uint256 indexed version, bytes32 policyHash);

    /// @notice Thrown if the agent is not registered, or deactivated.
    error AgentNotActive(address agent);

    /// @notice Thrown if a policy is committed by another account than the agent's owner.
    error NotAgentOwner(address agent, address caller, address owner);

    /// @notice Thrown if the hash is zero, which stands for "no policy".
    error EmptyPolicyHash(address agent);

    /// @notice Thrown if the agent has no such version.
    error UnknownVersion(address agent, uint256 version, uint256 versionCount);

    /// @notice Puts a policy in force from this block on, in place of the one before. Called by the agent's owner.
    function commit(address agent, bytes32 policyHash) external;

    /// @notice The same, carried by anyone, with the owner's EIP-712 signature (`protocol/eip712/policyRegistry.ts`).
    /// @param nonce of the agent, whoever owns it, OpenZeppelin NoncesKeyed: key << 64 | sequence.
    /// @param deadline Unix seconds.
    function commitSigned(
        address agent,
        bytes32 policyHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice The policy in force at a block: the last one committed at that block or before. Zeros if there was none.
    /// @param version counted from 1; 0 = none.
    /// @param sinceBlock block in which it was committed.
    /// @dev For a block that is not past yet the answer may still change.
    function inForce(
        address agent,
        uint256 blockNumber
    ) external view returns (bytes32 policyHash, uint256 version, uint256 sinceBlock);

    /// @notice How many versions the agent committed.
    function versionCount(address agent) external view returns (uint256);

    /// @notice One version, counted from 1.
    function versionAt(address agent, uint256 version) external view returns (bytes32 policyHash, uint256 sinceBlock);

    /// @notice The registry that says who owns an agent.
    function agentRegistry() external view returns (address);
}
