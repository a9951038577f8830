// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What operators may do with a registry: replace its code, behind a delay, until that is given up for good
/// @notice Roles and delays are kept by the AccessManager (`authority()`). No role writes in an agent's name.
interface IGovernedRegistry {
    /// @notice The code can no longer be replaced, by anyone.
    event UpgradesFrozen();

    /// @notice Thrown if the code is to be replaced, or frozen, after it was frozen.
    error UpgradesAreFrozen();

    /// @notice Thrown if a signed request is sent after its deadline (Unix seconds).
    error SignatureExpired(uint256 deadline, uint256 nowSec);

    /// @notice Thrown if `signature` does not speak for `signer` over the request as it was sent: it is of another
    /// account, or one of the arguments, the chain or the contract is not what was signed.
    error InvalidSignature(address signer);

    /// @notice Gives up upgrades for good. Restricted to the role that may upgrade.
    function freezeUpgrades() external;

    /// @notice Whether upgrades were given up.
    function upgradesFrozen() external view returns (bool);
}
