// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

import {ContractRegistry} from "../../contracts/ContractRegistry.sol";
import {KeyEscrow} from "../../contracts/KeyEscrow.sol";
import {
    AgentRegistryTypes,
    ContractRegistryTypes,
    KeyEscrowTypes,
    PolicyRegistryTypes
} from "../../contracts/generated/TypeHashes.sol";
import {RegistryTest} from "./support/RegistryTest.sol";
import {TrustStub} from "./support/TrustStub.sol";
import {KeyedWallet} from "./support/Wallets.sol";

/// @dev What one owner signed and used up stays used up under the next, also where the same key signs for both: such
/// wallets (ERC-1271) hash no address of their own. Every signed struct of the four registries but `Deactivate`, after
/// which nothing is written, is sent under an owner, under each kind of nonce, and again under the next owners.
contract OwnersRequestsTest is RegistryTest {
    ContractRegistry private contracts;
    KeyEscrow private escrow;

    address[] private targets;
    bytes[] private calls;
    uint256[] private lanes;
    uint256 private lane;

    function setUp() public override {
        super.setUp();
        contracts = ContractRegistry(
            _proxy(
                address(new ContractRegistry()),
                abi.encodeCall(ContractRegistry.initialize, (address(manager), address(agents)))
            )
        );
        TrustStub trust = new TrustStub();
        escrow = KeyEscrow(
            _proxy(
                address(new KeyEscrow()),
                abi.encodeCall(KeyEscrow.initialize, (address(manager), address(trust), address(agents)))
            )
        );
        trust.setTrusted(agent, true);
    }

    function test_usedUnderOneOwnerIsUsedUnderTheNext() public {
        _sendAll();
        assertEq(calls.length, 20);
        _replayAll();
        _handOver(agent, address(new KeyedWallet(agent)));
        _replayAll();
        _handOver(agents.identityOwner(agent), address(new KeyedWallet(agent)));
        _replayAll();
    }

    function test_usedUnderAWalletIsUsedUnderItsKeyAndUnderAnotherWallet() public {
        _register();
        address wallet = address(new KeyedWallet(agent));
        _handOver(agent, wallet);
        bytes memory call = _commit(bytes32("policy"));
        _send(address(policies), call);
        _replayAll();
        _handOver(wallet, address(new KeyedWallet(agent)));
        _replayAll();
        _handOver(agents.identityOwner(agent), agent);
        _replayAll();
    }

    /// @dev The nonces of the owner's account are another agent's: it may own several.
    function test_anOwnersAgentsCountApart() public {
        vm.prank(other);
        agents.register(KEY_2);
        _handOver(other, agent);
        bytes32 structHash = keccak256(
            abi.encode(AgentRegistryTypes.ADD_SIGNING_KEY, other, KEY_3, uint256(0), DEADLINE)
        );
        agents.addSigningKeySigned(other, KEY_3, 0, DEADLINE, _sign(AGENT_PK, structHash));
        assertEq(agents.nonces(other), 1);
        assertEq(agents.nonces(agent), 0);
    }

    function _sendAll() private {
        bytes32 id = bytes32("id");
        bytes32[] memory list = new bytes32[](1);
        list[0] = id;
        address[] memory guardians = new address[](1);
        guardians[0] = other;

        _send(address(agents), _of(AgentRegistryTypes.REGISTER, abi.encode(KEY_1), agents.registerSigned.selector));
        _send(
            address(agents),
            _of(AgentRegistryTypes.ADD_SIGNING_KEY, abi.encode(KEY_2), agents.addSigningKeySigned.selector)
        );
        _send(
            address(agents),
            _of(AgentRegistryTypes.REVOKE_SIGNING_KEY, abi.encode(KEY_1), agents.revokeSigningKeySigned.selector)
        );
        _send(
            address(agents),
            _of(AgentRegistryTypes.ROTATE_SIGNING_KEY, abi.encode(KEY_2, KEY_3), agents.rotateSigningKeySigned.selector)
        );
        _send(
            address(agents),
            _of(AgentRegistryTypes.CHANGE_OWNER, abi.encode(other), agents.changeOwnerSigned.selector)
        );
        _send(
            address(agents),
            _of(AgentRegistryTypes.ADD_DELEGATE, abi.encode(id, other, 60), agents.addDelegateSigned.selector)
        );
        _send(
            address(agents),
            _of(AgentRegistryTypes.REVOKE_DELEGATE, abi.encode(id, other), agents.revokeDelegateSigned.selector)
        );
        (uint256 nonce, bytes memory signature) = _signed(
            address(agents),
            abi.encode(AgentRegistryTypes.SET_ATTRIBUTE, agent, id, keccak256("v"), uint256(60), _nonce(), DEADLINE)
        );
        _send(
            address(agents),
            abi.encodeCall(agents.setAttributeSigned, (agent, id, "v", 60, nonce, DEADLINE, signature))
        );
        (nonce, signature) = _signed(
            address(agents),
            abi.encode(AgentRegistryTypes.REVOKE_ATTRIBUTE, agent, id, keccak256("v"), _nonce(), DEADLINE)
        );
        _send(
            address(agents),
            abi.encodeCall(agents.revokeAttributeSigned, (agent, id, "v", nonce, DEADLINE, signature))
        );
        (nonce, signature) = _signed(
            address(agents),
            abi.encode(
                AgentRegistryTypes.SET_CARD,
                agent,
                keccak256("ar://card"),
                id,
                keccak256(abi.encodePacked(list)),
                _nonce(),
                DEADLINE
            )
        );
        _send(
            address(agents),
            abi.encodeCall(agents.setCardSigned, (agent, "ar://card", id, list, nonce, DEADLINE, signature))
        );
        (nonce, signature) = _signed(
            address(agents),
            abi.encode(
                AgentRegistryTypes.SET_GUARDIANS,
                agent,
                keccak256(abi.encodePacked(uint256(uint160(other)))),
                uint256(1),
                uint256(300),
                _nonce(),
                DEADLINE
            )
        );
        _send(
            address(agents),
            abi.encodeCall(agents.setGuardiansSigned, (agent, guardians, 1, 300, nonce, DEADLINE, signature))
        );
        _send(address(agents), _of(AgentRegistryTypes.VETO_RECOVERY, "", agents.vetoRecoverySigned.selector));
        (nonce, signature) = _signed(
            address(agents),
            abi.encode(AgentRegistryTypes.KEY_OWNERSHIP, agent, uint256(7), other, _nonce(), DEADLINE)
        );
        _send(
            address(agents),
            abi.encodeCall(agents.proveKeyOwnershipSigned, (agent, 7, other, nonce, DEADLINE, "", signature))
        );

        _send(address(policies), _commit(id));
        (nonce, signature) = _signed(
            address(contracts),
            abi.encode(ContractRegistryTypes.REVOKE, agent, keccak256(abi.encodePacked(list)), _nonce(), DEADLINE)
        );
        _send(address(contracts), abi.encodeCall(contracts.revokeSigned, (agent, list, nonce, DEADLINE, signature)));
        (nonce, signature) = _signed(
            address(contracts),
            abi.encode(ContractRegistryTypes.ANCHOR, agent, id, other, _nonce(), DEADLINE)
        );
        _send(
            address(contracts),
            abi.encodeCall(contracts.anchorSigned, (agent, id, other, nonce, DEADLINE, signature))
        );
        _sendToEscrow(id);
    }

    function _sendToEscrow(bytes32 group) private {
        address[] memory members = new address[](1);
        members[0] = agent;
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(agent, bytes32("sealed")))));
        escrow.createGroup(group, bytes32("publisher"), 5);
        _trustees(group);
        escrow.addMembers(group, members);
        vm.roll(block.number + 1);
        escrow.publishEpoch(group, 1, leaf, bytes32("commitment"), members);
        (uint256 nonce, bytes memory signature) = _signed(
            address(escrow),
            abi.encode(KeyEscrowTypes.ACKNOWLEDGE, agent, group, uint256(1), bytes32("commitment"), _nonce(), DEADLINE)
        );
        _send(
            address(escrow),
            abi.encodeCall(escrow.acknowledgeSigned, (agent, group, 1, "commitment", nonce, DEADLINE, signature))
        );
        (nonce, signature) = _signed(
            address(escrow),
            abi.encode(
                KeyEscrowTypes.REPORT_MISDELIVERY,
                agent,
                group,
                uint256(1),
                bytes32("sealed"),
                bytes32("proof"),
                _nonce(),
                DEADLINE
            )
        );
        _send(
            address(escrow),
            abi.encodeCall(
                escrow.reportMisdeliverySigned,
                (agent, group, 1, "sealed", new bytes32[](0), "proof", nonce, DEADLINE, signature)
            )
        );
        (nonce, signature) = _signed(
            address(escrow),
            abi.encode(
                KeyEscrowTypes.REQUEST_RECOVERY,
                agent,
                group,
                uint256(1),
                bytes32("recipient"),
                _nonce(),
                DEADLINE
            )
        );
        _send(
            address(escrow),
            abi.encodeCall(escrow.requestRecoverySigned, (agent, group, 1, "recipient", nonce, DEADLINE, signature))
        );
        bytes32 requestId = keccak256(
            abi.encode(KeyEscrowTypes.RECOVERY_REQUEST, group, uint256(1), uint256(1), agent, bytes32("recipient"))
        );
        (nonce, signature) = _signed(
            address(escrow),
            abi.encode(KeyEscrowTypes.CANCEL_RECOVERY, agent, requestId, _nonce(), DEADLINE)
        );
        _send(
            address(escrow),
            abi.encodeCall(escrow.cancelRecoverySigned, (agent, requestId, nonce, DEADLINE, signature))
        );
    }

    function _trustees(bytes32 group) private {
        address[] memory trustees = new address[](2);
        (trustees[0], trustees[1]) = (address(1), address(2));
        escrow.setTrustees(group, trustees, new bytes32[](2), "shares", "recovery", 2, 10);
    }

    function _commit(bytes32 policyHash) private view returns (bytes memory) {
        (uint256 nonce, bytes memory signature) = _signed(
            address(policies),
            abi.encode(PolicyRegistryTypes.COMMIT, agent, policyHash, _nonce(), DEADLINE)
        );
        return abi.encodeCall(policies.commitSigned, (agent, policyHash, nonce, DEADLINE, signature));
    }

    /// @dev Of a request whose members are words: they stand in the call as they do in the struct.
    function _of(bytes32 typeHash, bytes memory members, bytes4 selector) private view returns (bytes memory) {
        bytes memory words = bytes.concat(abi.encode(agent), members, abi.encode(_nonce(), DEADLINE));
        (, bytes memory signature) = _signed(address(agents), bytes.concat(typeHash, words));
        bytes memory head = bytes.concat(words, abi.encode(words.length + 32));
        return bytes.concat(selector, head, abi.encode(signature.length), signature, new bytes(31));
    }

    /// @dev Every request in a lane of its own, the first of all in lane 0.
    function _nonce() private view returns (uint256) {
        return lane << 64;
    }

    function _signed(address registry, bytes memory struct_) private view returns (uint256, bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(AGENT_PK, _digest(registry, keccak256(struct_)));
        return (_nonce(), abi.encodePacked(r, s, v));
    }

    function _send(address target, bytes memory call) private {
        (bool success, bytes memory answer) = target.call(call);
        if (!success) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        targets.push(target);
        calls.push(call);
        lanes.push(lane++);
    }

    function _replayAll() private {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool success, bytes memory answer) = targets[i].call(calls[i]);
            assertFalse(success);
            bytes memory used = abi.encodeWithSelector(
                Nonces.InvalidAccountNonce.selector,
                agent,
                (lanes[i] << 64) | 1
            );
            assertEq(keccak256(answer), keccak256(used));
        }
    }

    function _handOver(address from, address to) private {
        address whose = from == other ? other : agent;
        bytes memory offer = abi.encodeCall(agents.changeOwner, (whose, to));
        if (from.code.length != 0) KeyedWallet(from).call(address(agents), offer);
        else {
            vm.prank(from);
            agents.changeOwner(whose, to);
        }
        if (to.code.length != 0) KeyedWallet(to).call(address(agents), abi.encodeCall(agents.acceptOwner, (whose)));
        else {
            vm.prank(to);
            agents.acceptOwner(whose);
        }
        assertEq(agents.identityOwner(whose), to);
    }
}
