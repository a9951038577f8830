// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IGovernedRegistry} from "./IGovernedRegistry.sol";

/// @notice What a measurement rests on. No record means more than its tier gives.
/// @param Software the wrapper's word about files and memory of the machine it runs on: whoever owns that machine can
/// make it lie.
/// @param Tpm a TPM quote: the boot chain is measured by a chip, the running program still by software.
/// @param Tee a trusted execution environment: measured by the processor.
enum AssuranceTier {
    Software,
    Tpm,
    Tee
}

/// @notice What one verifier says about one target.
/// @param None nothing; never a valid verdict.
/// @param Pass the evidence matches the expected answer.
/// @param Fail evidence came and does not match.
/// @param Timeout no evidence came. It is not a failure: it may be the network, or the verifier who lies.
enum AttestationResult {
    None,
    Pass,
    Fail,
    Timeout
}

/// @notice How an agent stands.
/// @param None never enrolled.
/// @param Enrolled its reference is committed to; nobody has verified it yet.
/// @param Trusted verified, and the verification has not expired.
/// @param Expired verified once; the verification has expired.
/// @param Suspect verified by nobody but an agent that was convicted since. To be attested anew.
/// @param Quarantined a verifier found it wanting; not decided yet.
/// @param Silent lost trust by strikes: it did not answer, or did not verify, three times in a row.
/// @param Convicted at least four of five fresh verifiers found it wanting. Only a new enrolment leads out.
/// @param Retired taken out.
/// @param Withdrawn its owner took it out: it claims nothing from that block on.
enum AttestationStatus {
    None,
    Enrolled,
    Trusted,
    Expired,
    Suspect,
    Quarantined,
    Silent,
    Convicted,
    Retired,
    Withdrawn
}

/// @notice What a record tells.
/// @param Enrolled a version was enrolled.
/// @param Introduced the service, or the agent verified before it, verified the agent.
/// @param Rejected the same, with another result than Pass.
/// @param Passed the verifiers drawn for it found nothing wrong.
/// @param Struck none of the first six verifiers drawn for it got an answer.
/// @param Silenced three strikes.
/// @param Quarantined a verifier drawn for it says FAIL.
/// @param Convicted four of five fresh verifiers say FAIL.
/// @param Acquitted four of five fresh verifiers say PASS.
/// @param Undecided the fresh verifiers do not agree; the agent stays in quarantine until a later round.
/// @param Retired the agent was taken out.
/// @param Withdrawn its owner took the agent out.
enum RecordKind {
    None,
    Enrolled,
    Introduced,
    Rejected,
    Passed,
    Struck,
    Silenced,
    Quarantined,
    Convicted,
    Acquitted,
    Undecided,
    Retired,
    Withdrawn
}

/// @notice A signed verdict as it is handed in. What else is signed (round, seed, target, enrolment) the contract knows.
/// @param verifier the agent that verified, or an account of the attestation service where it stands in.
/// @param attempts how often the verifier asked the target.
/// @param evidenceHash of the evidence the verdict is about; kept off chain. Zero with Timeout.
/// @param signature of the verifier agent's owner, EIP-712 `Verdict` (`protocol/eip712/attestationRegistry.ts`).
struct SignedVerdict {
    address verifier;
    AttestationResult result;
    uint8 attempts;
    bytes32 evidenceHash;
    bytes signature;
}

/// @notice That an agent's owner wants its next version enrolled: EIP-712 `EnrolmentConsent` over owner, agent, version
/// and deadline. It serves once, because each version is enrolled once.
/// @param deadline Unix seconds.
struct EnrolmentConsent {
    uint256 deadline;
    bytes signature;
}

/// @notice One version of one agent's reference.
/// @param version counts from 1 for each agent.
/// @param commitment `keccak256(abi.encode(REFERENCE_TYPEHASH, agent, version, m, salt))`.
/// @param operator who runs the agent: verifiers are drawn from other operators where the set allows.
/// @param before the agent's enrolment before this one; 0 = none.
struct Enrolment {
    address agent;
    uint16 version;
    AssuranceTier tier;
    uint40 blockNumber;
    uint24 before;
    bytes32 commitment;
    address operator;
}

/// @notice How an agent stands at a block.
/// @param expiresAtBlock first block in which trust is over; 0 unless it was verified.
/// @param recordIndex the record that made it so; 0 = none.
struct Standing {
    AttestationStatus status;
    AssuranceTier tier;
    uint256 enrolment;
    uint256 version;
    bytes32 commitment;
    uint256 expiresAtBlock;
    uint256 recordIndex;
    uint256 round;
    uint256 sinceBlock;
}

