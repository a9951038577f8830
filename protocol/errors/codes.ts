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

  // Anything.
  ERR_INTERNAL_UNEXPECTED: { status: 500, title: "An unexpected error" },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof table;
export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeInfo>> = table;
