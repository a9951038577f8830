// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice One link of a chain of scoped contracts, from the owner of the right down to its user.
/// @param contractId SHA-256 in the CID of the contract (a UCAN delegation).
/// @param issuer the agent that signed it, as the contract names it.
/// @param issuerKey the Ed25519 key that signed it.
struct ContractLink {
    bytes32 contractId;
    address issuer;
    bytes32 issuerKey;
}

/// @notice What the chain knows against a chain of contracts.
/// @param Good nothing.
/// @param IssuerUnbound a link's key is not, or no longer, a signing key of the agent it names, or that agent is gone.
/// @param Revoked a link was revoked by its issuer or by the issuer of a link above it.
enum ContractChainState {
    Good,
    IssuerUnbound,
    Revoked
}

/// @title Which scoped contracts were called back
/// @notice Contracts between agents live off chain; their ends are here. A revocation counts for a link if it comes from
/// that link's issuer or from the issuer of any link above: who passed a right on may take it back, with all beneath it.
/// Anyone may record a revocation of anything; it has no effect on chains that its author did not issue a link of.
/// @dev Revocations are final: a right that is to be granted again is granted by a new contract.
interface IContractRegistry {
    event ContractRevoked(address indexed agent, bytes32 indexed contractId);

    /// @notice Two agents put on record that a contract exists. It is not needed for the contract to hold.
    /// @param audience the agent it is made out to, as the issuer says.
    event ContractAnchored(address indexed agent, bytes32 indexed contractId, address indexed audience);

    /// @notice Thrown if the agent is not registered, or deactivated.
    error AgentNotActive(address agent);

    /// @notice Thrown if a write for an agent is called by another account than its owner.
    error NotAgentOwner(address agent, address caller, address owner);

    /// @notice Thrown if there are no contracts in a batch, or more than `limit`.
    error BatchSize(uint256 got, uint256 limit);

    /// @notice Thrown if a chain to be checked has no links, or more than `limit`.
    error ChainLength(uint256 got, uint256 limit);

    /// @notice Thrown if the agent anchored the contract before.
    error AlreadyAnchored(address agent, bytes32 contractId);

    /// @notice Most contracts one call revokes.
    function MAX_BATCH() external view returns (uint256);

    /// @notice Most links of a chain that is checked.
    function MAX_CHAIN_LENGTH() external view returns (uint256);

    /// @notice Revokes contracts in the name of an agent, called by its owner. Those it revoked before are passed over, so
    /// that a repeated batch does what is left of it.
    function revoke(address agent, bytes32[] calldata contractIds) external;

    /// @notice The same, carried by anyone, with the owner's EIP-712 signature (`protocol/eip712/contractRegistry.ts`).
    /// @param nonce of the agent, whoever owns it, OpenZeppelin NoncesKeyed: key << 64 | sequence.
    /// @param deadline Unix seconds.
    function revokeSigned(
        address agent,
        bytes32[] calldata contractIds,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Puts a contract and its parties on record.
    function anchor(address agent, bytes32 contractId, address audience) external;

    function anchorSigned(
        address agent,
        bytes32 contractId,
        address audience,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice The block in which the agent revoked the contract; 0 = it did not.
    function revokedAtBlock(address agent, bytes32 contractId) external view returns (uint256);

    /// @notice To whom the agent said it made the contract out, and in which block; zeros if it did not.
    function anchorOf(address agent, bytes32 contractId) external view returns (address audience, uint256 blockNumber);

    /// @notice Whether anything is known against a chain of contracts, in one call.
    /// @param chain from the owner of the right down.
    /// @return state what is known.
    /// @return link the first link it is known of.
    /// @return by who revoked it; zero unless revoked.
    /// @return blockNumber in which block; 0 unless revoked.
    function checkChain(
        ContractLink[] calldata chain
    ) external view returns (ContractChainState state, uint256 link, address by, uint256 blockNumber);

    /// @notice The registry that says who owns an agent and which keys are its own.
    function agentRegistry() external view returns (address);
}