enum RoundPhase {
    None,
    Opened,
    Drawn,
    Closed,
    Void
}

/// @notice One round.
/// @param rotHead head of the history when the round was opened: part of the seed.
/// @param seed zero before the draw.
/// @param size how many agents, at places 0 to size − 1 of the roster, were frozen into it.
/// @param settled how many of them have a result.
/// @param drawBlock block whose hash is part of the seed.
/// @param drawUntil last block in which the round can be drawn.
/// @param silentFrom first block in which verdicts of the first panel seats are late; 0 before the draw.
/// @param recordUntil last block in which the round cannot be closed with targets unsettled; 0 before the draw.
struct Round {
    bytes32 secretCommitment;
    bytes32 rotHead;
    bytes32 seed;
    address openedBy;
    uint40 openedAtBlock;
    uint24 size;
    uint24 settled;
    RoundPhase phase;
    uint40 drawBlock;
    uint40 drawUntil;
    uint40 silentFrom;
    uint40 recordUntil;
}

/// @notice All lengths in blocks.
/// @param drawDelay from the opening of a round to the block whose hash is drawn; at least 1.
/// @param drawWindow from that block to the last one in which the secret counts; at most 250, since the EVM forgets.
/// @param silenceDelay how long a seat is open for its verdict, from the draw, from when it is called, or from a
/// quarantine.
/// @param roundLength from the draw until the round can be closed with targets unsettled.
/// @param trustLength for how long a verification counts. Rounds must come more often than that.
/// @param revealDepth how many blocks have to stand on the drawn one before the secret counts; less than `drawWindow`.
struct RoundSchedule {
    uint16 drawDelay;
    uint16 drawWindow;
    uint24 silenceDelay;
    uint24 roundLength;
    uint24 trustLength;
    uint16 revealDepth;
}

/// @title Events and errors of IAttestationRegistry
interface IAttestationEvents {
    event AgentEnrolled(
        address indexed agent,
        uint256 indexed enrolment,
        uint256 version,
        bytes32 commitment,
        address operator,
        AssuranceTier tier
    );

    /// @param drawBlock the round can be drawn after this block, and until `drawUntil`.
    event RoundOpened(
        uint256 indexed round,
        address indexed openedBy,
        bytes32 secretCommitment,
        uint256 size,
        uint256 drawBlock,
        uint256 drawUntil
    );

    event RoundDrawn(uint256 indexed round, bytes32 secret, bytes32 seed, uint256 silentFrom, uint256 recordUntil);

    /// @notice The service did not reveal in time. It is on record, because not revealing is how it could dislike a draw.
    /// @param voidCount of this account, with this one.
    event RoundVoided(uint256 indexed round, address indexed openedBy, uint256 voidCount);

    event RoundClosed(uint256 indexed round, uint256 settled, uint256 size);

    /// @notice A record was written.
    /// @param recordIndex counts from 1.
    /// @param record packed as in `types/AttestationWords.sol`.
    /// @param verdicts two words each: verifier | result << 160 | attempts << 168 | late << 176, and the evidence hash. A
    /// late one counted for nothing, but as a sign of life. Those heard before are in `VerdictsHeard`.
    /// @param rotHead `keccak256(abi.encode(rotHead before, agent, record, keccak256(abi.encodePacked(verdicts))))`
    event AttestationRecorded(
        address indexed agent,
        uint256 indexed round,
        uint256 indexed recordIndex,
        uint256 record,
        bytes32[] verdicts,
        bytes32 rotHead
    );

    /// @notice Verdicts on a target that do not decide yet. They count as they are; who sends the rest does not matter.
    /// @param verdicts as in `AttestationRecorded`.
    /// @param rotHead as there, of a record that is 0.
    event VerdictsHeard(address indexed agent, uint256 indexed round, bytes32[] verdicts, bytes32 rotHead);

    /// @notice A verifier was passed over because no verdict of it came; once a round at most.
    event VerifierStruck(address indexed verifier, address indexed target, uint256 indexed round, uint256 strikes);

    /// @notice From the next round on the agent is drawn, at this place of the roster.
    event RosterJoined(address indexed agent, uint256 place);

    /// @notice From the next round on the agent is not drawn.
    event RosterLeft(address indexed agent);

    event ScheduleSet(RoundSchedule schedule);

