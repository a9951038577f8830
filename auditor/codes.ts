/**
 * Codes of verdicts. They are API as error codes are: never renamed, never given another meaning. `AUDIT_OK` is the
 * code of every verdict that holds; the others say why one fails or stays unproven. `docs/audit.md` lists them.
 */
export const auditCodes = {
  AUDIT_OK: "The check holds",

  // The file as such.
  AUDIT_EVIDENCE_UNREADABLE: "The file is no evidence file, or nothing of it can be read",
  AUDIT_EVIDENCE_ALTERED:
    "The file is not as it was sealed: the line that is named was changed, moved, added or taken out",
  AUDIT_HEADER_LOST: "The header, which names chain, contracts and log, cannot be read",
  AUDIT_ENTRY_MALFORMED: "The leaf does not decode as an entry",

  // Who says so.
  AUDIT_SIGNATURE: "The key in the entry's header did not sign these bytes",
  AUDIT_ISSUER_CHAIN: "The agent's DID is on another chain than the evidence",
  AUDIT_KEY_NOT_VALID: "The key was not a signing key of the agent at the entry's not-before block",
  AUDIT_KEY_ENDED_IN_WINDOW:
    "The key ended between not-before block and anchor, so the entry may have been signed with it afterwards",

  // The agent's own order.
  AUDIT_SEQUENCE_GAP: "An entry of the agent before this one is missing",
  AUDIT_SEQUENCE_FORK: "The agent signed two entries with one sequence number",
  AUDIT_SEQUENCE_DUPLICATE: "The entry stands twice in the log",
  AUDIT_SEQUENCE_ORDER: "The entry stands in the log after a later one of the agent",
  AUDIT_SEQUENCE_PREV: "The entry does not name the agent's entry before it",

  // Time, which is block order.
  AUDIT_BLOCK_UNKNOWN: "The chain has no block of this number",
  AUDIT_BLOCK_HASH: "The chain's block of this number has another hash",
  AUDIT_BLOCK_DECREASES: "The entry names an earlier block than the agent's entry before it",
  AUDIT_BLOCK_AFTER_ANCHOR: "The entry names a block that is later than its anchor",
  AUDIT_NO_UPPER_BOUND: "No anchor bounds the act from above",
  AUDIT_CLOCK_OUTSIDE: "The agent's clock puts the act outside of the time between its block and its anchor",
  AUDIT_CLOCK_DECREASES: "By the agent's clock the entry came before the agent's entry before it",

  // The policy.
  AUDIT_POLICY_NONE: "The agent had committed to no policy at the entry's not-before block",
  AUDIT_POLICY_OTHER: "Another policy was in force at the entry's not-before block",
  AUDIT_POLICY_CHANGED_IN_WINDOW:
    "The policy was superseded between not-before block and anchor, so the act may have come after the change",
  AUDIT_POLICY_BUNDLE_MISSING: "The file does not hold the policy that the entries name",
  AUDIT_POLICY_BUNDLE_INVALID: "The policy bundle cannot be evaluated",
  AUDIT_POLICY_BUNDLE_UNUSED: "No entry names this policy",

  // Attestation.
  AUDIT_ATTESTATION_NONE: "Nobody had enrolled the agent for attestation at the entry's not-before block",
  AUDIT_ATTESTATION_NOT_TRUSTED: "The agent was not trusted by attestation at the entry's not-before block",
  AUDIT_ATTESTATION_LOST_IN_WINDOW:
    "The agent lost trust between not-before block and anchor, so the act may have come after the loss",

  // Keys of groups.
  AUDIT_GROUP_KEY_MALFORMED: "What the act says of its group's key cannot be read",
  AUDIT_GROUP_KEY_UNKNOWN: "The chain's KeyEscrow has no such key under that epoch",
  AUDIT_GROUP_KEY_LATER: "The epoch was published after the act was anchored",
  AUDIT_GROUP_KEY_OVER: "The epoch was over before the act",
  AUDIT_GROUP_KEY_NOT_HELD: "The agent was not among those who were given the epoch's key",
  AUDIT_GROUP_KEY_UNATTESTED: "Somebody who was given the epoch's key was not attested when it was published",

  // What was disclosed.
  AUDIT_DISCLOSURE: "A disclosure is malformed, given twice, or not what the entry committed to",

  // Calls between agents.
  AUDIT_CALL_WITHHELD: "The entry names a contract and does not disclose the call",
  AUDIT_CALL_MALFORMED: "The call that is disclosed cannot be read",
  AUDIT_CALL_OTHER: "The entry is about another call than the one it discloses",
  AUDIT_CALL_SIGNATURE: "The agent entered a call as its own that it did not sign",
  AUDIT_CALL_NOT_ALLOWED: "The agent executed a call that no contract under its own right allows",
  AUDIT_CALL_TIME: "The call or a contract had ended before the entry's block, or a contract began after its anchor",
  AUDIT_CALL_TIME_IN_WINDOW: "A contract ended or began between not-before block and anchor",
  AUDIT_CALL_KEY_UNBOUND: "A contract was not signed with a key of the account that it names",
  AUDIT_CALL_KEY_ENDED_IN_WINDOW: "A key that signed a contract ended between not-before block and anchor",
  AUDIT_CALL_REVOKED: "A contract had been revoked before the call was executed",
  AUDIT_CALL_REVOKED_IN_WINDOW: "A contract was revoked between not-before block and anchor",
  AUDIT_CALL_TWICE: "One task was executed twice",
  AUDIT_CALL_ONE_SIDED: "Only one of two agents in the file entered the call",
  AUDIT_CALL_OTHER_SIDE_ABSENT: "The other side of the call is not in the file",

  // The log.
  AUDIT_CHECKPOINT_MALFORMED: "The checkpoint is not a signed note of the prescribed form",
  AUDIT_CHECKPOINT_ORIGIN: "The checkpoint speaks of another log",
  AUDIT_CHECKPOINT_SIGNATURE: "The log's key did not sign the checkpoint",
  AUDIT_OPERATOR_STATEMENT: "The checkpoint's second signature is not proven to be its operator's",
  AUDIT_LOG_ID: "The log id does not follow from the origin",
  AUDIT_LOG_UNKNOWN: "No such log is registered on the chain",
  AUDIT_LOG_ORIGIN: "The log is registered with another origin",
  AUDIT_LOG_KEY: "The log is registered with another note key",
  AUDIT_LOG_EQUIVOCATED: "The log was convicted of signing two histories",
  AUDIT_INCLUSION: "The proof does not lead from the entry to the checkpoint's root",
  AUDIT_ANCHOR_NOT_CLAIMED: "The checkpoint was not anchored when the evidence was written",
  AUDIT_ANCHOR_UNKNOWN: "The log has no anchor of this index",
  AUDIT_ANCHOR_MISMATCH: "The anchor holds another size or root than the checkpoint",
  AUDIT_ANCHOR_NOT_FIRST:
    "An earlier anchor already covers the checkpoint: the index is not the one the format asks for",

  // Whether it is all.
  AUDIT_HEAD_ABSENT: "The file does not hold the log's word on how many entries it has of the agent",
  AUDIT_HEAD_MALFORMED: "The statement on the agent's entries cannot be read",
  AUDIT_HEAD_SIGNATURE: "The log's key did not sign the statement on the agent's entries",
  AUDIT_HEAD_OTHER: "The statement is about another agent, log or tree",
  AUDIT_HEAD_ENTRY: "The log states another last entry of the agent than the file holds",
  AUDIT_HEAD_HIDES: "The log states fewer entries of the agent than it provably has",
  AUDIT_HEARTBEAT_MISSED: "The agent promised signs of life and was silent for longer",
  AUDIT_TAIL_CUT: "The log has entries of the agent after the last one in the file",

  // The chain.
  AUDIT_CHAIN_NOT_GIVEN: "No chain was asked",
  AUDIT_CHAIN_SILENT: "The endpoint gave no answer to a question that the check needs",
  AUDIT_CHAIN_OTHER: "The endpoint serves another chain",
  AUDIT_CONTRACT_ABSENT: "There is no code at the contract's address",
  AUDIT_CONTRACT_OTHER: "The contract is not the one of the deployment that was given",
} as const;

export type AuditCode = keyof typeof auditCodes;
