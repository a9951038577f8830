import { errorCodes } from "../../protocol/errors/codes.ts";

const hash = { type: "string", pattern: "^0x[0-9a-f]{64}$" };
const address = { type: "string", pattern: "^0x[0-9a-fA-F]{40}$" };
const uint256 = { type: "string", pattern: "^(0|[1-9][0-9]{0,77})$" };
const whole = { type: "integer", minimum: 0 };
const submission = {
  type: "object",
  required: ["leaf"],
  additionalProperties: false,
  properties: {
    leaf: { type: "string", description: "Compact JWS of an entry" },
    disclosures: { type: "array", items: { type: "string" }, maxItems: 16 },
  },
};
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: unknown) => ({ content: { "application/json": { schema } } });
const answer = (description: string, schema?: unknown) => ({ description, ...(schema ? json(schema) : {}) });
const problem = {
  description: "Refused: an RFC 9457 problem with a stable code",
  content: { "application/problem+json": { schema: ref("Problem") } },
};
const inPath = (name: string, schema: unknown = { type: "string" }) => ({ name, in: "path", required: true, schema });
const inQuery = (name: string, required = false) => ({ name, in: "query", required, schema: whole });

function get(summary: string, ok: unknown, parameters: readonly unknown[] = []) {
  return { get: { summary, parameters, responses: { "200": ok, default: problem } } };
}

/** The HTTP API (OpenAPI 3.1). `/docs` shows it, and a test holds it to the routes that are there. */
export const openApiDocument = {
  openapi: "3.1.0",
  info: {
    title: "Affiant relayer",
    version: "1",
    description: "Entries in, receipts out; docs/relayer.md is the guide.",
  },
  paths: {
    "/v1/entries": {
      post: {
        summary: "Hand in one entry",
        requestBody: { required: true, ...json(ref("Submission")) },
        responses: {
          "200": answer("It was there already", ref("Receipt")),
          "201": answer("It is in the log, durably", ref("Receipt")),
          default: problem,
        },
      },
    },
    "/v1/entries:batch": {
      post: {
        summary: "Hand in up to 256 entries; each has its own answer",
        requestBody: {
          required: true,
          ...json({
            type: "object",
            required: ["entries"],
            properties: { entries: { type: "array", minItems: 1, maxItems: 256, items: ref("Submission") } },
          }),
        },
        responses: { "200": answer("One result an entry, in order"), default: problem },
      },
    },
    "/v1/entries/{entryId}": get("An entry's leaf and place", answer("The leaf"), [inPath("entryId", hash)]),
    "/v1/entries/{entryId}/receipt": get("An entry's receipt", answer("The receipt", ref("Receipt")), [
      inPath("entryId", hash),
    ]),
    "/v1/agents/{did}/head": get("Where an agent's chain of entries ends", answer("seq, entryId, count"), [
      inPath("did"),
    ]),
    "/v1/agents/{did}/entries": get("An agent's entries by seq", answer("The entries, and how many there are"), [
      inPath("did"),
      inQuery("from"),
      inQuery("limit"),
    ]),
    "/v1/agents/{did}/equivocations": get("Rival entries an agent signed", answer("The rivals"), [inPath("did")]),
    "/v1/log": get("Name, size, keys and contract of the log", answer("The log")),
    "/v1/log/checkpoint": get("The newest checkpoint (C2SP signed note)", { description: "text/plain" }),
    "/v1/log/tile/{path}": get("A tile or entry bundle (C2SP tlog-tiles)", { description: "bytes" }, [inPath("path")]),
    "/v1/log/entries/{index}": get("The leaf at an index", answer("The leaf"), [inPath("index", whole)]),
    "/v1/log/proof/inclusion": get("RFC 9162 inclusion proof", answer("The proof"), [
      inQuery("index", true),
      inQuery("size"),
    ]),
    "/v1/log/proof/consistency": get("RFC 9162 consistency proof", answer("The proof"), [
      inQuery("from", true),
      inQuery("to"),
    ]),
    "/v1/log/anchors": get("Anchors on chain", answer("The anchors"), [inQuery("from"), inQuery("limit")]),
    "/v1/log/anchor": {
      post: { summary: "Ask for an anchor now", responses: { "202": answer("Asked"), default: problem } },
    },
    "/v1/events": get("Server-sent events: checkpoint, anchor", { description: "text/event-stream" }),
    "/v1/policies/{hash}": {
      ...get("A policy bundle", answer("The bundle, RFC 8785 bytes"), [inPath("hash", hash)]),
      put: {
        summary: "Leave a policy bundle under its hash",
        parameters: [inPath("hash", hash)],
        requestBody: { required: true, ...json({ type: "object" }) },
        responses: { "200": answer("It was there"), "201": answer("Kept"), default: problem },
      },
    },
    "/v1/requests": {
      post: {
        summary: "Have a signed call carried to a registry",
        parameters: [{ name: "Idempotency-Key", in: "header", required: true, schema: { type: "string" } }],
        requestBody: { required: true, ...json(ref("SponsoredCall")) },
        responses: { "202": answer("Accepted: id and statusUrl"), default: problem },
      },
    },
    "/v1/proofs/key-ownership": {
      post: {
        summary: "Have a zero-knowledge proof of key ownership checked and carried to the registry",
        requestBody: { required: true, ...json(ref("KeyOwnershipSubmission")) },
        responses: {
          "202": answer("The proof holds: id and statusUrl of the request that carries it"),
          default: problem,
        },
      },
    },
    "/v1/requests/{id}": get("How far a request has come", answer("The state"), [inPath("id")]),
    "/healthz": get("Whether the process lives", answer("alive")),
    "/readyz": get("Whether it should get traffic, and why not", answer("ready")),
    "/metrics": get("For Prometheus", { description: "text/plain" }),
  },
  components: {
    schemas: {
      Submission: submission,
      Receipt: {
        type: "object",
        required: ["entryId", "index", "size", "checkpoint", "proof", "status"],
        properties: {
          entryId: hash,
          index: whole,
          size: whole,
          checkpoint: { type: "string" },
          proof: { type: "array", items: hash },
          status: { enum: ["sequenced", "anchored", "final"] },
          anchor: { type: "object" },
        },
      },
      SponsoredCall: {
        type: "object",
        required: ["target", "data"],
        properties: {
          target: address,
          data: { type: "string", pattern: "^0x([0-9a-f]{2})+$" },
        },
      },
      KeyOwnershipSubmission: {
        type: "object",
        required: ["claim", "proof", "signature"],
        properties: {
          claim: {
            type: "object",
            description: "EIP-712 KeyOwnership. Numbers are decimal text",
            required: ["agent", "commitment", "recipient", "nonce", "deadline"],
            properties: {
              agent: address,
              commitment: uint256,
              recipient: address,
              nonce: uint256,
              deadline: { ...uint256, description: "Unix seconds" },
            },
          },
          proof: { type: "string", pattern: "^0x[0-9a-f]{512}$", description: "abi.encode(a, b, c), 256 bytes" },
          signature: { type: "string", pattern: "^0x([0-9a-f]{2})*$", description: "The owner's, of the claim" },
        },
      },
      Problem: {
        type: "object",
        required: ["type", "title", "status", "detail", "code"],
        properties: { code: { enum: Object.keys(errorCodes) }, status: { type: "integer" } },
      },
    },
  },
} as const;
