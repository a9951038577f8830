// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Who may do what with the registries, and how long it is announced before
/// @notice OpenZeppelin's AccessManager, with a delay that nobody who is part of it can go round. Its own delays belong to
/// members of roles, and whoever grants roles may grant one without. Here the delay belongs to the function: once a
/// function was opened to the delayed role, every call of it is announced `LEAST_DELAY_SEC` before, by whatever role it is
/// opened later and whoever is given that role.
/// @dev The administrator keeps all that is no replacement of code: roles, members, closing a target, taking the guardian's
/// office away. The last two stop things and start none.
interface IGovernanceManager {
    /// @notice From now on `selector` of `target` is called only after an announcement, for good.
    event FunctionDelayed(address indexed target, bytes4 indexed selector);

    /// @notice Thrown if a target with delayed functions is to obey another manager, which would know no delay.
    error AuthorityIsHeld(address target);

    /// @notice Shortest time between announcement and effect of a delayed function; 0 = none (local chains).
    // solhint-disable-next-line func-name-mixedcase
    function LEAST_DELAY_SEC() external view returns (uint32);

    /// @notice The role whose functions are delayed for good.
    // solhint-disable-next-line func-name-mixedcase
    function DELAYED_ROLE() external view returns (uint64);

    /// @notice The role that cancels any announcement of a delayed function, and any of a change of roles.
    // solhint-disable-next-line func-name-mixedcase
    function GUARDIAN_ROLE() external view returns (uint64);

    function isDelayed(address target, bytes4 selector) external view returns (bool);
}
