import { attestationStatuses, assuranceTiers } from "../../protocol/attestation/types.ts";
import { projections } from "../projections/all.ts";

export const whole = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const address = { type: "string", pattern: "^0x[0-9a-f]{40}$" };
export const hash = { type: "string", pattern: "^0x[0-9a-f]{64}$" };
export const text = { type: "string" };
export const capability = { type: "string", pattern: "^[!-~]{1,32}$" };
export const pageLimit = { type: "integer", minimum: 1, maximum: 1_000 };

export function exactly(properties: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}) {
  const required = Object.keys(properties);
  return { type: "object", required, properties: { ...properties, ...optional }, additionalProperties: false };
}

export function list(items: object): object {
  return { type: "array", items };
}

export function orNull(schema: object): object {
  return { anyOf: [schema, { type: "null" }] };
}

export const block = exactly({
  chainId: whole,
  number: whole,
  hash,
  asOf: whole,
  finality: { enum: ["latest", "safe", "finalized"] },
});

/** What every answer about the chain looks like. `self` asks for the very same again. */
export function envelope(data: object, more: Readonly<Record<string, object>> = {}): object {
  return exactly({ block, self: text, data }, more);
}

export const projectionName = { enum: projections.map(({ name }) => name) };

export const trust = exactly({
  status: { enum: attestationStatuses },
  isTrusted: { type: "boolean" },
  tier: orNull({ enum: assuranceTiers }),
  version: whole,
  operator: orNull(address),
  expiresAtBlock: whole,
  recordIndex: whole,
  sinceBlock: whole,
});

export const agent = exactly({
  did: text,
  agent: address,
  owner: address,
  isActive: { type: "boolean" },
  registeredAtBlock: whole,
  endedAtBlock: orNull(whole),
  successor: orNull(address),
  zkIdentity: orNull(exactly({ commitment: text, provedAtBlock: whole })),
  signingKeys: list(exactly({ key: hash, addedAtBlock: whole })),
  policy: orNull(exactly({ policyHash: hash, version: whole, sinceBlock: whole })),
  trust,
  card: orNull(exactly({ uri: text, contentHash: hash, capabilities: list(text) })),
});

export const problem = {
  type: "object",
  required: ["type", "title", "status", "detail", "code"],
  properties: { type: text, title: text, status: whole, detail: text, code: { type: "string", pattern: "^ERR_" } },
};
