// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev Stands for the AgentRegistry: agents own themselves until they are deactivated. The real one has tests of its own.
contract OwnersStub {
    mapping(address agent => bool) public inactive;

    function activeOwner(address agent) external view returns (address) {
        return inactive[agent] ? address(0) : agent;
    }

    function deactivate(address agent) external {
        inactive[agent] = true;
    }
}
