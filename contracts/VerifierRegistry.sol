// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {PlainCode} from "./libraries/PlainCode.sol";

/// @title VerifierRegistry
/// @dev Immutable: evidence must not change under its readers. The verifiers are called, never inherited, so that a new
/// circuit or a new ceremony is a new address in the table and leaves every other contract as it is.
contract VerifierRegistry is IVerifierRegistry, AccessManaged {
    /// Order of the field of curve coordinates.
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    /// Order of the group, and of the field of signals.
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    uint256 private constant COORDINATES = 8;
    uint256 private constant PROOF_BYTES = 32 * COORDINATES;
    uint256 private constant MAX_PUBLIC_SIGNALS = 255;

    /// @inheritdoc IVerifierRegistry
    uint256 public constant ACTIVATION_DELAY_SEC = 2 days;

    /// Two slots, of which the second costs a proof one more cold read:
    ///
    ///     | 48 unused | selector 32 | everActive 8 | publicSignalCount 8 | verifier 160 |
    ///     | codeHash 256                                                               |
    struct Active {
        address verifier;
        uint8 publicSignalCount;
        bool everActive;
        bytes4 selector;
        bytes32 codeHash;
    }

    struct Scheduled {
        address verifier;
        uint8 publicSignalCount;
        uint64 activatableAtSec;
        bytes32 codeHash;
    }

    mapping(bytes32 circuitId => Active) private _active;
    mapping(bytes32 circuitId => Scheduled) private _scheduled;

    constructor(address accessManager) AccessManaged(accessManager) {}

    /// @inheritdoc IVerifierRegistry
    function schedule(bytes32 circuitId, address verifier, uint256 publicSignalCount) external restricted {
        if (verifier.code.length == 0) revert VerifierWithoutCode(verifier);
        _requireOwnCode(verifier);
        if (publicSignalCount == 0 || publicSignalCount > MAX_PUBLIC_SIGNALS) {
            revert PublicSignalCountOutOfRange(publicSignalCount, MAX_PUBLIC_SIGNALS);
        }
        address replaced = _scheduled[circuitId].verifier;
        if (replaced != address(0)) emit VerifierCancelled(circuitId, replaced);

        bool first = !_active[circuitId].everActive;
        uint256 activatableAtSec = first ? block.timestamp : block.timestamp + ACTIVATION_DELAY_SEC;
        _scheduled[circuitId] = Scheduled({
            verifier: verifier,
            publicSignalCount: uint8(publicSignalCount),
            activatableAtSec: uint64(activatableAtSec),
            codeHash: verifier.codehash
        });
        emit VerifierScheduled(circuitId, verifier, publicSignalCount, verifier.codehash, activatableAtSec);
        if (first) _activate(circuitId);
    }

    /// @inheritdoc IVerifierRegistry
    function activate(bytes32 circuitId) external {
        _activate(circuitId);
    }

    /// @inheritdoc IVerifierRegistry
    function cancel(bytes32 circuitId) external restricted {
        address verifier = _scheduled[circuitId].verifier;
        if (verifier == address(0)) revert NothingScheduled(circuitId);
        delete _scheduled[circuitId];
        emit VerifierCancelled(circuitId, verifier);
    }

    /// @inheritdoc IVerifierRegistry
    function disable(bytes32 circuitId) external restricted {
        address verifier = _active[circuitId].verifier;
        if (verifier == address(0)) revert UnknownCircuit(circuitId);
        // `everActive` stays: a disabled circuit must not come back by way of "the first verifier needs no delay".
        _active[circuitId].verifier = address(0);
        emit VerifierDisabled(circuitId, verifier);
    }

    /// @inheritdoc IVerifierRegistry
    function verifyProof(
        bytes32 circuitId,
        bytes calldata proof,
        uint256[] calldata publicSignals
    ) external view returns (bool) {
        Active memory active = _active[circuitId];
        if (active.verifier == address(0)) revert UnknownCircuit(circuitId);
        bytes32 codeHash = active.verifier.codehash;
        if (codeHash != active.codeHash) revert VerifierCodeChanged(codeHash, active.codeHash);
        _checkForm(proof, publicSignals, active.publicSignalCount);
        // The verifier takes only arrays of fixed length, whose encoding is their elements one after the other.
        bytes memory question = abi.encodePacked(active.selector, proof, publicSignals);
        (bool success, bytes memory answer) = active.verifier.staticcall(question);
        return success && answer.length == 32 && bytes32(answer) == bytes32(uint256(1));
    }

    /// @inheritdoc IVerifierRegistry
    function verifierOf(bytes32 circuitId) external view returns (address) {
        return _active[circuitId].verifier;
    }

    /// @inheritdoc IVerifierRegistry
    function scheduledVerifierOf(
        bytes32 circuitId
    ) external view returns (address verifier, uint256 publicSignalCount, uint256 activatableAtSec) {
        Scheduled storage scheduled = _scheduled[circuitId];
        return (scheduled.verifier, scheduled.publicSignalCount, scheduled.activatableAtSec);
    }

    function _requireOwnCode(address verifier) private view {
        (bool found, uint256 offset, bytes1 opcode) = PlainCode.foreign(verifier);
        if (found) revert VerifierNotPlain(verifier, offset, opcode);
    }

    function _activate(bytes32 circuitId) private {
        Scheduled memory scheduled = _scheduled[circuitId];
        if (scheduled.verifier == address(0)) revert NothingScheduled(circuitId);
        if (block.timestamp < scheduled.activatableAtSec) {
            revert ActivationTooEarly(block.timestamp, scheduled.activatableAtSec);
        }
        bytes32 codeHash = scheduled.verifier.codehash;
        if (codeHash != scheduled.codeHash) revert VerifierCodeChanged(codeHash, scheduled.codeHash);
        delete _scheduled[circuitId];
        _active[circuitId] = Active({
            verifier: scheduled.verifier,
            publicSignalCount: scheduled.publicSignalCount,
            everActive: true,
            selector: _selectorFor(scheduled.publicSignalCount),
            codeHash: codeHash
        });
        emit VerifierActivated(circuitId, scheduled.verifier, codeHash);
    }

    /// @dev `x` and `x + q` are one coordinate to some libraries and two to others, and likewise for signals: only the
    /// reduced form is let through, so that one statement has one spelling.
    function _checkForm(bytes calldata proof, uint256[] calldata publicSignals, uint256 count) private pure {
        if (proof.length != PROOF_BYTES) revert ProofLength(proof.length, PROOF_BYTES);
        if (publicSignals.length != count) revert PublicSignalCount(publicSignals.length, count);
        for (uint256 i = 0; i < COORDINATES; ++i) {
            uint256 coordinate;
            assembly ("memory-safe") {
                coordinate := calldataload(add(proof.offset, mul(i, 32)))
            }
            if (coordinate >= Q) revert CoordinateOutOfField(i, coordinate, Q);
        }
        for (uint256 i = 0; i < count; ++i) {
            if (publicSignals[i] >= R) revert PublicSignalOutOfField(i, publicSignals[i], R);
        }
    }

    /// @dev The selector of a generated verifier depends on how many public signals it takes.
    function _selectorFor(uint256 count) private pure returns (bytes4) {
        string memory length = Strings.toString(count);
        return
            bytes4(
                keccak256(
                    bytes(string.concat("verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[", length, "])"))
                )
            );
    }
}
