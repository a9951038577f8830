import type { ApiAnswer as Answer, ApiOperation as Operation, ApiParameter as Parameter } from "../../host/http/api.ts";
import { openApiSchemas } from "./openapiSchemas.ts";

type SchemaName = keyof typeof openApiSchemas;

type Content = NonNullable<Answer["content"]>;

export type Method = "get" | "post" | "put";

const ref = (name: SchemaName) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: SchemaName): Content => ({ "application/json": { schema: ref(name) } });
const body = (name: SchemaName) => ({ requestBody: { required: true, content: json(name) } }) as const;
const answer = (description: string, name: SchemaName): Answer => ({ description, content: json(name) });
const plain = (description: string, type: string): Answer => ({ description, content: { [type]: {} } });

const text = { type: "string", minLength: 1 };
const inPath = (name: string, schema: unknown = text): Parameter => ({ name, in: "path", required: true, schema });
const inQuery = (name: string, schema: unknown = ref("Whole"), required = false): Parameter => {
  return { name, in: "query", required, schema };
};
const required = (name: string) => inQuery(name, ref("Whole"), true);
const upTo = (maximum: number) => ({ type: "integer", minimum: 0, maximum });

const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  schema: ref("IdempotencyKey"),
};

/** Admits a newcomer where the relayer asks for it. */
const admissionTicket: Parameter = {
  name: "Admission-Ticket",
  in: "header",
  required: false,
  schema: ref("Hash"),
};

const meanings: Readonly<Record<number, string>> = {
  400: "Not of the described form",
  401: "Not signed as it must be",
  403: "Not allowed",
  404: "Not here",
  409: "In conflict with what is there",
  413: "Too large",
  422: "What should prove it does not",
  429: "Too much; Retry-After says when to come back",
  503: "Not now; Retry-After says when to come back",
};

/** Problems with these statuses, and those that any request can meet. A 500 is a defect: it is promised nowhere. */
function refused(...statuses: readonly number[]): Record<string, Answer> {
  const content: Content = { "application/problem+json": { schema: ref("Problem") } };
  return Object.fromEntries(
    [400, 403, 429, ...statuses].map((status) => [status, { description: meanings[status] ?? "Refused", content }]),
  );
}

function get(summary: string, ok: Answer, parameters: readonly Parameter[] = [], ...statuses: readonly number[]) {
  return { get: { summary, parameters, responses: { "200": ok, ...refused(...statuses) } } };
}

function signedCall(summary: string, ok: Answer, parameters: readonly Parameter[] = [entryId]) {
  const responses = { "200": ok, ...refused(401, 403, 404, 409, 413, 503) };
  return { post: { summary, parameters, ...body("SignedCall"), responses } };
}

const sealedKeys = [inPath("group", ref("Hash")), inPath("keyCommitment", ref("Hash"))];
const entryId = inPath("entryId", ref("Hash"));
const policyHash = inPath("hash", ref("Hash"));

