// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import {AgentRegistry} from "../../../contracts/AgentRegistry.sol";
import {PolicyRegistry} from "../../../contracts/PolicyRegistry.sol";
import {Ed25519Key} from "../../../contracts/libraries/Ed25519Key.sol";
import {Assert} from "./Assert.sol";

/// @dev Answers as it is told. The real table of verifiers has tests of its own.
contract VerifierStub {
    bool public answer = true;
    bytes32 public seenCircuit;
    bytes32 public wantedSignals;

    function set(bool answer_) external {
        answer = answer_;
    }

    /// @dev Once set, only these signals are proved.
    function setWanted(uint256 commitment, uint256 action) external {
        wantedSignals = keccak256(abi.encode(commitment, action));
    }

    function verifyProof(bytes32 circuitId, bytes calldata, uint256[] calldata signals) external view returns (bool) {
        if (circuitId != keccak256(abi.encode(keccak256("Circuit(string name)"), keccak256("key-ownership")))) {
            return false;
        }
        if (wantedSignals != 0 && wantedSignals != keccak256(abi.encodePacked(signals))) return false;
        return answer && signals.length == 2;
    }
}

/// @dev Both registries behind their proxies, an agent with a key, and others who are not the agent.
abstract contract RegistryTest is Assert {
    bytes32 internal constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    // RFC 8032, section 7.1: the public keys of tests 1, 2, 3 and SHA(abc).
    bytes32 internal constant KEY_1 = 0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a;
    bytes32 internal constant KEY_2 = 0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c;
    bytes32 internal constant KEY_3 = 0xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025;
    bytes32 internal constant KEY_4 = 0xec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf;

    uint256 internal constant AGENT_PK = 0xA11CE;
    uint256 internal constant OTHER_PK = 0xB0B;
    uint256 internal constant NEXT_PK = 0xCAFE;
    uint256 internal constant DEADLINE = 4_102_444_800;

    address internal admin = address(this);
    address internal agent;
    address internal other;
    address internal next;
    AccessManager internal manager;
    VerifierStub internal verifier;
    AgentRegistry internal agents;
    PolicyRegistry internal policies;

    function setUp() public virtual {
        vm.roll(1000);
        vm.warp(1_700_000_000);
        agent = vm.addr(AGENT_PK);
        other = vm.addr(OTHER_PK);
        next = vm.addr(NEXT_PK);
        manager = new AccessManager(admin);
        verifier = new VerifierStub();
        agents = AgentRegistry(
            _proxy(
                address(new AgentRegistry(300)),
                abi.encodeCall(AgentRegistry.initialize, (address(manager), address(verifier)))
            )
        );
        policies = PolicyRegistry(
            _proxy(
                address(new PolicyRegistry()),
                abi.encodeCall(PolicyRegistry.initialize, (address(manager), address(agents)))
            )
        );
    }

    function _proxy(address implementation, bytes memory call) internal returns (address) {
        return address(new ERC1967Proxy(implementation, call));
    }

    function _register() internal {
        vm.prank(agent);
        agents.register(KEY_1);
    }

    /// @dev The digest as an outsider computes it: from the domain that the contract states (ERC-5267).
    function _digest(address registry, bytes32 structHash) internal view returns (bytes32) {
        (, string memory name, string memory version, uint256 chainId, address contract_, , ) = IERC5267(registry)
            .eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(DOMAIN, keccak256(bytes(name)), keccak256(bytes(version)), chainId, contract_)
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _sign(uint256 privateKey, bytes32 structHash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, _digest(address(agents), structHash));
        return abi.encodePacked(r, s, v);
    }

    /// @dev A key the registry takes, for any number: a y between the low-order encodings and p.
    function _key(uint256 seed) internal pure returns (bytes32) {
        uint256 y = bound(uint256(keccak256(abi.encode(seed))), 2, (1 << 254) - 1);
        bytes32 key = bytes32(Ed25519Key.littleEndian(bytes32(y)));
        return Ed25519Key.isAcceptable(key) ? key : KEY_4;
    }
}
