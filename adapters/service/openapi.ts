import type { ApiAnswer, ApiDocument, ApiOperation, ApiParameter } from "../../host/http/api.ts";

const name = { type: "string", pattern: "^[A-Za-z0-9_.:/-]{1,128}$" };
/** Chosen by the caller; it stands in paths, so that it is one segment when it is percent-encoded. */
const key = { type: "string", minLength: 1, maxLength: 256, pattern: "^[^\\p{Cc}\\p{Cs}]+$" };
const anything = {};

const schemas = {
  Act: {
    type: "object",
    additionalProperties: false,
    required: ["act"],
    properties: {
      act: name,
      input: anything,
      output: anything,
      context: { type: "object" },
      thread: { type: "string", minLength: 1, maxLength: 1024 },
      ctr: { type: "string", pattern: "^[a-zA-Z0-9]{8,128}$" },
      idempotencyKey: key,
    },
  },
  Outcome: {
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    properties: { output: anything, error: { type: "string" } },
  },
  Claimed: {
    type: "object",
    required: ["id", "status", "thread"],
    properties: { id: key, status: { const: "claimed" }, thread: name },
  },
  State: {
    type: "object",
    required: ["id", "status"],
    properties: {
      id: key,
      status: { enum: ["claimed", "recorded", "refused"] },
      seq: { type: "integer", minimum: 0 },
      entryId: { type: "string" },
      output: anything,
      receipt: { enum: ["signed", "sequenced", "anchored", "final"] },
    },
  },
  Agent: {
    type: "object",
    required: ["name", "did", "signingKey", "openActs"],
    properties: {
      name: { type: "string" },
      did: { type: "string" },
      signingKey: { type: "string" },
      openActs: { type: "integer" },
      head: { type: ["object", "null"] },
    },
  },
  Grant: {
    type: "object",
    additionalProperties: false,
    required: ["audience", "expiresAtSec"],
    properties: {
      audience: { type: "string", pattern: "^did:key:z6Mk" },
      expiresAtSec: { type: ["integer", "null"], minimum: 0 },
      acts: { type: "array", items: key, minItems: 1, maxItems: 1000 },
    },
  },
  Erasure: { type: "object", required: ["erased"], properties: { erased: { type: "boolean" } } },
  HookPayload: { type: "object" },
  Problem: {
    type: "object",
    required: ["type", "title", "status", "detail", "code"],
    properties: {
      type: { type: "string" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string" },
      code: { type: "string" },
    },
  },
} as const;

const ref = (schema: keyof typeof schemas) => ({ $ref: `#/components/schemas/${schema}` });
const json = (description: string, schema: keyof typeof schemas): ApiAnswer => {
  return { description, content: { "application/json": { schema: ref(schema) } } };
};
const plain = (description: string, type: string): ApiAnswer => ({ description, content: { [type]: {} } });
const body = (schema: keyof typeof schemas) =>
  ({ requestBody: { required: true, content: { "application/json": { schema: ref(schema) } } } }) as const;

const meanings: Readonly<Record<number, string>> = {
  400: "Not of the described form",
  401: "Without the token of this service",
  403: "Refused: by the policy, or by Host or Origin",
  404: "Not here",
  409: "In conflict with what is on record",
  413: "Too large",
  422: "What should prove it does not",
  429: "Too many acts are open",
  500: "A defect",
  503: "It could not be put on record now",
};

const problems: Record<string, ApiAnswer> = Object.fromEntries(
  Object.entries(meanings).map(([status, description]) => [
    status,
    { description, content: { "application/problem+json": { schema: ref("Problem") } } },
  ]),
);

const id: ApiParameter = { name: "id", in: "path", required: true, schema: { type: "string" } };

function operation(
  summary: string,
  answers: Readonly<Record<string, ApiAnswer>>,
  more: Partial<ApiOperation> = {},
): ApiOperation {
  return { summary, parameters: [], ...more, responses: { ...answers, ...problems } };
}

const paths: ApiDocument["paths"] = {
  "/v1/agent": { get: operation("Whose acts are entered here", { "200": json("The agent", "Agent") }) },
  "/v1/acts": {
    post: operation(
      "Judge an act and claim it on disk; with `output`, put it on record at once",
      {
        "200": json("It is there already, under this idempotency key", "State"),
        "201": json("It may be done now; tell its outcome. With `output`: it is on record", "State"),
      },
      body("Act"),
    ),
  },
  "/v1/acts/{id}": {
    get: operation("How an act stands", { "200": json("Its state", "State") }, { parameters: [id] }),
  },
  "/v1/acts/{id}/outcome": {
    post: operation(
      "Put on record what came of a claimed act",
      { "200": json("It is on record", "State") },
      { parameters: [id], ...body("Outcome") },
    ),
  },
  "/v1/acts/{id}/disclosures:erase": {
    post: operation(
      "Have the relayer erase the payloads of an act that were left with it",
      { "200": json("Whether any were kept", "Erasure") },
      { parameters: [id] },
    ),
  },
  "/v1/disclosures:grant": {
    post: operation(
      "Let somebody read payloads that were left with the relayer: a contract to hand over",
      { "200": { description: "The contract file", content: { "application/json": {} } } },
      body("Grant"),
    ),
  },
  "/v1/evidence": {
    get: operation(
      "The agent's evidence file; an anchor is asked for if the newest entry has none",
      { "200": plain("The file", "application/jsonl") },
      {
        parameters: [
          {
            name: "withhold",
            in: "query",
            required: false,
            schema: { type: "string", pattern: "^(context|input|output)(,(context|input|output))*$" },
          },
        ],
      },
    ),
  },
  "/v1/hooks/{tool}": {
    post: operation(
      "What a coding agent tells its hook: one line `allow`, or `refuse` and the reason",
      { "200": plain("The word", "text/plain") },
      { parameters: [{ ...id, name: "tool" }], ...body("HookPayload") },
    ),
  },
  "/v1/traces": {
    post: operation(
      "OpenTelemetry traces by OTLP/HTTP: `execute_tool` spans become entries",
      { "200": { description: "Taken", content: { "application/json": {}, "application/x-protobuf": {} } } },
      { requestBody: { required: true, content: { "application/x-protobuf": {} } } },
    ),
  },
  "/openapi.json": {
    get: operation("This document", { "200": { description: "OpenAPI 3.1", content: { "application/json": {} } } }),
  },
};

export const serviceApiDocument = {
  openapi: "3.1.0",
  info: { title: "Affiant, the local service of an agent", version: "1" },
  paths,
  components: { schemas },
} as const;
