// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @dev Stands for the AttestationRegistry: trusts whom it is told to, and counts what was lost and given anew as that
/// does. The real one has tests of its own.
contract TrustStub {
    mapping(address agent => bool) public isTrusted;
    mapping(address agent => uint256) private lossesOf;
    mapping(address agent => bool) private wasTrusted;

    function trustOf(address agent) external view returns (bool trusted, uint256 losses) {
        return (isTrusted[agent], lossesOf[agent]);
    }

    function setTrusted(address agent, bool trusted) public {
        if (trusted && !isTrusted[agent] && wasTrusted[agent]) ++lossesOf[agent];
        if (trusted) wasTrusted[agent] = true;
        isTrusted[agent] = trusted;
    }

    function setAllTrusted(address[] calldata agents) external {
        for (uint256 i = 0; i < agents.length; ++i) setTrusted(agents[i], true);
    }
}
