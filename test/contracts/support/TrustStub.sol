// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev Stands for the AttestationRegistry: trusts whom it is told to. The real one has tests of its own.
contract TrustStub {
    mapping(address agent => bool) public isTrusted;

    function setTrusted(address agent, bool trusted) external {
        isTrusted[agent] = trusted;
    }

    function setAllTrusted(address[] calldata agents) external {
        for (uint256 i = 0; i < agents.length; ++i) isTrusted[agents[i]] = true;
    }
}
