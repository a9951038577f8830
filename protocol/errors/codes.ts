/**
 * Every error code that leaves this system, with its HTTP status and the title of its RFC 9457 problem.
 * Codes are API: one is never renamed or given another meaning, only added. The family fixes the status
 * (`ERR_INPUT_*` 400, `ERR_AUTH_*` 401 or 403, `ERR_NOT_FOUND_*` 404, `ERR_CONFLICT_*` 409, `ERR_LIMIT_*` 413 or 429,
 * `ERR_PROOF_*` 422, `ERR_INTERNAL_*` 500, `ERR_UNAVAILABLE_*` 503); `test/protocol/errors.test.ts` holds the table to it.
 */
export interface ErrorCodeInfo {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503;
  readonly title: string;
  /** True when the same request may succeed later without being changed. */
  readonly retryable?: true;
}

const table = {
  // Any input.
  ERR_INPUT_MALFORMED: { status: 400, title: "The input is not of the expected form" },
  ERR_INPUT_ENCODING: { status: 400, title: "The bytes are not in their one canonical encoding" },
  ERR_INPUT_DID: { status: 400, title: "Not a DID of a method that is supported here" },
  ERR_INPUT_PUBLIC_KEY: { status: 400, title: "Not a canonical Ed25519 key of prime order" },
  ERR_INPUT_CONFIG: { status: 400, title: "A configuration value is missing or wrong" },
  ERR_INPUT_FILE: { status: 400, title: "The file cannot be read as what it should be" },

  // Entries.
  ERR_INPUT_ENTRY: { status: 400, title: "The entry does not follow the entry format" },
  ERR_INPUT_DISCLOSURE: { status: 400, title: "A disclosure does not belong to the entry" },
  ERR_LIMIT_ENTRY_SIZE: { status: 413, title: "The entry is larger than a leaf may be" },
  ERR_PROOF_SIGNATURE: { status: 422, title: "The signature does not verify" },

  // Policies.
  ERR_INPUT_POLICY: { status: 400, title: "The policy bundle is not valid" },

  // Evidence and audit.
  ERR_INPUT_EVIDENCE: { status: 400, title: "The evidence file cannot be read" },

  // Deployment and orchestration.
  ERR_INPUT_DEPLOYMENT: { status: 400, title: "The deployment file does not describe a deployment" },
  ERR_INPUT_PIPELINE: { status: 400, title: "The pipeline descriptor is not valid" },
  ERR_INPUT_PLACEMENT: { status: 400, title: "No placement of the agents keeps the rules of the descriptor" },
  ERR_INPUT_FUNDS: { status: 400, title: "The account does not hold enough to pay for it" },
  ERR_INPUT_DATA_FOLDER: { status: 400, title: "The data folder cannot be used" },
  ERR_CONFLICT_CHAIN: { status: 409, title: "The chain is not the one that the files on disk belong to" },
  ERR_CONFLICT_PORT: { status: 409, title: "The port is in use" },
  ERR_CONFLICT_RUNNING: { status: 409, title: "Another process is already using this data folder" },
  ERR_UNAVAILABLE_CHAIN: { status: 503, title: "The chain does not answer", retryable: true },
  ERR_UNAVAILABLE_PROCESS: { status: 503, title: "A process of the system did not come up, or ended", retryable: true },

  // The log.
  ERR_INPUT_NOTE: { status: 400, title: "Not a signed note, or not a key or checkpoint of one" },
  ERR_INPUT_TILE: { status: 400, title: "Not the path or the bytes of a tile of the log" },
  ERR_INPUT_TLOG_PROOF: { status: 400, title: "Not a transparency log proof" },

  // The relayer: taking in entries.
  ERR_AUTH_AGENT_INACTIVE: { status: 403, title: "The agent is not registered, or was deactivated" },
  ERR_AUTH_SIGNING_KEY: { status: 403, title: "The key was not a valid signing key of the agent at that block" },
  ERR_CONFLICT_CHAIN_ID: { status: 409, title: "The entry belongs to another chain" },
  ERR_CONFLICT_BLOCK_UNKNOWN: { status: 409, title: "The entry names a block that is not in the chain" },
  ERR_CONFLICT_BLOCK_TOO_OLD: { status: 409, title: "The entry names a block that is too old" },
  ERR_CONFLICT_BLOCK_ORDER: { status: 409, title: "The entry names a block before that of the entry before it" },
  ERR_CONFLICT_POLICY: { status: 409, title: "The entry claims a policy that was not in force" },
  ERR_CONFLICT_SEQ_TAKEN: { status: 409, title: "The agent signed another entry under the same number" },
  ERR_CONFLICT_SEQ_GAP: { status: 409, title: "Entries of the agent before this one are missing" },
  ERR_CONFLICT_PREV: { status: 409, title: "The entry does not follow the agent's last entry" },
  ERR_LIMIT_BODY_SIZE: { status: 413, title: "The request body is too large" },
  ERR_LIMIT_RATE: { status: 429, title: "Too many requests", retryable: true },
  ERR_LIMIT_QUOTA: { status: 429, title: "The quota of this agent is used up", retryable: true },
  ERR_NOT_FOUND_ROUTE: { status: 404, title: "There is nothing at this address" },
  ERR_NOT_FOUND_ENTRY: { status: 404, title: "No such entry in this log" },
  ERR_NOT_FOUND_DISCLOSURE: { status: 404, title: "No such disclosure is kept here" },
  ERR_NOT_FOUND_POLICY: { status: 404, title: "No such policy bundle is kept here" },
  ERR_NOT_FOUND_TILE: { status: 404, title: "The log has no such tile" },
  ERR_NOT_FOUND_PROOF: { status: 404, title: "The log has not reached the size asked for" },

  // The relayer: carrying requests to the chain.
  ERR_AUTH_ADMISSION: { status: 403, title: "This relayer does not admit the newcomer" },
  ERR_AUTH_OPERATOR: { status: 401, title: "Only the operator of the relayer may ask for that" },
  ERR_LIMIT_BUDGET: { status: 429, title: "What the relayer spends on everybody in a day is used up", retryable: true },
  ERR_CONFLICT_POLICY_UNCOMMITTED: { status: 409, title: "No agent has committed to the policy on chain yet" },
  ERR_NOT_FOUND_REQUEST: { status: 404, title: "No such request" },
  ERR_AUTH_TARGET: { status: 403, title: "This relayer does not carry calls of that function" },
  ERR_CONFLICT_IDEMPOTENCY_KEY: { status: 409, title: "The idempotency key was used for another request" },
  ERR_CONFLICT_LANE_LOST: { status: 409, title: "Another process drives this sender lane now" },
  ERR_PROOF_REVERTED: { status: 422, title: "The contract refuses the call" },
  ERR_PROOF_GAS_LIMIT: { status: 422, title: "The call needs more gas than this relayer gives" },

  // The relayer: its own state.
  ERR_CONFLICT_LOG_FORK: { status: 409, title: "The stored log disagrees with what was signed or anchored" },
  ERR_CONFLICT_LOG_OPERATOR: { status: 409, title: "The log is registered to another operator or note key" },
  ERR_CONFLICT_ROW_ALTERED: { status: 409, title: "A stored row is not what this relayer wrote" },
  ERR_CONFLICT_DATABASE_ALTERED: {
    status: 409,
    title: "The database was changed by something that is not this relayer",
  },
  ERR_CONFLICT_JOURNAL_KEY: {
    status: 409,
    title: "The key that the stored rows are sealed under is missing, or another",
  },
  ERR_UNAVAILABLE_FUNDS: { status: 503, title: "A sender account cannot pay for gas", retryable: true },
  ERR_UNAVAILABLE_QUEUE: { status: 503, title: "The relayer is busy", retryable: true },
  ERR_UNAVAILABLE_STORAGE: { status: 503, title: "The relayer cannot write to its storage", retryable: true },
  ERR_INPUT_REDIS: { status: 400, title: "The Redis named would forget the queue" },
  ERR_NOT_FOUND_JOB: { status: 404, title: "The journal has no such job" },
  ERR_CONFLICT_JOB_STATE: { status: 409, title: "The job has not failed: there is nothing to try again" },
  ERR_UNAVAILABLE_STOPPING: { status: 503, title: "The relayer is shutting down", retryable: true },
  // Agents: keys, the journal in the agent's folder, and what the relayer tells it.
  ERR_NOT_FOUND_AGENT: { status: 404, title: "There is no such agent" },
  ERR_CONFLICT_AGENT_EXISTS: { status: 409, title: "There is an agent of this name already" },
  ERR_CONFLICT_AGENT_CHAIN: { status: 409, title: "The agent belongs to another chain" },
  ERR_CONFLICT_AGENT_UNREGISTERED: { status: 409, title: "The agent's signing key is not registered on the chain" },
  ERR_CONFLICT_NO_POLICY: { status: 409, title: "The agent has committed to no policy" },
  ERR_AUTH_PASSPHRASE: { status: 401, title: "The passphrase is missing or wrong" },
  ERR_AUTH_FILE_MODE: { status: 403, title: "A secret file can be read by others" },
  ERR_CONFLICT_JOURNAL_BEHIND: { status: 409, title: "The agent's journal lacks entries that the log has" },
  ERR_CONFLICT_JOURNAL_FORKED: { status: 409, title: "The agent's journal and the log hold different entries" },
  ERR_CONFLICT_IDEMPOTENCY_REUSED: { status: 409, title: "The idempotency key was used for something else" },
  ERR_CONFLICT_ZK_KEY: { status: 409, title: "The chain names another zero-knowledge identity of the agent" },
  ERR_CONFLICT_UNSENT: { status: 409, title: "The relayer has not acknowledged all of the agent's entries" },
  ERR_PROOF_POLICY: { status: 422, title: "The policy bundle does not have the hash it was asked for by" },
  ERR_PROOF_RECEIPT: { status: 422, title: "A receipt of the relayer does not verify" },
  ERR_NOT_FOUND_ACT: { status: 404, title: "No such act is open or on record" },
  ERR_UNAVAILABLE_RECORD: {
    status: 503,
    title: "The act could not be put on record, and was not done",
    retryable: true,
  },
  ERR_UNAVAILABLE_JOURNAL: {
    status: 503,
    title: "The agent's journal is in use or cannot be written",
    retryable: true,
  },
  ERR_INPUT_MCP_MESSAGE: { status: 400, title: "The message is of no shape that the gateway lets pass" },
  ERR_UNAVAILABLE_MCP: { status: 503, title: "The MCP server cannot be reached", retryable: true },
  ERR_UNAVAILABLE_CARD: { status: 503, title: "The agent's card cannot be fetched", retryable: true },
  ERR_UNAVAILABLE_RELAYER: { status: 503, title: "The relayer cannot be reached or is busy", retryable: true },
  // The directory.
  ERR_CONFLICT_FINALITY: { status: 409, title: "The chain's endpoints take back what they called final" },
  ERR_NOT_FOUND_BLOCK: { status: 404, title: "The directory holds no state at that block" },
  ERR_NOT_FOUND_RECORD: { status: 404, title: "The directory knows nothing of that name" },
  ERR_UNAVAILABLE_DIRECTORY: { status: 503, title: "The directory cannot be reached", retryable: true },
  ERR_PROOF_STATE_HASH: { status: 422, title: "The rows are not those of the state hash" },
  // Scoped contracts between agents.
  ERR_INPUT_UCAN: { status: 400, title: "The contract or invocation is not a UCAN of the supported form" },
  ERR_LIMIT_CALL_WORK: { status: 413, title: "The call and its contracts ask for more work than a call may" },
  ERR_AUTH_CONTRACT_MISSING: { status: 401, title: "The call comes without a contract" },
  ERR_AUTH_CONTRACT_SIGNATURE: { status: 401, title: "A signature of the call or of its contract does not verify" },
  ERR_AUTH_CONTRACT_CHAIN: { status: 403, title: "The contracts do not form a chain from the owner to the caller" },
  ERR_AUTH_CONTRACT_AUDIENCE: { status: 403, title: "The call is addressed to somebody else" },
  ERR_AUTH_CONTRACT_SCOPE: { status: 403, title: "The call is outside of what the contract allows" },
  ERR_AUTH_CONTRACT_TIME: { status: 403, title: "The call or a contract is expired or not yet valid" },
  ERR_AUTH_CONTRACT_REVOKED: { status: 403, title: "A contract in the chain was revoked" },
  ERR_AUTH_POLICY: { status: 403, title: "The agent's policy forbids the act" },
  ERR_UNAVAILABLE_CALLEE: { status: 503, title: "The agent that was called does not answer", retryable: true },
  ERR_CONFLICT_DECLINED: { status: 409, title: "The agent that was called declines, for reasons of its own" },
  ERR_CONFLICT_REPLAY: { status: 409, title: "The call was made before" },
  // Access: logging in, tokens, resource servers.
  ERR_AUTH_TOKEN: { status: 401, title: "The access token is missing, ended, or not one for this resource" },
  ERR_AUTH_DPOP: { status: 401, title: "The request is not shown to come from the key that the token is bound to" },
  ERR_AUTH_SCOPE: { status: 403, title: "The access token does not reach as far as this request" },
  ERR_AUTH_STANDING: { status: 403, title: "The chain does not say of the subject what the scope asks for" },
  ERR_AUTH_LOGIN: { status: 403, title: "The answer does not show what the login claims" },
  ERR_UNAVAILABLE_ISSUER: { status: 503, title: "The authorization server's keys cannot be fetched", retryable: true },
  // Attestation.
  ERR_INPUT_ATTESTATION: { status: 400, title: "Not a manifest, challenge, task or evidence of the known form" },
  ERR_INPUT_MEASURE: { status: 400, title: "The program cannot be measured" },
  ERR_AUTH_ATTESTATION_STORE: { status: 401, title: "The store of references does not open with this key" },
  ERR_AUTH_SERVICE_TOKEN: { status: 401, title: "Only the operator of the attestation service may ask for that" },
  ERR_AUTH_TICKET: { status: 401, title: "There is no such ticket, or it was given for something else" },
  ERR_AUTH_ENDPOINT: { status: 403, title: "The announcement is not the agent's wrapper's, or is an old one" },
  ERR_CONFLICT_TICKET_USED: { status: 409, title: "The ticket was used before" },
  ERR_CONFLICT_MEASUREMENT: { status: 409, title: "What runs is not what the ticket was given for" },
  ERR_NOT_FOUND_REFERENCE: { status: 404, title: "There is no reference of this agent" },
  ERR_NOT_FOUND_EVIDENCE: { status: 404, title: "No evidence of this hash is kept here" },
  ERR_PROOF_SEAL: { status: 422, title: "The sealed message is not for this key, or not from this sender" },
  ERR_UNAVAILABLE_TARGET: { status: 503, title: "The agent that is to be attested does not answer", retryable: true },
  // Zero-knowledge proofs.
  ERR_INPUT_PROOF: { status: 400, title: "The proof or a public signal is not in its one canonical form" },
  ERR_INPUT_PRIVATE_KEY: { status: 400, title: "Not a private key of the curve's prime subgroup" },
  ERR_INPUT_KEY_INITIAL: { status: 400, title: "The proving key has no contribution: anyone could forge proofs" },
  ERR_INPUT_KEY_DEVELOPMENT: { status: 400, title: "A development key is refused outside local chains" },
  ERR_INPUT_KEY_MISMATCH: { status: 400, title: "The verifier does not carry the verification key given for it" },
  ERR_INPUT_ARTIFACT: { status: 400, title: "A circuit artifact is not the one its manifest names" },
  ERR_INPUT_CEREMONY: { status: 400, title: "A ceremony file is not what this step needs" },
  ERR_PROOF_INVALID: { status: 422, title: "The proof does not prove its public signals" },
  ERR_PROOF_WITNESS: { status: 422, title: "The circuit's constraints do not hold for these inputs" },

  // What the contracts refuse (contractErrors.ts says which error is which).
  ERR_INPUT_CARD: { status: 400, title: "This is no A2A agent card" },
  ERR_INPUT_CARD_URI: { status: 400, title: "The card's address is no URI: printable ASCII without blanks" },
  ERR_INPUT_CONTRACT_CALL: { status: 400, title: "The contract does not take such arguments" },
  ERR_AUTH_CONTRACT_CALLER: { status: 403, title: "The account may not do this" },
  ERR_AUTH_DEADLINE: { status: 401, title: "The signed request is past its deadline" },
  ERR_NOT_FOUND_ON_CHAIN: { status: 404, title: "The contract knows nothing of this name" },
  ERR_CONFLICT_CONTRACT_STATE: { status: 409, title: "The state of the contract does not allow it, or not yet" },
  ERR_CONFLICT_NONCE: { status: 409, title: "The nonce of the request was used, or is not the next" },

  // Key escrow: sealed keys, the channel under an epoch, shares of trustees.
  ERR_AUTH_NOT_ATTESTED: { status: 403, title: "The agent is not attested" },
  ERR_AUTH_EPOCH_STALE: { status: 403, title: "The epoch of the key is over" },
  ERR_AUTH_SENDER: { status: 403, title: "The message is not from whom it claims to be, to this agent" },
  ERR_INPUT_SEALED_KEY: { status: 400, title: "Not a sealed key or sealed share of the supported form" },
  ERR_INPUT_MESSAGE: { status: 400, title: "Not an encrypted message of the supported form" },
  ERR_INPUT_SHARE: { status: 400, title: "Not shares from which the secret can be put together" },
  ERR_PROOF_SEALED_KEY: { status: 422, title: "The sealed key does not open" },
  ERR_PROOF_KEY_COMMITMENT: { status: 422, title: "The key is not the one that was committed to" },
  ERR_PROOF_SHARE: { status: 422, title: "The share does not fit the commitments" },
  ERR_PROOF_MESSAGE: { status: 422, title: "The encrypted message does not open" },
  ERR_CONFLICT_MESSAGE_REPLAY: { status: 409, title: "The message was received before, or is too old to tell" },
  ERR_AUTH_PUBLISHER: { status: 403, title: "The account may not publish the group's epochs" },
  ERR_NOT_FOUND_SEALED_KEY: { status: 404, title: "No such sealed key is kept here" },
  ERR_CONFLICT_SEALED_KEY: { status: 409, title: "Another sealed key is kept in this place" },
  ERR_CONFLICT_EPOCH_STATE: { status: 409, title: "The epoch cannot be published as things stand" },
  ERR_LIMIT_MESSAGES: { status: 429, title: "The key has encrypted as many messages as it may", retryable: true },
  ERR_UNAVAILABLE_KEY: { status: 503, title: "The key of the epoch is not here yet", retryable: true },
  ERR_UNAVAILABLE_CHAIN_VIEW: { status: 503, title: "The view of the chain is too old to act upon", retryable: true },

  // Servers and fetches, wherever they are.
  ERR_AUTH_HOST: { status: 403, title: "The request is addressed to another host" },
  ERR_AUTH_ORIGIN: { status: 403, title: "The page that asks is of another host" },
  ERR_AUTH_PRIVATE_ADDRESS: { status: 403, title: "The address is on this machine or in a private network" },

  // Anything.
  ERR_INTERNAL_UNEXPECTED: { status: 500, title: "An unexpected error" },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof table;
export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeInfo>> = table;
