// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {AgentRegistry} from "../../contracts/AgentRegistry.sol";
import {PolicyRegistry} from "../../contracts/PolicyRegistry.sol";
import {GovernedRegistry} from "../../contracts/base/GovernedRegistry.sol";
import {IAgentRegistry} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IGovernedRegistry} from "../../contracts/interfaces/IGovernedRegistry.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

/// @dev What operators may do: replace the code after a delay, until they give it up.
contract RegistryGovernanceTest is RegistryTest {
    uint64 private constant UPGRADER = 7;
    uint32 private constant DELAY_SEC = 2 days;
    // keccak256("eip1967.proxy.implementation") - 1
    bytes32 private constant IMPLEMENTATION_SLOT = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);

    address private upgrader;

    function setUp() public override {
        super.setUp();
        upgrader = vm.addr(0x5EC);
        manager.grantRole(UPGRADER, upgrader, DELAY_SEC);
        bytes4[] memory selectors = new bytes4[](2);
        (selectors[0], selectors[1]) = (
            UUPSUpgradeable.upgradeToAndCall.selector,
            IGovernedRegistry.freezeUpgrades.selector
        );
        manager.setTargetFunctionRole(address(agents), selectors, UPGRADER);
        manager.setTargetFunctionRole(address(policies), selectors, UPGRADER);
    }

    function test_anUpgradeWaitsAndKeepsTheState() public {
        _register();
        bytes32 before = keccak256(abi.encode(agents.resolve(agent)));
        address implementation = address(new AgentRegistry(300));
        bytes memory call = abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (implementation, ""));
        bytes32 operation = manager.hashOperation(upgrader, address(agents), call);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        vm.prank(upgrader);
        agents.upgradeToAndCall(implementation, "");
        vm.prank(upgrader);
        manager.schedule(address(agents), call, 0);
        vm.warp(block.timestamp + DELAY_SEC - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operation));
        vm.prank(upgrader);
        agents.upgradeToAndCall(implementation, "");
        vm.warp(block.timestamp + 1);
        vm.prank(upgrader);
        agents.upgradeToAndCall(implementation, "");
        assertEq(vm.load(address(agents), IMPLEMENTATION_SLOT), bytes32(uint256(uint160(implementation))));
        assertEq(keccak256(abi.encode(agents.resolve(agent))), before);
    }

    function testFuzz_nobodyElseUpgradesOrFreezes(address caller) public {
        vm.assume(caller != upgrader && caller != admin);
        address implementation = address(new AgentRegistry(300));
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
        vm.expectRevert(refused);
        vm.prank(caller);
        agents.upgradeToAndCall(implementation, "");
        vm.expectRevert(refused);
        vm.prank(caller);
        agents.freezeUpgrades();
        vm.expectRevert(refused);
        vm.prank(caller);
        policies.freezeUpgrades();
    }

    function test_frozenIsForGood() public {
        GovernedRegistry[2] memory registries = [
            GovernedRegistry(address(agents)),
            GovernedRegistry(address(policies))
        ];
        for (uint256 i = 0; i < registries.length; ++i) {
            GovernedRegistry registry = registries[i];
            assertFalse(registry.upgradesFrozen());
            bytes memory freeze = abi.encodeCall(IGovernedRegistry.freezeUpgrades, ());
            bytes memory upgrade = abi.encodeCall(
                UUPSUpgradeable.upgradeToAndCall,
                (address(new AgentRegistry(300)), "")
            );
            _schedule(address(registry), freeze);
            vm.expectEmit();
            emit IGovernedRegistry.UpgradesFrozen();
            vm.prank(upgrader);
            registry.freezeUpgrades();
            assertTrue(registry.upgradesFrozen());

            _schedule(address(registry), upgrade);
            vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.UpgradesAreFrozen.selector));
            vm.prank(upgrader);
            (bool success, ) = address(registry).call(upgrade);
            success;
            _schedule(address(registry), freeze);
            vm.expectRevert(abi.encodeWithSelector(IGovernedRegistry.UpgradesAreFrozen.selector));
            vm.prank(upgrader);
            registry.freezeUpgrades();
        }
    }

    function test_theAdministratorWritesForNoAgent() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, admin, agent));
        agents.addSigningKey(agent, KEY_2);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, upgrader, agent));
        vm.prank(upgrader);
        agents.deactivate(agent, address(0));
    }

    function test_initializeOnlyOnce() public {
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        agents.initialize(other, other);
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        policies.initialize(other, other);
        AgentRegistry bareAgents = new AgentRegistry(300);
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        bareAgents.initialize(other, other);
        PolicyRegistry barePolicies = new PolicyRegistry();
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        barePolicies.initialize(other, other);
    }

    function test_storageLiesWhereItsNamesSay() public {
        _register();
        vm.prank(agent);
        policies.commit(agent, KEY_1);
        bytes32 agentWord = keccak256(abi.encode(agent, _erc7201("affiant.storage.AgentRegistry")));
        bytes32 policyWord = keccak256(abi.encode(agent, _erc7201("affiant.storage.PolicyRegistry")));
        assertEq(uint256(uint40(uint256(vm.load(address(agents), agentWord)))), 1000);
        assertEq(vm.load(address(agents), bytes32(uint256(agentWord) + 1)), KEY_1);
        assertEq(uint256(uint24(uint256(vm.load(address(policies), policyWord)))), 1);
        bytes memory freeze = abi.encodeCall(IGovernedRegistry.freezeUpgrades, ());
        _schedule(address(agents), freeze);
        vm.prank(upgrader);
        agents.freezeUpgrades();
        assertEq(vm.load(address(agents), _erc7201("affiant.storage.GovernedRegistry")), bytes32(uint256(1)));
    }

    function test_theRegistriesKnowOneAnother() public view {
        assertEq(agents.verifierRegistry(), address(verifier));
        assertEq(agents.authority(), address(manager));
        assertEq(policies.authority(), address(manager));
    }

    function _erc7201(string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(uint256(keccak256(bytes(name))) - 1)) & ~bytes32(uint256(0xff));
    }

    function _schedule(address target, bytes memory call) private {
        vm.prank(upgrader);
        manager.schedule(target, call, 0);
        vm.warp(block.timestamp + DELAY_SEC);
    }
}
