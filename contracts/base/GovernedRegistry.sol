// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManagedUpgradeable} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {NoncesKeyedUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/NoncesKeyedUpgradeable.sol";

import {IGovernedRegistry} from "../interfaces/IGovernedRegistry.sol";
import {OwnerSignature} from "../libraries/OwnerSignature.sol";

/// @title What the registries share: upgrades behind the AccessManager, and requests that are signed and carried
abstract contract GovernedRegistry is
    IGovernedRegistry,
    UUPSUpgradeable,
    AccessManagedUpgradeable,
    EIP712Upgradeable,
    NoncesKeyedUpgradeable
{
    /// @custom:storage-location erc7201:affiant.storage.GovernedRegistry
    struct GovernedRegistryStorage {
        bool upgradesFrozen;
    }

    // keccak256(abi.encode(uint256(keccak256("affiant.storage.GovernedRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant GOVERNED_REGISTRY_STORAGE =
        0x5a9dc421952dcafa6756091c18ce9b521ee4a143dbd7b7f16fb96d85a24d4b00;

    /// @dev The implementation is never used but through a proxy.
    constructor() {
        _disableInitializers();
    }

    /// @inheritdoc IGovernedRegistry
    function freezeUpgrades() external restricted {
        if (_governed().upgradesFrozen) revert UpgradesAreFrozen();
        _governed().upgradesFrozen = true;
        emit UpgradesFrozen();
    }

    /// @inheritdoc IGovernedRegistry
    function upgradesFrozen() external view returns (bool) {
        return _governed().upgradesFrozen;
    }

    /// @dev The AccessManager judges the selector that was called, `upgradeToAndCall`, and its delay.
    function _authorizeUpgrade(address) internal override restricted {
        if (_governed().upgradesFrozen) revert UpgradesAreFrozen();
    }

    /// @dev A request in the name of an account that stands in the signed struct itself.
    function _checkRequest(
        address signer,
        bytes32 structHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) internal {
        _checkRequestOf(signer, signer, structHash, nonce, deadline, signature);
    }

    /// @dev A request of an agent's owner. The struct names the agent alone, so the nonce is the agent's: counted for the
    /// owner, what one owner used up would be unused under the next, and two owners that one key signs for (ERC-1271
    /// wallets often hash no address of their own) would take each other's signatures. Uses up the nonce before the
    /// signer's code is asked, although that call cannot write.
    function _checkRequestOf(
        address agent,
        address signer,
        bytes32 structHash,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) internal {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        _useCheckedNonce(agent, nonce);
        if (!OwnerSignature.isValid(signer, _hashTypedDataV4(structHash), signature)) revert InvalidSignature(signer);
    }

    function _governed() private pure returns (GovernedRegistryStorage storage $) {
        assembly {
            $.slot := GOVERNED_REGISTRY_STORAGE
        }
    }
}
