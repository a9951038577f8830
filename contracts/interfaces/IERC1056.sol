// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ERC-1056, the lightweight identity registry that did:ethr reads
/// @notice Every account is an identity from the start, without a transaction, and its own owner. Events of one identity
/// form a list: each names the block of the one before, and `changed` names the last.
/// @dev Left out on purpose: the `…Signed` functions of ERC-1056 with `sigV`, `sigR`, `sigS`. What they ask to be signed
/// names neither chain nor deadline. `IAgentRegistry` has EIP-712 requests for every write instead.
interface IERC1056 {
    /// @notice `owner` is zero when the identity was deactivated.
    /// @param previousChange block of the identity's event before this one; 0 = none.
    event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange);

    /// @param delegateType `sigAuth` or `veriKey` for did:ethr, ASCII, zeros behind.
    /// @param validTo Unix seconds.
    event DIDDelegateChanged(
        address indexed identity,
        bytes32 delegateType,
        address delegate,
        uint256 validTo,
        uint256 previousChange
    );

    /// @param name such as `did/pub/Ed25519/veriKey/base58` or `did/svc/MessagingService`, ASCII, zeros behind.
    /// @param validTo Unix seconds; 0 = revoked.
    event DIDAttributeChanged(
        address indexed identity,
        bytes32 name,
        bytes value,
        uint256 validTo,
        uint256 previousChange
    );

    /// @notice Who may write for the identity: itself until it named another, zero once it is deactivated.
    function identityOwner(address identity) external view returns (address);

    /// @notice The owner that was set, zero if none was (then the identity owns itself).
    function owners(address identity) external view returns (address);

    /// @notice Until when a delegate is valid, Unix seconds. The type is given as `keccak256(abi.encode(delegateType))`.
    function delegates(address identity, bytes32 typeHash, address delegate) external view returns (uint256);

    /// @notice Block of the identity's last event; 0 = none.
    function changed(address identity) external view returns (uint256);

    /// @notice Next nonce, under nonce key 0, of requests that the account signs.
    function nonce(address account) external view returns (uint256);

    /// @notice Whether the delegate is valid in this block. Never after deactivation.
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool);

    /// @notice Offers the ownership to `newOwner`, which must take it (`IAgentRegistry.acceptOwner`).
    /// @dev To offer it to the present owner takes an open offer back. To offer it to zero is how did:ethr deactivates:
    /// it acts as `IAgentRegistry.deactivate(identity, 0)`, at once and for good.
    function changeOwner(address identity, address newOwner) external;

    /// @param validity seconds from now.
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external;

    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external;

    /// @notice Publishes a key or a service for `validity` seconds. Ed25519 keys have functions of their own.
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external;

    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external;
}
