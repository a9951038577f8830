// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAgentRegistry} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IERC1056} from "../../contracts/interfaces/IERC1056.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract AgentRegistryDocumentTest is RegistryTest {
    bytes32 private constant TYPE = "veriKey";
    bytes32 private constant NAME = "did/svc/MessagingService";

    // addDelegate, revokeDelegate

    function test_addDelegate_isValidUntilItsEnd() public {
        uint256 end = block.timestamp + 60;
        vm.expectEmit();
        emit IERC1056.DIDDelegateChanged(agent, TYPE, other, end, 0);
        vm.prank(agent);
        agents.addDelegate(agent, TYPE, other, 60);
        assertEq(agents.delegates(agent, keccak256(abi.encode(TYPE)), other), end);
        assertEq(agents.changed(agent), 1000);
        assertTrue(agents.validDelegate(agent, TYPE, other));
        assertFalse(agents.validDelegate(agent, "sigAuth", other));
        vm.warp(end - 1);
        assertTrue(agents.validDelegate(agent, TYPE, other));
        vm.warp(end);
        assertFalse(agents.validDelegate(agent, TYPE, other));
    }

    function test_revokeDelegate_worksAtOnce() public {
        vm.startPrank(agent);
        agents.addDelegate(agent, TYPE, other, 60);
        vm.roll(1001);
        vm.expectEmit();
        emit IERC1056.DIDDelegateChanged(agent, TYPE, other, block.timestamp, 1000);
        agents.revokeDelegate(agent, TYPE, other);
        vm.stopPrank();
        assertFalse(agents.validDelegate(agent, TYPE, other));
    }

    function test_delegatesWriteNothing() public {
        vm.prank(agent);
        agents.addDelegate(agent, TYPE, other, 60);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.setAttribute(agent, NAME, "x", 60);
    }

    function test_addDelegate_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.addDelegate(agent, TYPE, other, 60);
    }

    function test_revokeDelegate_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.revokeDelegate(agent, TYPE, other);
    }

    function testFuzz_addDelegate_validity(bytes32 delegateType, address delegate, uint256 validity) public {
        uint256 limit = type(uint64).max - block.timestamp;
        bool tooLong = validity > limit;
        if (tooLong) {
            vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.ValidityTooLong.selector, validity, limit));
        }
        vm.prank(agent);
        agents.addDelegate(agent, delegateType, delegate, validity);
        assertTrue(agents.validDelegate(agent, delegateType, delegate) == (!tooLong && validity > 0));
    }

    function test_addDelegate_upToTheEndOfTime() public {
        vm.prank(agent);
        agents.addDelegate(agent, TYPE, other, type(uint64).max - block.timestamp);
        assertTrue(agents.validDelegate(agent, TYPE, other));
    }

    // setAttribute, revokeAttribute

    function test_setAttribute_linksItsEvents() public {
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, "https://a.example", block.timestamp + 60, 0);
        vm.prank(agent);
        agents.setAttribute(agent, NAME, "https://a.example", 60);
        vm.roll(1004);
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, "https://a.example", 0, 1000);
        vm.prank(agent);
        agents.revokeAttribute(agent, NAME, "https://a.example");
        assertEq(agents.changed(agent), 1004);
    }

    function test_setAttribute_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.setAttribute(agent, NAME, "x", 60);
    }

    function test_revokeAttribute_refusesOthers() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.revokeAttribute(agent, NAME, "x");
    }

    function test_setAttribute_refusesEd25519Keys() public {
        bytes32[3] memory names = [
            bytes32("did/pub/Ed25519/veriKey/base58"),
            bytes32("did/pub/Ed25519/sigAuth/hex"),
            bytes32("did/pub/Ed25519")
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyNotAnAttribute.selector, names[i]));
            vm.prank(agent);
            agents.setAttribute(agent, names[i], bytes.concat(KEY_1), 60);
        }
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyNotAnAttribute.selector, names[0]));
        vm.prank(agent);
        agents.revokeAttribute(agent, names[0], bytes.concat(KEY_1));
        vm.prank(agent);
        agents.setAttribute(agent, "did/pub/Secp256k1/veriKey/hex", bytes.concat(KEY_1), 60);
    }

    function testFuzz_setAttribute_onlyForTheOwner(
        address caller,
        bytes32 name,
        bytes calldata value,
        uint256 validity
    ) public {
        vm.assume(bytes15(name) != "did/pub/Ed25519");
        uint256 limit = type(uint64).max - block.timestamp;
        bytes memory expected;
        if (caller != agent) {
            expected = abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, caller, agent);
        } else if (validity > limit) {
            expected = abi.encodeWithSelector(IAgentRegistry.ValidityTooLong.selector, validity, limit);
        }
        if (expected.length > 0) vm.expectRevert(expected);
        vm.prank(caller);
        agents.setAttribute(agent, name, value, validity);
        vm.prank(agent);
        agents.revokeAttribute(agent, name, value);
        assertEq(agents.changed(agent), 1000);
    }

    // setCard

    function test_setCard_isInTheStateAndFoundByCapability() public {
        _register();
        bytes32[] memory capabilities = new bytes32[](2);
        (capabilities[0], capabilities[1]) = ("payment.charge", "payment.refund");
        vm.expectEmit();
        emit IAgentRegistry.CardPublished(agent, "https://a.example/card.json", KEY_3, capabilities);
        vm.expectEmit();
        emit IAgentRegistry.CapabilityDeclared("payment.charge", agent, KEY_3);
        vm.expectEmit();
        emit IAgentRegistry.CapabilityDeclared("payment.refund", agent, KEY_3);
        vm.prank(agent);
        agents.setCard(agent, "https://a.example/card.json", KEY_3, capabilities);
        assertEq(agents.resolve(agent).cardUri, "https://a.example/card.json");
        assertEq(agents.resolve(agent).cardHash, KEY_3);
        vm.prank(agent);
        agents.setCard(agent, "", 0, new bytes32[](0));
        assertEq(agents.resolve(agent).cardUri, "");
        assertEq(agents.resolve(agent).cardHash, 0);
    }

    function test_setCard_refusesOthers() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.setCard(agent, "u", KEY_3, new bytes32[](0));
    }

    function test_setCard_refusesAnAccountThatIsNoAgent() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotRegistered.selector, agent));
        vm.prank(agent);
        agents.setCard(agent, "u", KEY_3, new bytes32[](0));
    }

    function testFuzz_setCard_takesPrintableAsciiAlone(bytes1 char, uint8 before) public {
        _register();
        bytes memory uri = bytes("https://a.example/agent-card.json");
        uint256 position = before % uri.length;
        uri[position] = char;
        bool isRefused = char < 0x21 || char > 0x7e;
        if (isRefused) {
            vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.CardUriCharacter.selector, position, char));
        }
        vm.prank(agent);
        agents.setCard(agent, string(uri), KEY_3, new bytes32[](0));
        assertEq(agents.resolve(agent).cardUri, isRefused ? "" : string(uri));
    }

    function testFuzz_setCard_takesSixteenCapabilities(bytes32 contentHash, uint8 size) public {
        _register();
        string memory uri = "https://a.example/card.json";
        bytes32[] memory capabilities = new bytes32[](size % 24);
        bool tooMany = capabilities.length > 16;
        if (tooMany) {
            vm.expectRevert(
                abi.encodeWithSelector(IAgentRegistry.TooManyCapabilities.selector, capabilities.length, 16)
            );
        }
        vm.prank(agent);
        agents.setCard(agent, uri, contentHash, capabilities);
        assertEq(agents.resolve(agent).cardUri, tooMany ? "" : uri);
    }
}
