import type { ErrorCode } from "./codes.ts";

/**
 * Every custom error of the contracts and the code it becomes when it leaves this system. The interfaces
 * (`contracts/interfaces`) say when each is thrown; `test/protocol/errors/contractErrors.test.ts` walks the ABIs.
 */
const table = {
  // Signed requests, roles and upgrades.
  InvalidSignature: "ERR_PROOF_SIGNATURE",
  SignatureExpired: "ERR_AUTH_DEADLINE",
  InvalidAccountNonce: "ERR_CONFLICT_NONCE",
  UpgradesAreFrozen: "ERR_CONFLICT_CONTRACT_STATE",
  AccessManagedUnauthorized: "ERR_AUTH_CONTRACT_CALLER",
  AccessManagedRequiredDelay: "ERR_AUTH_CONTRACT_CALLER",
  AccessManagedInvalidAuthority: "ERR_INPUT_CONTRACT_CALL",
  AuthorityIsHeld: "ERR_AUTH_CONTRACT_CALLER",
  AddressEmptyCode: "ERR_INPUT_CONTRACT_CALL",
  ERC1967InvalidImplementation: "ERR_INPUT_CONTRACT_CALL",
  ERC1967NonPayable: "ERR_INPUT_CONTRACT_CALL",
  FailedCall: "ERR_INPUT_CONTRACT_CALL",
  InvalidInitialization: "ERR_CONFLICT_CONTRACT_STATE",
  NotInitializing: "ERR_CONFLICT_CONTRACT_STATE",
  UUPSUnauthorizedCallContext: "ERR_INPUT_CONTRACT_CALL",
  UUPSUnsupportedProxiableUUID: "ERR_INPUT_CONTRACT_CALL",

  // Agents.
  AgentDeactivated: "ERR_AUTH_AGENT_INACTIVE",
  AgentNotActive: "ERR_AUTH_AGENT_INACTIVE",
  NotRegistered: "ERR_AUTH_AGENT_INACTIVE",
  AlreadyRegistered: "ERR_CONFLICT_CONTRACT_STATE",
  NotOwner: "ERR_AUTH_CONTRACT_CALLER",
  NotAgentOwner: "ERR_AUTH_CONTRACT_CALLER",
  NotPendingOwner: "ERR_AUTH_CONTRACT_CALLER",
  NotGuardian: "ERR_AUTH_CONTRACT_CALLER",
  SigningKeyRejected: "ERR_INPUT_PUBLIC_KEY",
  SigningKeyKnown: "ERR_CONFLICT_CONTRACT_STATE",
  SigningKeyUnknown: "ERR_NOT_FOUND_ON_CHAIN",
  SigningKeyAlreadyRevoked: "ERR_CONFLICT_CONTRACT_STATE",
  SigningKeyNotAnAttribute: "ERR_INPUT_CONTRACT_CALL",
  TooManySigningKeys: "ERR_CONFLICT_CONTRACT_STATE",
  ValidityTooLong: "ERR_INPUT_CONTRACT_CALL",
  TooManyCapabilities: "ERR_INPUT_CONTRACT_CALL",
  CardUriCharacter: "ERR_INPUT_CARD_URI",
  SuccessorIsAgent: "ERR_INPUT_CONTRACT_CALL",
  TooManyGuardians: "ERR_INPUT_CONTRACT_CALL",
  GuardiansNotAscending: "ERR_INPUT_CONTRACT_CALL",
  GuardianThreshold: "ERR_INPUT_CONTRACT_CALL",
  RecoveryDelay: "ERR_INPUT_CONTRACT_CALL",
  NoRecovery: "ERR_CONFLICT_CONTRACT_STATE",
  RecoveryTooEarly: "ERR_CONFLICT_CONTRACT_STATE",
  RecoveryNotApproved: "ERR_CONFLICT_CONTRACT_STATE",
  CommitmentBound: "ERR_CONFLICT_CONTRACT_STATE",
  InvalidKeyOwnershipProof: "ERR_PROOF_INVALID",

  // Policies.
  EmptyPolicyHash: "ERR_INPUT_CONTRACT_CALL",
  UnknownVersion: "ERR_NOT_FOUND_ON_CHAIN",

  // Attestation.
  AgentStillActive: "ERR_CONFLICT_CONTRACT_STATE",
  AlreadyHeard: "ERR_CONFLICT_CONTRACT_STATE",
  AlreadySettled: "ERR_CONFLICT_CONTRACT_STATE",
  ConsentExpired: "ERR_INPUT_CONTRACT_CALL",
  CounterFull: "ERR_CONFLICT_CONTRACT_STATE",
  DeparturesPending: "ERR_CONFLICT_CONTRACT_STATE",
  EmptyCommitment: "ERR_INPUT_CONTRACT_CALL",
  EmptyOperator: "ERR_INPUT_CONTRACT_CALL",
  EmptyRoster: "ERR_CONFLICT_CONTRACT_STATE",
  EmptySecretCommitment: "ERR_INPUT_CONTRACT_CALL",
  InvalidSchedule: "ERR_INPUT_CONTRACT_CALL",
  LateVerdict: "ERR_CONFLICT_CONTRACT_STATE",
  NoBlockHash: "ERR_CONFLICT_CONTRACT_STATE",
  NoResult: "ERR_INPUT_CONTRACT_CALL",
  NoVerdicts: "ERR_INPUT_CONTRACT_CALL",
  NotAttestationService: "ERR_AUTH_CONTRACT_CALLER",
  NotInRound: "ERR_CONFLICT_CONTRACT_STATE",
  NotIntroducer: "ERR_AUTH_CONTRACT_CALLER",
  NotOnPanel: "ERR_AUTH_CONTRACT_CALLER",
  OperatorFrozen: "ERR_CONFLICT_CONTRACT_STATE",
  OutOfRange: "ERR_NOT_FOUND_ON_CHAIN",
  RoundStillOpen: "ERR_CONFLICT_CONTRACT_STATE",
  TooLate: "ERR_CONFLICT_CONTRACT_STATE",
  UnderEscalation: "ERR_CONFLICT_CONTRACT_STATE",
  WrongPhase: "ERR_CONFLICT_CONTRACT_STATE",
  WrongRound: "ERR_CONFLICT_CONTRACT_STATE",
  WrongSecret: "ERR_PROOF_INVALID",
  WrongStatus: "ERR_CONFLICT_CONTRACT_STATE",

  // Proof verifiers.
  UnknownCircuit: "ERR_NOT_FOUND_ON_CHAIN",
  ProofLength: "ERR_INPUT_PROOF",
  PublicSignalCount: "ERR_INPUT_PROOF",
  CoordinateOutOfField: "ERR_INPUT_PROOF",
  PublicSignalOutOfField: "ERR_INPUT_PROOF",
  VerifierWithoutCode: "ERR_INPUT_CONTRACT_CALL",
  PublicSignalCountOutOfRange: "ERR_INPUT_CONTRACT_CALL",
  NothingScheduled: "ERR_CONFLICT_CONTRACT_STATE",
  ActivationTooEarly: "ERR_CONFLICT_CONTRACT_STATE",
  VerifierCodeChanged: "ERR_CONFLICT_CONTRACT_STATE",
  VerifierNotPlain: "ERR_INPUT_CONTRACT_CALL",

  // The log's anchors.
  LogExists: "ERR_CONFLICT_CONTRACT_STATE",
  UnknownLog: "ERR_NOT_FOUND_ON_CHAIN",
  UnknownAnchor: "ERR_NOT_FOUND_ON_CHAIN",
  UnknownEquivocation: "ERR_NOT_FOUND_ON_CHAIN",
  NoAnchorCovers: "ERR_NOT_FOUND_ON_CHAIN",
  NothingAnchored: "ERR_NOT_FOUND_ON_CHAIN",
  NotOperator: "ERR_AUTH_CONTRACT_CALLER",
  NotOfferedOperator: "ERR_AUTH_CONTRACT_CALLER",
  SignerNeverOperator: "ERR_PROOF_SIGNATURE",
  StatementAfterHandover: "ERR_PROOF_SIGNATURE",
  InvalidCheckpointSignature: "ERR_PROOF_SIGNATURE",
  InvalidConsistencyProof: "ERR_PROOF_INVALID",
  NoEquivocation: "ERR_PROOF_INVALID",
  EqualSizeOtherRoot: "ERR_CONFLICT_LOG_FORK",
  AlreadyAnchored: "ERR_CONFLICT_CONTRACT_STATE",
  AlreadyKept: "ERR_CONFLICT_CONTRACT_STATE",
  AlreadyReported: "ERR_CONFLICT_CONTRACT_STATE",
  NoteKeyUnchanged: "ERR_CONFLICT_CONTRACT_STATE",
  SizeNotLarger: "ERR_CONFLICT_CONTRACT_STATE",
  SizeTooLarge: "ERR_INPUT_CONTRACT_CALL",
  CheckpointsOutOfOrder: "ERR_INPUT_CONTRACT_CALL",
  NoteKeyNotAcceptable: "ERR_INPUT_PUBLIC_KEY",
  OriginCharacter: "ERR_INPUT_CONTRACT_CALL",
  OriginLength: "ERR_INPUT_CONTRACT_CALL",
  InvalidShortString: "ERR_INPUT_CONTRACT_CALL",
  StringTooLong: "ERR_INPUT_CONTRACT_CALL",

  // Revocation of scoped contracts.
  BatchSize: "ERR_INPUT_CONTRACT_CALL",
  ChainLength: "ERR_INPUT_CONTRACT_CALL",

  // Attestation.
  NothingToPrune: "ERR_CONFLICT_CONTRACT_STATE",

  // Key escrow.
  GroupExists: "ERR_CONFLICT_CONTRACT_STATE",
  NoSuchGroup: "ERR_NOT_FOUND_ON_CHAIN",
  NoSuchEpoch: "ERR_NOT_FOUND_ON_CHAIN",
  EmptyValue: "ERR_INPUT_CONTRACT_CALL",
  TooManyBlocks: "ERR_INPUT_CONTRACT_CALL",
  AlreadyMember: "ERR_CONFLICT_CONTRACT_STATE",
  NotMember: "ERR_AUTH_CONTRACT_CALLER",
  TooManyMembers: "ERR_CONFLICT_CONTRACT_STATE",
  EpochOrder: "ERR_CONFLICT_CONTRACT_STATE",
  NotAscending: "ERR_INPUT_CONTRACT_CALL",
  NotAttested: "ERR_AUTH_NOT_ATTESTED",
  WrongCommitment: "ERR_CONFLICT_CONTRACT_STATE",
  AlreadyAcknowledged: "ERR_CONFLICT_CONTRACT_STATE",
  NotUnderRoot: "ERR_PROOF_INVALID",
  InvalidThreshold: "ERR_INPUT_CONTRACT_CALL",
  NotRecoverable: "ERR_CONFLICT_CONTRACT_STATE",
  WrongRecoveryState: "ERR_CONFLICT_CONTRACT_STATE",
  NotPendingTrustee: "ERR_AUTH_CONTRACT_CALLER",
  TooEarly: "ERR_CONFLICT_CONTRACT_STATE",
} as const satisfies Record<string, ErrorCode>;

export const contractErrors: Readonly<Record<string, ErrorCode>> = table;

/** The code of a custom error by its Solidity name; undefined if it is none of ours. */
export function codeOfContractError(name: string): ErrorCode | undefined {
  return Object.hasOwn(table, name) ? contractErrors[name] : undefined;
}