    /// @notice Thrown if the agent is not registered, or deactivated.
    error AgentNotActive(address agent);

    /// @notice Thrown if an agent is expelled that is registered and not deactivated.
    error AgentStillActive(address agent);

    /// @notice Thrown if the commitment is zero.
    error EmptyCommitment(address agent);

    /// @notice Thrown if the consent is too old.
    error ConsentExpired(uint256 deadline, uint256 nowSec);

    /// @notice Thrown if an account withdraws an agent that it does not own.
    error NotOwner(address account, address agent);

    /// @notice Thrown if the operator is the zero address.
    error EmptyOperator(address agent);

    /// @notice Thrown if an agent in the roster is enrolled with another operator while a round is open.
    error OperatorFrozen(address agent, uint256 round);

    /// @notice Thrown if an agent is enrolled anew, retired or withdrawn while fresh verifiers are to judge it.
    error UnderEscalation(address agent, uint256 round);

    /// @notice Thrown if the agent is not in the status that the call needs.
    error WrongStatus(address agent, AttestationStatus got);

    /// @notice Thrown if a signed request names an account without the role of the attestation service.
    error NotAttestationService(address account);

    /// @notice Thrown if a round is to be opened while one is open.
    error RoundStillOpen(uint256 round);

    /// @notice Thrown if the round is not in the phase that the call needs.
    error WrongPhase(uint256 round, RoundPhase got, RoundPhase needed);

    /// @notice Thrown if verdicts name another round than the one that is open.
    error WrongRound(uint256 got, uint256 current);

    /// @notice Thrown if the commitment to the secret is zero.
    error EmptySecretCommitment();

    /// @notice Thrown if there is nobody to be verified.
    error EmptyRoster();

    /// @notice Thrown if a round is opened before agents that left are out of the roster: call `prune`.
    error DeparturesPending(uint256 count);

    /// @notice Thrown if there is nobody to take out of the roster, or nobody is asked for: else anyone could have calls
    /// carried that do nothing.
    error NothingToPrune();

    /// @notice Thrown if a round is drawn before its block, or voided before its deadline, or closed before its end.
    /// @param notBefore first block in which the call can succeed.
    error TooEarly(uint256 blockNumber, uint256 notBefore);

    /// @notice Thrown if a round is drawn after its deadline.
    error TooLate(uint256 blockNumber, uint256 until);

    /// @notice Thrown if the secret is not the one that was committed to.
    error WrongSecret(bytes32 got, bytes32 committed);

    /// @notice Thrown if the chain does not tell the hash of the drawn block.
    error NoBlockHash(uint256 blockNumber);

    /// @notice Thrown if the target is not among the agents of the round.
    error NotInRound(address target, uint256 round);

    /// @notice Thrown if the round has a result for the target.
    error AlreadySettled(address target, uint256 round);

    /// @notice Thrown if no verdicts are handed in.
    error NoVerdicts();

    /// @notice Thrown if a verdict says nothing.
    error NoResult(address verifier);

    /// @notice Thrown if the seat's verdict is on chain already.
    error AlreadyHeard(address verifier, address target);

    /// @notice Thrown if all verdicts handed in are late, and decide nothing.
    error LateVerdict(address verifier);

    /// @notice Thrown if a verdict's author has no seat for the target that is called, or not in the drawn order.
    error NotOnPanel(address verifier, address target);

    /// @notice Thrown if an agent is introduced by another than `expected` or the service.
    error NotIntroducer(address verifier, address expected);

    /// @notice Thrown if a length of the schedule is outside of its range.
    error InvalidSchedule();

    /// @notice Thrown if there is no such record, enrolment or round.
    error OutOfRange(uint256 index, uint256 count);
}

/// @title Of IAttestationRegistry: who is enrolled
interface IAttestationEnrolments is IAttestationEvents {
    /// @notice Commits to the reference of an agent's next version, which retires the one before: the agent is not
    /// trusted until the new version is verified. Restricted to the attestation service. What the agent was at the opening
    /// of a round it is for that round's draws: enrolling it anew changes no panel.
    /// @param commitment see `Enrolment`; hides the measurement, because `m` of a public image could be guessed.
    /// @param consent of the agent's owner.
    function enrol(
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
        EnrolmentConsent calldata consent
    ) external;

