// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The table of proof verifiers, by circuit
/// @notice Says which verifier contract decides about the proofs of a circuit, and passes proofs on to it after the
/// checks of form that a generated verifier leaves out. The logic is immutable. The first verifier of a circuit takes
/// effect at once, since nothing can depend on it yet; every later one only `ACTIVATION_DELAY_SEC` after it was
/// announced, so that a swap is on chain before it has an effect. Stopping a broken circuit is immediate.
/// @dev A circuit id is `keccak256(abi.encode(keccak256("Circuit(string name)"), keccak256(bytes(name))))`. Proofs are
/// Groth16 over BN254: `q` is the order of the field of coordinates, `r` the order of the group (and of signals).
/// @dev Warning: Groth16 proofs can be re-randomised by anyone. Never use a proof or its hash as a replay key.
interface IVerifierRegistry {
    /// @notice A verifier was announced. It may be activated from `activatableAtSec` on.
    /// @param publicSignalCount how many public signals the verifier takes.
    /// @param codeHash hash of the verifier's code, for readers who compare it with what they built themselves.
    event VerifierScheduled(
        bytes32 indexed circuitId,
        address indexed verifier,
        uint256 publicSignalCount,
        bytes32 codeHash,
        uint256 activatableAtSec
    );

    /// @notice From this block on `verifier` decides about proofs of the circuit.
    event VerifierActivated(bytes32 indexed circuitId, address indexed verifier, bytes32 codeHash);

    /// @notice An announced verifier was withdrawn, or replaced by a newer announcement, before it had any effect.
    event VerifierCancelled(bytes32 indexed circuitId, address indexed verifier);

    /// @notice From this block on no proof of the circuit is accepted.
    event VerifierDisabled(bytes32 indexed circuitId, address indexed verifier);

    /// @notice Thrown if the circuit has no verifier, never had one, or was disabled.
    error UnknownCircuit(bytes32 circuitId);

    /// @notice Thrown if an encoded proof is not `limit` bytes long.
    error ProofLength(uint256 got, uint256 limit);

    /// @notice Thrown if the number of public signals is not the circuit's.
    error PublicSignalCount(uint256 got, uint256 limit);

    /// @notice Thrown if coordinate `index` (a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y) is not below `q`.
    error CoordinateOutOfField(uint256 index, uint256 got, uint256 limit);

    /// @notice Thrown if public signal `index` is not below `r`.
    error PublicSignalOutOfField(uint256 index, uint256 got, uint256 limit);

    /// @notice Thrown if the address to be scheduled carries no code.
    error VerifierWithoutCode(address verifier);

    /// @notice Thrown if a verifier is scheduled for a number of signals outside 1 to `limit`.
    error PublicSignalCountOutOfRange(uint256 got, uint256 limit);

    /// @notice Thrown if no announced verifier waits for the circuit.
    error NothingScheduled(bytes32 circuitId);

    /// @notice Thrown if an announced verifier is activated before its time.
    error ActivationTooEarly(uint256 nowSec, uint256 activatableAtSec);

    /// @notice Thrown if what the verifier answers does not follow from its code alone: it delegates (EIP-7702, proxies of
    /// every kind), calls, creates, or reads storage, by `opcode` at byte `offset` of its code.
    error VerifierNotPlain(address verifier, uint256 offset, bytes1 opcode);

    /// @notice Thrown if the code at the verifier's address is no longer what was announced: at activation, and at each
    /// proof after it.
    error VerifierCodeChanged(bytes32 got, bytes32 announced);

    /// @notice Seconds between the announcement of a circuit's next verifier and its earliest effect.
    // solhint-disable-next-line func-name-mixedcase
    function ACTIVATION_DELAY_SEC() external view returns (uint256);

    /// @notice Announces the verifier of a circuit. Takes effect at once if the circuit never had one; replaces an
    /// earlier announcement that still waits, and starts its delay anew.
    /// @param verifier contract with `verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[publicSignalCount])`, whose
    /// code answers by itself (see `VerifierNotPlain`). Compile it without metadata: a byte of that may look like an opcode.
    function schedule(bytes32 circuitId, address verifier, uint256 publicSignalCount) external;

    /// @notice Puts an announced verifier into effect after its delay. Open to anyone.
    function activate(bytes32 circuitId) external;

    /// @notice Withdraws an announced verifier.
    function cancel(bytes32 circuitId) external;

    /// @notice Stops a circuit at once. Another verifier must go through the delay.
    function disable(bytes32 circuitId) external;

    /// @notice Whether `proof` proves the circuit's statement for `publicSignals`.
    /// @param proof 256 bytes, `abi.encode(uint256[2] a, uint256[2][2] b, uint256[2] c)`, as snarkjs exports calldata.
    /// @param publicSignals in the circuit's order, each below `r`.
    /// @dev Reverts on a malformed question, answers false to a wrong proof. A point that is not on its curve is a
    /// wrong proof, but the precompile then takes all gas it was given: ask off chain first.
    function verifyProof(
        bytes32 circuitId,
        bytes calldata proof,
        uint256[] calldata publicSignals
    ) external view returns (bool);

    /// @notice The verifier in effect, or zero if there is none.
    function verifierOf(bytes32 circuitId) external view returns (address);

    /// @notice The announced verifier and when it may be activated, or zeros if none waits.
    function scheduledVerifierOf(
        bytes32 circuitId
    ) external view returns (address verifier, uint256 publicSignalCount, uint256 activatableAtSec);
}
