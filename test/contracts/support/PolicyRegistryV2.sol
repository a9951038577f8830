// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PolicyRegistry} from "../../../contracts/PolicyRegistry.sol";

/// @dev A next version as one would be written: all that was there, and a namespace of its own for what is new.
contract PolicyRegistryV2 is PolicyRegistry {
    /// @custom:storage-location erc7201:affiant.test.PolicyRegistryV2
    struct PolicyRegistryV2Storage {
        mapping(address agent => string) remarks;
    }

    bytes32 private constant POLICY_REGISTRY_V2_STORAGE =
        keccak256(abi.encode(uint256(keccak256("affiant.test.PolicyRegistryV2")) - 1)) & ~bytes32(uint256(0xff));

    function remark(string calldata text) external {
        _v2().remarks[msg.sender] = text;
    }

    function remarkOf(address agent) external view returns (string memory) {
        return _v2().remarks[agent];
    }

    function _v2() private pure returns (PolicyRegistryV2Storage storage $) {
        bytes32 slot = POLICY_REGISTRY_V2_STORAGE;
        assembly {
            $.slot := slot
        }
    }
}