    /// @notice The same, carried by anyone, signed by an account with the role of the attestation service.
    /// @param nonce of the service's account, OpenZeppelin NoncesKeyed: key << 64 | sequence.
    /// @param deadline Unix seconds.
    function enrolSigned(
        address service,
        address agent,
        bytes32 commitment,
        address operator,
        AssuranceTier tier,
        EnrolmentConsent calldata consent,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes an agent out that does not want to be attested any more: from this block on it claims nothing. For
    /// its owner. An agent that was convicted stays so until it is enrolled anew.
    function withdraw(address agent) external;

    /// @notice The same, carried by anyone, signed by the owner.
    /// @param nonce of the owner's account, OpenZeppelin NoncesKeyed: key << 64 | sequence.
    /// @param deadline Unix seconds.
    function withdrawSigned(
        address owner,
        address agent,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Takes an agent out. Restricted to the attestation service.
    function retire(address agent) external;

    /// @notice Takes a deactivated agent out. Open to anyone.
    function expel(address agent) external;

    /// @notice Takes up to `limit` agents that left out of the roster. Open to anyone, between rounds.
    function prune(uint256 limit) external;
}

/// @title Of IAttestationRegistry: how a round begins
interface IAttestationOpening is IAttestationEvents {
    /// @notice Opens a round and freezes the roster. Restricted to the attestation service.
    /// @param secretCommitment `keccak256(secret)`, 32 bytes of secret.
    function openRound(bytes32 secretCommitment) external;

    /// @notice The same, carried by anyone, signed by an account with the role of the attestation service.
    function openRoundSigned(
        address service,
        bytes32 secretCommitment,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;
}

/// @title Of IAttestationRegistry: rounds, verdicts, and whether an agent is trusted
interface IAttestationRounds is IAttestationEvents {
    /// @notice Records what the introducer found about an enrolled agent. Pass makes it trusted, and a member of the
    /// roster. Open to anyone.
    /// @param verdict signed with round 0 and, as seed, the number of records the agent has, so that it counts once. A PASS
    /// of the service has seed 0: it can count only once anyway, and an introducer that sends something else first must not
    /// keep it out.
    function introduce(address target, SignedVerdict calldata verdict) external;

    /// @notice Draws the round: its seed is `keccak256(abi.encode(SEED_TYPEHASH, secret, blockhash(drawBlock), rotHead,
    /// round))`. Open to anyone who knows the secret.
    /// @dev The service chose the secret before the block was made, and who makes the block does not know the secret. A
    /// service that dislikes the draw can only not reveal; that voids the round, on its record. Service and block maker
    /// together could choose.
    /// The drawn block has to lie `revealDepth` deep, so that nobody makes another one in its place once the secret is out.
    function drawRound(bytes32 secret) external;

    /// @notice Puts on record that the open round was not drawn in time. Open to anyone.
    function voidRound() external;

    /// @notice Hears verdicts on one target, in the drawn order of the verifiers, and records its result once they decide.
    /// Open to anyone, in as many calls as one likes: what is on chain counts, whoever sent it, and nobody can leave it out.
    ///
    /// The first three seats are the panel. A seat is called in one block and closed `silenceDelay` later; a verdict that
    /// is on chain by then counts, all else is late. A seat that is closed without one calls two further and costs the
    /// target one PASS more; a TIMEOUT calls three further at once and costs two more. All called PASS or are accounted for
    /// in that way: trusted. One FAIL of a seat that is open: quarantine in this block, whoever else was heard, and nobody
    /// is passed over for it. No answer to any of the first six: a strike against the target. When all drawn are used up,
    /// the service has a seat of its own: its PASS passes the target if half of eight or more drawn verifiers say so too,
    /// or if fewer were drawn.
    ///
    /// In quarantine five others judge, of those never called first, then of those passed over: four have to agree either
    /// way, within `silenceDelay`. Where they are fewer than five the service has a seat beside them. A call without
    /// verdicts records that they did not come to agree.
    ///
    /// Who was passed over when a result is recorded is struck, once a round. Each target has one result a round.
    function recordVerdicts(uint256 round, address target, SignedVerdict[] calldata verdicts) external;

    /// @notice Closes the round once all targets are settled or its time is over. Open to anyone.
    function closeRound() external;

    /// @notice Sets lengths, for rounds opened and trust given from now on. Restricted.
    function setSchedule(RoundSchedule calldata schedule) external;

    /// @notice Whether the agent is trusted in this very block.
    function isTrusted(address agent) external view returns (bool);

    /// @notice The same, and how often the agent became trusted again after it was not, whatever for: a count that only
    /// grows. Who notes it can tell later whether trust held without a gap.
    function trustOf(address agent) external view returns (bool trusted, uint256 losses);
}

/// @title The writing side of IAttestationRegistry, and whether an agent is trusted
// solhint-disable-next-line no-empty-blocks
interface IAttestationWriter is IAttestationEnrolments, IAttestationOpening, IAttestationRounds {}

/// @title The reading side of IAttestationRegistry
interface IAttestationReader {
    /// @notice How the agent stands in this block.
    function statusOf(address agent) external view returns (Standing memory);

    /// @notice How the agent stood at the end of a block, by the records alone: that the agent was deactivated, the
    /// registry of agents knows. For a block that is not past yet the answer may still change.
    function statusAt(address agent, uint256 blockNumber) external view returns (Standing memory);

    /// @notice Running hash over all records and their verdicts.
    function rotHead() external view returns (bytes32);

    function recordCount() external view returns (uint256);

    /// @notice Up to `limit` records from index `from` (counted from 1) on, oldest first, packed as in `types/AttestationWords.sol`
    /// (`protocol/attestation/record.ts` unpacks them).
    function records(uint256 from, uint256 limit) external view returns (uint256[] memory page);

    /// @notice How many records the agent has, and the index of its last one.
    function recordsOf(address agent) external view returns (uint256 count, uint256 last);

    /// @notice Up to `limit` records of an agent, newest first, packed.
    /// @param before index of one of its records: the page begins with the one before it; 0 = with its last one.
    function history(
        address agent,
        uint256 before,
        uint256 limit
    ) external view returns (uint256[] memory indices, uint256[] memory page);

    function enrolmentCount() external view returns (uint256);

    /// @param id counts from 1.
    function enrolmentAt(uint256 id) external view returns (Enrolment memory);

    /// @notice The agent's last enrolment; 0 = none.
    function enrolmentOf(address agent) external view returns (uint256 id);

    /// @notice Strikes of the agent as a target that did not answer, and as a verifier whose verdict did not come.
    function strikesOf(address agent) external view returns (uint256 asTarget, uint256 asVerifier);

    /// @notice Who may introduce the next agent; zero = the service alone.
    function introducer() external view returns (address);

    function rosterSize() external view returns (uint256);

    /// @notice The agent at a place of the roster, and the low 88 bits of its operator.
    function rosterAt(uint256 place) external view returns (address agent, uint88 operatorTag);

    /// @notice Number of the last round; 0 = none.
    function currentRound() external view returns (uint256);

    function roundAt(uint256 number) external view returns (Round memory);

    /// @notice How many rounds an account opened and did not reveal.
    function voidCountOf(address service) external view returns (uint256);

    /// @notice The verifiers of a target in the open round, in the order of their turn: of those drawn, the ones that were
    /// fit to verify when the round was opened. The first `seats` are its panel, the others stand by.
    function panelOf(address target) external view returns (address[] memory verifiers, uint256 seats);

    /// @notice What is on chain about a target in the open round: verdicts that wait for others.
    /// @return panel two bits a seat, in the order of `panelOf`; fresh the same of those who judge a quarantine, the
    /// service's seat last; consulted panel seats that were called before the quarantine; passedOver those of them that
    /// were closed by then.
    function hearingOf(
        address target
    ) external view returns (uint256 panel, uint256 fresh, uint256 consulted, uint256 passedOver);

    function schedule() external view returns (RoundSchedule memory);

    /// @notice The registry that says who owns an agent.
    function agentRegistry() external view returns (address);

    /// @notice Verifiers a target has, where the set is large enough.
    function PANEL_SIZE() external view returns (uint256);

    /// @notice Fresh verifiers that judge a quarantined agent.
    function FRESH_SIZE() external view returns (uint256);

    /// @notice Strikes in a row that end trust.
    function MAX_STRIKES() external view returns (uint256);
}

/// @title Mutual attestation: which agents run the code they should, as other agents found
/// @notice Agents are enrolled with a commitment to their reference, introduced by an agent verified before them (the
/// first by the attestation service), and from then on verified in rounds by agents drawn by lot. What verifiers say is
/// signed, recorded for good and summed up in one running hash. `docs/attestation.md` draws the states.
/// @dev The registry proves who said what, that verifiers were drawn and not chosen, and when trust began and ended. It
/// cannot prove that a verifier looked, nor more about a measurement than its tier gives.
// solhint-disable-next-line no-empty-blocks
interface IAttestationRegistry is IGovernedRegistry, IAttestationWriter, IAttestationReader {}
