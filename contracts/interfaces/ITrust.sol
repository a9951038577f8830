// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What the key escrow asks the attestation registry
interface ITrust {
    /// @return trusted whether the agent is attested in this block.
    /// @return losses how often it lost that and was given it anew. Never decreases: as long as it stays the same, an agent
    /// that is trusted was so without a gap.
    function trustOf(address agent) external view returns (bool trusted, uint256 losses);
}