const paths: Readonly<Record<string, Partial<Record<Method, Operation>>>> = {
  "/v1/entries": {
    post: {
      summary: "Hand in one entry",
      parameters: [],
      ...body("Submission"),
      responses: {
        "200": answer("It was there already", "Receipt"),
        "201": answer("It is in the log, durably", "Receipt"),
        ...refused(403, 409, 413, 422, 503),
      },
    },
  },
  "/v1/entries:batch": {
    post: {
      summary: "Hand in up to 256 entries; each has its own answer",
      parameters: [],
      ...body("Batch"),
      responses: { "200": answer("One result an entry, in order", "BatchResults"), ...refused(413, 503) },
    },
  },
  "/v1/entries/{entryId}": get("An entry's leaf and place", answer("The leaf", "Entry"), [entryId], 404, 503),
  "/v1/entries/{entryId}/receipt": get("An entry's receipt", answer("The receipt", "Receipt"), [entryId], 404, 503),
  "/v1/entries/{entryId}/disclosures:read": signedCall(
    "Disclosures of an entry, for whom its agent allows",
    answer("The disclosures", "Disclosures"),
  ),
  "/v1/entries/{entryId}/disclosures:erase": signedCall(
    "Erase the disclosures of an entry, for its agent",
    answer("Whether any were kept", "Erasure"),
  ),
  "/v1/agents/{did}/head": get(
    "Where an agent's entries end, now or at the size of a signed checkpoint, with the log's signed statement of it",
    answer("Its end", "AgentHead"),
    [inPath("did"), inQuery("size")],
    404,
  ),
  "/v1/agents/{did}/entries": get("An agent's entries by seq", answer("Entries, and how many", "AgentEntries"), [
    inPath("did"),
    inQuery("from"),
    inQuery("limit", upTo(1_000)),
  ]),
  "/v1/agents/{did}/equivocations": get("Rival entries an agent signed", answer("The rivals", "Equivocations"), [
    inPath("did"),
  ]),
  "/v1/log": get("Name, size, keys and contract of the log", answer("The log", "LogInfo")),
  "/v1/log/checkpoint": get(
    "The newest checkpoint, or that of a size (C2SP signed note)",
    plain("The note", "text/plain"),
    [inQuery("size")],
    404,
  ),
  "/v1/log/tile/{path}": get(
    "A tile or entry bundle (C2SP tlog-tiles)",
    plain("Its bytes", "application/octet-stream"),
    [inPath("path")],
    404,
  ),
  "/v1/log/entries/{index}": get(
    "The leaf at an index",
    answer("The leaf", "Entry"),
    [inPath("index", ref("Whole"))],
    404,
  ),
  "/v1/log/proof/inclusion": get(
    "RFC 9162 inclusion proof",
    answer("The proof", "InclusionProof"),
    [required("index"), inQuery("size")],
    404,
  ),
  "/v1/log/proof/consistency": get(
    "RFC 9162 consistency proof",
    answer("The proof", "ConsistencyProof"),
    [required("from"), inQuery("to")],
    404,
  ),
  "/v1/log/anchors": get("Anchors on chain", answer("The anchors", "Anchors"), [
    inQuery("from"),
    inQuery("limit", upTo(1_000)),
  ]),
  "/v1/log/anchor": {
    post: {
      summary: "Ask for an anchor now: the operator, with its bearer token",
      parameters: [],
      responses: { "202": answer("Asked; how anchoring stands", "Anchoring"), ...refused(401) },
    },
  },
  "/v1/events": get("Server-sent events: checkpoint, anchor", plain("A stream", "text/event-stream")),
  "/v1/policies/{hash}": {
    ...get("A policy bundle, RFC 8785 bytes", answer("The bundle", "PolicyBundle"), [policyHash], 404),
    put: {
      summary: "Leave a policy bundle under its hash, byte for byte, once an agent has committed to it on chain",
      parameters: [policyHash, inQuery("agent", ref("LowerAddress"), true)],
      requestBody: { required: true, content: { "*/*": {} } },
      responses: {
        "200": answer("It was there", "PolicyHash"),
        "201": answer("Kept", "PolicyHash"),
        ...refused(409, 413, 503),
      },
    },
  },
  "/v1/groups/{group}/keys/{keyCommitment}": {
    put: {
      summary: "Leave sealed keys of an epoch for its members, before it is published",
      parameters: sealedKeys,
      ...body("SealedKeys"),
      responses: {
        "200": answer("All of them were there", "SealedKeysKept"),
        "201": answer("Kept, durably", "SealedKeysKept"),
        ...refused(401, 403, 409, 413, 422, 503),
      },
    },
  },
  "/v1/groups/{group}/keys/{keyCommitment}/{holder}:read": signedCall(
    "A member's own sealed key",
    answer("The sealed key", "SealedKey"),
    [...sealedKeys, inPath("holder", ref("LowerAddress"))],
  ),
  "/v1/groups/{group}/keys/{keyCommitment}/recovery/{requestId}:read": signedCall(
    "The key that was sealed for recovery, for the agent of a released request",
    answer("The sealed key", "SealedKey"),
    [...sealedKeys, inPath("requestId", ref("Hash"))],
  ),
  "/v1/requests": {
    post: {
      summary: "Have a signed call carried to a registry",
      parameters: [idempotencyKey, admissionTicket],
      ...body("SponsoredCall"),
      responses: { "202": answer("Accepted", "RequestAccepted"), ...refused(401, 403, 404, 409, 413, 422, 503) },
    },
  },
  "/v1/requests/{id}": get("How far a request has come", answer("Its state", "RequestStatus"), [inPath("id")], 404),
  "/v1/proofs/key-ownership": {
    post: {
      summary: "Have a proof of key ownership checked and carried to the registry",
      parameters: [admissionTicket],
      ...body("KeyOwnershipSubmission"),
      responses: { "202": answer("Accepted", "RequestAccepted"), ...refused(401, 403, 404, 409, 413, 422, 503) },
    },
  },
  "/healthz": get("Whether the process lives", answer("It does", "Alive")),
  "/readyz": {
    get: {
      summary: "Whether it should get traffic, and why not",
      parameters: [],
      responses: { "200": answer("Yes", "Ready"), ...refused(), "503": answer("No", "NotReady") },
    },
  },
  "/metrics": get("For Prometheus", plain("Metrics", "text/plain")),
  "/openapi.json": get("This description", plain("OpenAPI 3.1", "application/json")),
  "/docs": get("This description, for people", plain("A page", "text/html")),
  "/docs/style.css": get("How that page looks", plain("A style sheet", "text/css")),
};

/** The HTTP API (OpenAPI 3.1): the one place that says what a request may be. Requests are checked against it. */
export const openApiDocument = {
  openapi: "3.1.0",
  info: {
    title: "Affiant relayer",
    version: "1",
    description: "Entries in, receipts out; docs/relayer.md is the guide.",
  },
  paths,
  components: { schemas: openApiSchemas },
};
