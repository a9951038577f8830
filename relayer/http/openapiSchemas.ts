import { maxSealedKeys } from "../../protocol/api/sealedKeys.ts";
import { maxBatchEntries } from "../../protocol/api/types.ts";
import { errorCodes } from "../../protocol/errors/codes.ts";
import { roles } from "../config.ts";
import { jobStates } from "../journal/job.ts";

const hash = { type: "string", pattern: "^0x[0-9a-f]{64}$" };
const address = { type: "string", pattern: "^0x[0-9a-fA-F]{40}$" };
const whole = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const text = { type: "string" };
const bytes = { type: "string", pattern: "^0x([0-9a-f]{2})*$" };
const decimal = { type: "string", pattern: "^(0|[1-9][0-9]{0,77})$" };

/** An object that has all of `properties`, some of `optional`, and nothing else. */
function exactly(properties: object, optional: object = {}) {
  return {
    type: "object",
    required: Object.keys(properties),
    additionalProperties: false,
    properties: { ...properties, ...optional },
  };
}

const list = (items: unknown) => ({ type: "array", items });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const anchor = {
  index: { oneOf: [whole, { type: "null" }] },
  size: whole,
  root: hash,
  blockNumber: whole,
  txHash: hash,
};
const request = {
  id: text,
  state: { enum: jobStates },
};
const sealedKey = {
  sealed: { ...bytes, description: "version, encapsulated key, ciphertext: 113 bytes" },
  merkleProof: { ...list(hash), maxItems: 32 },
};
const requestProgress = { txHash: hash, blockNumber: whole, gasUsed: whole, error: ref("Problem") };
const readiness = {
  type: "object",
  required: ["ready", "reasons", "role", "chain", "queue", "lanes"],
  properties: {
    reasons: list(text),
    role: { enum: roles },
    anchoring: { type: "object", description: "not of a worker" },
    chain: { type: "object" },
    queue: exactly({ backend: { enum: ["embedded", "redis"] }, connected: { type: "boolean" }, troubles: list(text) }),
    lanes: list(exactly({ address, led: { type: "boolean" } }, { trouble: text })),
  },
};

/** What goes in and out, in JSON Schema 2020-12. Requests are held to these, and so are all answers in tests. */
export const openApiSchemas = {
  Hash: hash,
  Whole: whole,
  Submission: exactly(
    { leaf: { ...text, description: "Compact JWS of an entry" } },
    { disclosures: { ...list(text), maxItems: 16 } },
  ),
  Batch: exactly({ entries: { ...list(ref("Submission")), minItems: 1, maxItems: maxBatchEntries } }),
  Receipt: exactly(
    {
      entryId: hash,
      index: whole,
      size: whole,
      checkpoint: text,
      proof: list(hash),
      status: { enum: ["sequenced", "anchored", "final"] },
    },
    { anchor: exactly(anchor) },
  ),
  BatchResults: exactly({
    results: list({
      oneOf: [
        exactly({ status: { enum: [200, 201] }, receipt: ref("Receipt") }),
        exactly({ status: { type: "integer", minimum: 400 }, problem: ref("Problem") }),
      ],
    }),
  }),
  Entry: exactly({ leaf: text, index: whole }),
  SignedCall: exactly({
    invocation: { ...text, description: "UCAN invocation, DAG-CBOR in base64url" },
    contracts: { ...list(text), description: "The UCAN delegations it names, likewise" },
  }),
  Disclosures: exactly({ disclosures: { ...list(text), maxItems: 16 } }),
  Erasure: exactly({ erased: { type: "boolean" } }),
  LowerAddress: { type: "string", pattern: "^0x[0-9a-f]{40}$" },
  SealedKeys: exactly({
    epoch: { ...whole, minimum: 1 },
    membersRoot: hash,
    keys: { ...list(exactly({ holder: ref("LowerAddress"), ...sealedKey })), minItems: 1, maxItems: maxSealedKeys },
    publisher: address,
    deadlineSec: whole,
    signature: bytes,
  }),
  SealedKeysKept: exactly({ added: whole }),
  SealedKey: exactly({ epoch: { ...whole, minimum: 1 }, membersRoot: hash, ...sealedKey }),
  AgentHead: exactly({
    seq: { anyOf: [whole, { type: "null" }] },
    entryId: { anyOf: [hash, { type: "null" }] },
    count: whole,
    size: whole,
    statement: { ...text, description: "Signed note of the log that says this" },
  }),
  AgentEntries: exactly({
    entries: list(exactly({ seq: whole, index: whole, entryId: hash, leaf: text })),
    count: whole,
    statement: { ...text, description: "Signed note of the log over the count" },
  }),
  Equivocations: exactly({ rivals: list(exactly({ seq: whole, entryId: hash, leaf: text })) }),
  LogInfo: exactly({
    origin: text,
    size: whole,
    vkey: text,
    chainId: whole,
    contract: address,
    logId: hash,
    operatorVkey: text,
  }),
  InclusionProof: exactly({ index: whole, size: whole, root: hash, proof: list(hash) }),
  ConsistencyProof: exactly({ from: whole, to: whole, fromRoot: hash, toRoot: hash, proof: list(hash) }),
  Anchors: exactly({ anchors: list(exactly({ ...anchor, status: { enum: ["anchored", "final"] } })) }),
  Anchoring: {
    type: "object",
    required: ["registered", "anchoredSize", "pendingEntries", "lagMs"],
    properties: {
      registered: { type: "boolean" },
      anchoredSize: whole,
      pendingEntries: whole,
      lagMs: { type: "number", minimum: 0 },
      lateBecause: text,
      lateCause: text,
    },
  },
  PolicyHash: exactly({ hash }),
  PolicyBundle: { type: "object", required: ["format"], properties: { format: { const: "affiant-policy/1" } } },
  IdempotencyKey: { type: "string", pattern: "^[!-~]{1,128}$" },
  SponsoredCall: exactly({ target: address, data: { type: "string", pattern: "^0x([0-9a-f]{2}){4,}$" } }),
  KeyOwnershipSubmission: exactly({
    claim: exactly({ agent: address, commitment: decimal, recipient: address, nonce: decimal, deadline: decimal }),
    proof: { ...bytes, description: "256 bytes" },
    signature: bytes,
  }),
  RequestAccepted: exactly({ ...request, statusUrl: text }, { ...requestProgress, attempts: list(hash) }),
  RequestStatus: exactly({ ...request, attempts: list(hash) }, requestProgress),
  Alive: exactly({ status: { const: "alive" } }),
  Ready: { ...readiness, properties: { ...readiness.properties, ready: { const: true } } },
  NotReady: { ...readiness, properties: { ...readiness.properties, ready: { const: false } } },
  Problem: {
    type: "object",
    description: "RFC 9457; `code` is stable",
    required: ["type", "title", "status", "detail", "code"],
    properties: {
      type: { type: "string", pattern: "^urn:affiant:error:ERR_" },
      title: text,
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: text,
      code: { enum: Object.keys(errorCodes) },
      hint: text,
    },
  },
};
