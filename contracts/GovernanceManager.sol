// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IGovernanceManager} from "./interfaces/IGovernanceManager.sol";

/// @title GovernanceManager
/// @dev Immutable. What it adds to OpenZeppelin's manager only ever refuses or waits longer.
contract GovernanceManager is IGovernanceManager, AccessManager {
    /// @inheritdoc IGovernanceManager
    uint64 public immutable DELAYED_ROLE;
    /// @inheritdoc IGovernanceManager
    uint64 public immutable GUARDIAN_ROLE;
    /// @inheritdoc IGovernanceManager
    uint32 public immutable LEAST_DELAY_SEC;

    /// @inheritdoc IGovernanceManager
    mapping(address target => mapping(bytes4 selector => bool)) public isDelayed;
    /// Targets with a delayed function.
    mapping(address target => bool) private _held;

    constructor(
        address initialAdmin,
        uint64 delayedRole,
        uint64 guardianRole,
        uint32 leastDelaySec
    ) AccessManager(initialAdmin) {
        (DELAYED_ROLE, GUARDIAN_ROLE, LEAST_DELAY_SEC) = (delayedRole, guardianRole, leastDelaySec);
    }

    /// @dev What the manager itself calls (`execute`) was judged by the same rule when it was handed in.
    function canCall(
        address caller,
        address target,
        bytes4 selector
    ) public view override returns (bool immediate, uint32 delay) {
        (immediate, delay) = super.canCall(caller, target, selector);
        if (caller == address(this) || (!immediate && delay == 0)) return (immediate, delay);
        // As `updateAuthority`, by way of `execute` or of the target itself.
        if (selector == IAccessManaged.setAuthority.selector && _held[target]) return (false, 0);
        if (isDelayed[target][selector] && delay < LEAST_DELAY_SEC) return (false, LEAST_DELAY_SEC);
    }

    function updateAuthority(address target, address newAuthority) public override {
        if (_held[target]) revert AuthorityIsHeld(target);
        super.updateAuthority(target, newAuthority);
    }

    /// @dev So that the delay that is shown for a member is the one that holds.
    function _grantRole(
        uint64 roleId,
        address account,
        uint32 grantDelay,
        uint32 executionDelay
    ) internal override returns (bool) {
        // Role 0 is the administrator's; the constructor grants it before anything here is set.
        if (roleId != ADMIN_ROLE && roleId == DELAYED_ROLE && executionDelay < LEAST_DELAY_SEC) {
            executionDelay = LEAST_DELAY_SEC;
        }
        return super._grantRole(roleId, account, grantDelay, executionDelay);
    }

    function _setTargetFunctionRole(address target, bytes4 selector, uint64 roleId) internal override {
        super._setTargetFunctionRole(target, selector, roleId);
        if (roleId != DELAYED_ROLE || LEAST_DELAY_SEC == 0 || isDelayed[target][selector]) return;
        isDelayed[target][selector] = true;
        _held[target] = true;
        emit FunctionDelayed(target, selector);
    }

    /// @dev The guardian's office does not follow the function to another role, and reaches what would hand the delayed
    /// role out. It ends where it would protect itself: nobody could take it from a guardian that cancels everything.
    function _canCancel(address caller, address target, bytes calldata data) internal view override returns (bool) {
        if (super._canCancel(caller, target, data)) return true;
        bytes4 selector = bytes4(data[:4]);
        bool withinReach = target == address(this) ? selector != this.revokeRole.selector : isDelayed[target][selector];
        (bool isGuardian, ) = hasRole(GUARDIAN_ROLE, _msgSender());
        return withinReach && isGuardian;
    }
}
