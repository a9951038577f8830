// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SigningKey} from "../../../contracts/interfaces/IAgentRegistry.sol";

/// @dev A second book of keys and recoveries, kept from what was asked of the registry and never from what it answers.
abstract contract RegistryNotes {
    struct Guardians {
        uint256 epoch;
        address first;
        address second;
        uint256 threshold;
        address agreedOn;
        uint256 readyAtBlock;
    }

    uint256 internal constant DELAY_BLOCKS = 300;
    /// Every key that was added, with its blocks, and the block of the agent's end.
    mapping(address agent => SigningKey[]) private windows;
    mapping(address agent => uint256) public endedAt;
    /// Who the guardians are, whom each wants since the last reset, whom enough of them wanted, and since when plus delay.
    mapping(address agent => Guardians) public guardiansOf;
    mapping(address agent => mapping(uint256 epoch => mapping(address guardian => address))) private wants;

    function windowsOf(address agent) external view returns (SigningKey[] memory) {
        return windows[agent];
    }

    function _noteKey(address agent, bytes32 key) internal {
        windows[agent].push(SigningKey(key, block.number, 0));
    }

    function _noteRevoked(address agent, bytes32 key) internal {
        SigningKey[] storage all = windows[agent];
        for (uint256 i = 0; i < all.length; ++i) if (all[i].key == key) all[i].revokedAtBlock = block.number;
    }

    function _noteGuardians(address agent, address first, address second, uint256 threshold) internal {
        Guardians storage noted = guardiansOf[agent];
        (noted.first, noted.second, noted.threshold) = (first, second, threshold);
        _noteApprovalsVoid(agent);
    }

    function _noteApprovalsVoid(address agent) internal {
        Guardians storage noted = guardiansOf[agent];
        ++noted.epoch;
        (noted.agreedOn, noted.readyAtBlock) = (address(0), 0);
    }

    function _noteApproval(address agent, address guardian, address next) internal {
        Guardians storage noted = guardiansOf[agent];
        wants[agent][noted.epoch][guardian] = next;
        // An agreement that ended is over: the next one on the same account waits anew.
        if (noted.agreedOn != address(0) && _approvalsOf(agent, noted.agreedOn) < noted.threshold) {
            (noted.agreedOn, noted.readyAtBlock) = (address(0), 0);
        }
        if (next == address(0) || next == noted.agreedOn || _approvalsOf(agent, next) < noted.threshold) return;
        (noted.agreedOn, noted.readyAtBlock) = (next, block.number + DELAY_BLOCKS);
    }

    function _approvalsOf(address agent, address next) internal view returns (uint256 approvals) {
        Guardians storage noted = guardiansOf[agent];
        if (wants[agent][noted.epoch][noted.first] == next) ++approvals;
        if (wants[agent][noted.epoch][noted.second] == next) ++approvals;
    }
}
