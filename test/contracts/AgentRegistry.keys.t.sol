// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAgentRegistry, SigningKey} from "../../contracts/interfaces/IAgentRegistry.sol";
import {IERC1056} from "../../contracts/interfaces/IERC1056.sol";
import {RegistryTest} from "./support/RegistryTest.sol";

contract AgentRegistryKeysTest is RegistryTest {
    bytes32 private constant NAME = "did/pub/Ed25519/veriKey/base58";
    uint256 private constant NO_END = type(uint64).max;

    // register

    function test_register_makesTheCallerAnAgent() public {
        vm.expectEmit();
        emit IAgentRegistry.AgentRegistered(agent);
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, bytes.concat(KEY_1), NO_END, 0);
        _register();
        assertTrue(agents.isActive(agent));
        assertEq(agents.activeOwner(agent), agent);
        assertEq(agents.changed(agent), 1000);
        assertEq(agents.signingKeyCount(agent), 1);
        SigningKey memory key = agents.signingKeyAt(agent, 0);
        assertEq(key.key, KEY_1);
        assertEq(key.addedAtBlock, 1000);
        assertEq(key.revokedAtBlock, 0);
    }

    function test_register_linksToEarlierEvents() public {
        vm.prank(agent);
        agents.setAttribute(agent, "did/svc/Mail", "x", 60);
        vm.roll(1010);
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, bytes.concat(KEY_1), NO_END, 1000);
        _register();
    }

    function test_register_refusesASecondTime() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.AlreadyRegistered.selector, agent));
        vm.prank(agent);
        agents.register(KEY_2);
    }

    function test_register_refusesAnAccountOwnedByAnother() public {
        vm.prank(agent);
        agents.changeOwner(agent, next);
        vm.prank(next);
        agents.acceptOwner(agent);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, agent, next));
        vm.prank(agent);
        agents.register(KEY_1);
    }

    function testFuzz_register_takesExactlyTheAcceptableKeys(bytes32 key, address sender) public {
        vm.assume(sender != address(0));
        bytes32 masked = key & ~bytes32(uint256(0x80));
        // RFC 8032 in the other direction: compare big-endian reversed bytes with p.
        uint256 y = 0;
        for (uint256 i = 0; i < 32; ++i) y |= uint256(uint8(masked[i])) << (8 * i);
        bool canonical = y < (1 << 255) - 19;
        if (!canonical || y < 2 || y == (1 << 255) - 20) {
            vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyRejected.selector, key));
        }
        vm.prank(sender);
        agents.register(key);
    }

    // addSigningKey

    function test_addSigningKey_keepsTheOthersValid() public {
        _register();
        vm.roll(1005);
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, bytes.concat(KEY_2), NO_END, 1000);
        vm.prank(agent);
        agents.addSigningKey(agent, KEY_2);
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, 1005));
        assertTrue(agents.signingKeyValidAt(agent, KEY_2, 1005));
        assertFalse(agents.signingKeyValidAt(agent, KEY_2, 1004));
    }

    function test_addSigningKey_refusesOthers() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.addSigningKey(agent, KEY_2);
    }

    function test_addSigningKey_refusesAnAccountThatIsNoAgent() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotRegistered.selector, agent));
        vm.prank(agent);
        agents.addSigningKey(agent, KEY_2);
    }

    function test_addSigningKey_refusesAKeyItHas() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyKnown.selector, agent, KEY_1, 0));
        vm.prank(agent);
        agents.addSigningKey(agent, KEY_1);
    }

    function test_addSigningKey_refusesAKeyOfLowOrder() public {
        _register();
        bytes32 low = bytes32(uint256(1) << 248);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyRejected.selector, low));
        vm.prank(agent);
        agents.addSigningKey(agent, low);
    }

    function test_addSigningKey_stopsAtTheLimit() public {
        _register();
        uint256 limit = agents.MAX_SIGNING_KEYS();
        vm.startPrank(agent);
        for (uint256 i = 1; i < limit; ++i) agents.addSigningKey(agent, _key(i));
        assertEq(agents.signingKeyCount(agent), limit);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.TooManySigningKeys.selector, limit + 1, limit));
        agents.addSigningKey(agent, KEY_2);
        vm.stopPrank();
    }

    // revokeSigningKey, rotateSigningKey

    function test_revokeSigningKey_worksFromItsBlockOn() public {
        _register();
        vm.roll(1007);
        vm.expectEmit();
        emit IERC1056.DIDAttributeChanged(agent, NAME, bytes.concat(KEY_1), 0, 1000);
        vm.prank(agent);
        agents.revokeSigningKey(agent, KEY_1);
        assertFalse(agents.signingKeyValidAt(agent, KEY_1, 999));
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, 1000));
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, 1006));
        assertFalse(agents.signingKeyValidAt(agent, KEY_1, 1007));
        assertTrue(agents.isActive(agent));
    }

    function test_revokeSigningKey_refusesOthers() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.revokeSigningKey(agent, KEY_1);
    }

    function test_revokeSigningKey_refusesAnUnknownKey() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyUnknown.selector, agent, KEY_2));
        vm.prank(agent);
        agents.revokeSigningKey(agent, KEY_2);
    }

    function test_revokeSigningKey_refusesASecondTime() public {
        _register();
        vm.startPrank(agent);
        agents.revokeSigningKey(agent, KEY_1);
        vm.roll(1001);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyAlreadyRevoked.selector, agent, KEY_1, 1000));
        agents.revokeSigningKey(agent, KEY_1);
        vm.stopPrank();
    }

    function test_aRevokedKeyNeverComesBack() public {
        _register();
        vm.startPrank(agent);
        agents.addSigningKey(agent, KEY_2);
        agents.revokeSigningKey(agent, KEY_1);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.SigningKeyKnown.selector, agent, KEY_1, 0));
        agents.addSigningKey(agent, KEY_1);
        vm.stopPrank();
    }

    function test_rotateSigningKey_leavesNoGapAndNoOverlap() public {
        _register();
        vm.roll(1020);
        vm.prank(agent);
        agents.rotateSigningKey(agent, KEY_1, KEY_2);
        assertTrue(agents.signingKeyValidAt(agent, KEY_1, 1019));
        assertFalse(agents.signingKeyValidAt(agent, KEY_1, 1020));
        assertFalse(agents.signingKeyValidAt(agent, KEY_2, 1019));
        assertTrue(agents.signingKeyValidAt(agent, KEY_2, 1020));
    }

    function test_rotateSigningKey_refusesOthers() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotOwner.selector, agent, other, agent));
        vm.prank(other);
        agents.rotateSigningKey(agent, KEY_1, KEY_2);
    }

    /// @dev Packed windows against a plain list: whatever is added and revoked, in whatever order.
    function testFuzz_windowsAreThoseOfAPlainList(uint256 seed, uint8 steps) public {
        _register();
        bytes32[] memory keys = new bytes32[](65);
        uint256[] memory added = new uint256[](65);
        uint256[] memory revoked = new uint256[](65);
        (keys[0], added[0]) = (KEY_1, block.number);
        uint256 count = 1;
        vm.startPrank(agent);
        for (uint256 step = 0; step < steps % 64; ++step) {
            vm.roll(block.number + ((seed >> step) % 3));
            uint256 pick = uint256(keccak256(abi.encode(seed, step))) % (2 * count);
            if (pick < count && revoked[pick] == 0) {
                agents.revokeSigningKey(agent, keys[pick]);
                revoked[pick] = block.number;
            } else {
                (keys[count], added[count]) = (_key(step), block.number);
                agents.addSigningKey(agent, keys[count++]);
            }
        }
        vm.stopPrank();
        assertEq(agents.signingKeyCount(agent), count);
        for (uint256 i = 0; i < count; ++i) {
            SigningKey memory key = agents.signingKeyAt(agent, i);
            assertEq(key.key, keys[i]);
            assertEq(key.addedAtBlock, added[i]);
            assertEq(key.revokedAtBlock, revoked[i]);
            uint256 moment = block.number - ((seed >> i) % 8);
            bool valid = added[i] <= moment && (revoked[i] == 0 || moment < revoked[i]);
            assertTrue(agents.signingKeyValidAt(agent, keys[i], moment) == valid);
        }
    }

    // views

    function test_signingKeyAt_isZeroPastTheEnd() public {
        _register();
        assertEq(agents.signingKeyAt(agent, 1).key, 0);
        assertEq(agents.signingKeyAt(agent, 1).addedAtBlock, 0);
    }

    function test_nobodyIsAnAgentUnregistered() public view {
        assertFalse(agents.isActive(other));
        assertEq(agents.activeOwner(other), address(0));
        assertEq(agents.identityOwner(other), other);
        assertFalse(agents.signingKeyValidAt(other, KEY_1, 1000));
        assertFalse(agents.signingKeyValidAt(other, 0, 1000));
    }
}
