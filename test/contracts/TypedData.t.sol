// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AgentRegistryTypes, PolicyRegistryTypes} from "../../contracts/generated/TypeHashes.sol";
import {Assert} from "./support/Assert.sol";

/// @dev Reads `protocol/vectors/eip712.json`, as the TypeScript tests do, and encodes every request in Solidity.
contract TypedDataTest is Assert {
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    string private json;
    /// Path of the request that is looked at.
    string private path;

    function setUp() public {
        json = vm.readFile(string.concat(vm.projectRoot(), "/protocol/vectors/eip712.json"));
    }

    function test_domains() public view {
        assertEq(_domain("AgentRegistry"), vm.parseJsonBytes32(json, ".AgentRegistry.domainSeparator"));
        assertEq(_domain("PolicyRegistry"), vm.parseJsonBytes32(json, ".PolicyRegistry.domainSeparator"));
    }

    function test_keys() public {
        _open("Register");
        _check(abi.encode(AgentRegistryTypes.REGISTER, _a("agent"), _w("signingKey"), _w("nonce"), _w("deadline")));
        _open("AddSigningKey");
        _check(
            abi.encode(AgentRegistryTypes.ADD_SIGNING_KEY, _a("agent"), _w("signingKey"), _w("nonce"), _w("deadline"))
        );
        _open("RevokeSigningKey");
        _check(
            abi.encode(
                AgentRegistryTypes.REVOKE_SIGNING_KEY,
                _a("agent"),
                _w("signingKey"),
                _w("nonce"),
                _w("deadline")
            )
        );
        _open("RotateSigningKey");
        _check(
            abi.encode(
                AgentRegistryTypes.ROTATE_SIGNING_KEY,
                _a("agent"),
                _w("oldKey"),
                _w("newKey"),
                _w("nonce"),
                _w("deadline")
            )
        );
    }

    function test_owners() public {
        _open("ChangeOwner");
        _check(abi.encode(AgentRegistryTypes.CHANGE_OWNER, _a("agent"), _a("newOwner"), _w("nonce"), _w("deadline")));
        _open("AcceptOwner");
        _check(abi.encode(AgentRegistryTypes.ACCEPT_OWNER, _a("agent"), _a("newOwner"), _w("nonce"), _w("deadline")));
        _open("Deactivate");
        _check(abi.encode(AgentRegistryTypes.DEACTIVATE, _a("agent"), _a("successor"), _w("nonce"), _w("deadline")));
    }

    function test_recovery() public {
        _open("SetGuardians");
        bytes32[] memory guardians = new bytes32[](3);
        for (uint160 i = 0; i < 3; ++i) guardians[i] = bytes32(uint256(0x11 * (i + 1)));
        bytes32 list = keccak256(abi.encodePacked(guardians));
        _check(
            abi.encode(
                AgentRegistryTypes.SET_GUARDIANS,
                _a("agent"),
                list,
                _w("threshold"),
                _w("delayBlocks"),
                _w("nonce"),
                _w("deadline")
            )
        );
        _open("ApproveRecovery");
        _check(
            abi.encode(
                AgentRegistryTypes.APPROVE_RECOVERY,
                _a("agent"),
                _a("guardian"),
                _a("newOwner"),
                _w("nonce"),
                _w("deadline")
            )
        );
        _open("ExecuteRecovery");
        _check(
            abi.encode(AgentRegistryTypes.EXECUTE_RECOVERY, _a("agent"), _a("newOwner"), _w("nonce"), _w("deadline"))
        );
        _open("VetoRecovery");
        _check(abi.encode(AgentRegistryTypes.VETO_RECOVERY, _a("agent"), _w("nonce"), _w("deadline")));
    }

    function test_document() public {
        _open("AddDelegate");
        _check(
            abi.encode(
                AgentRegistryTypes.ADD_DELEGATE,
                _a("agent"),
                _w("delegateType"),
                _a("delegate"),
                _w("validitySec"),
                _w("nonce"),
                _w("deadline")
            )
        );
        _open("RevokeDelegate");
        _check(
            abi.encode(
                AgentRegistryTypes.REVOKE_DELEGATE,
                _a("agent"),
                _w("delegateType"),
                _a("delegate"),
                _w("nonce"),
                _w("deadline")
            )
        );
        bytes32 value = keccak256("https://agent.example/inbox, longer than thirty-two bytes");
        _open("SetAttribute");
        _check(
            abi.encode(
                AgentRegistryTypes.SET_ATTRIBUTE,
                _a("agent"),
                _w("name"),
                value,
                _w("validitySec"),
                _w("nonce"),
                _w("deadline")
            )
        );
        _open("RevokeAttribute");
        _check(
            abi.encode(AgentRegistryTypes.REVOKE_ATTRIBUTE, _a("agent"), _w("name"), value, _w("nonce"), _w("deadline"))
        );
        _open("SetCard");
        bytes32 uri = keccak256("https://agent.example/.well-known/agent-card.json");
        bytes32 list = keccak256(
            abi.encodePacked(vm.parseJsonBytes32Array(json, string.concat(path, ".message.capabilities")))
        );
        _check(
            abi.encode(
                AgentRegistryTypes.SET_CARD,
                _a("agent"),
                uri,
                _w("contentHash"),
                list,
                _w("nonce"),
                _w("deadline")
            )
        );
    }

    function test_keyOwnership() public {
        _open("KeyOwnership");
        _check(
            abi.encode(
                AgentRegistryTypes.KEY_OWNERSHIP,
                _a("agent"),
                _w("commitment"),
                _a("recipient"),
                _w("nonce"),
                _w("deadline")
            )
        );
    }

    function test_policies() public {
        path = ".PolicyRegistry.requests.Commit";
        bytes memory data = abi.encode(
            PolicyRegistryTypes.COMMIT,
            _a("agent"),
            _w("policyHash"),
            _w("nonce"),
            _w("deadline")
        );
        assertEq(_digest("PolicyRegistry", data), _expected());
    }

    function _open(string memory request) private {
        path = string.concat(".AgentRegistry.requests.", request);
    }

    function _check(bytes memory data) private view {
        assertEq(_digest("AgentRegistry", data), _expected());
    }

    function _expected() private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(path, ".digest"));
    }

    function _digest(string memory registry, bytes memory data) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _domain(registry), keccak256(data)));
    }

    function _domain(string memory registry) private view returns (bytes32) {
        address contract_ = vm.parseJsonAddress(json, string.concat(".", registry, ".verifyingContract"));
        bytes32 name = keccak256(bytes(string.concat("Affiant ", registry)));
        return keccak256(abi.encode(DOMAIN, name, keccak256("2"), vm.parseJsonBytes32(json, ".chainId"), contract_));
    }

    function _a(string memory member) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(path, ".message.", member));
    }

    function _w(string memory member) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(path, ".message.", member));
    }
}
