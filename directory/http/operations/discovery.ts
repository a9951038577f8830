import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { assuranceTiers } from "../../../protocol/attestation/types.ts";
import { catalogEntry, manifest, wantedBy } from "../../discovery/ard.ts";
import type { Catalog, Wanted } from "../../discovery/catalog.ts";
import { versions } from "../../discovery/versions.ts";
import type { Asked, Operation, ParameterSchema, Service } from "../operation.ts";
import { agent, block, capability, exactly, hash, list, orNull, text, whole } from "../schemas.ts";

const inQuery = (schema: object): ParameterSchema => ({ in: "query", schema });
const short = { type: "string", minLength: 1, maxLength: 500 };
const score = { type: "integer", minimum: 0, maximum: 100 };
const most = { type: "integer", minimum: 1, maximum: 100 };

function catalogOf({ catalog }: Service): Catalog {
  if (catalog) return catalog;
  throw new AffiantError("ERR_NOT_FOUND_ROUTE", "this directory keeps no cards");
}

const facts = exactly({
  name: text,
  description: text,
  organisation: text,
  skills: list(text),
  tags: list(text),
  examples: list(text),
  regions: list(text),
  price: orNull(exactly({ amount: { type: "number", minimum: 0 }, currency: text, per: text })),
  endpoint: orNull(text),
});

export const find: Operation = {
  method: "GET",
  path: "/v1/search",
  summary: "Agents by what their checked cards say and the chain proves, best first",
  parameters: {
    q: inQuery(short),
    capability: inQuery(capability),
    tag: inQuery(short),
    organisation: inQuery(short),
    tier: inQuery({ enum: assuranceTiers }),
    trusted: inQuery({ enum: ["true"] }),
    policy: inQuery(hash),
    region: inQuery(short),
    currency: inQuery({ type: "string", pattern: "^[A-Z]{3}$" }),
    maxPrice: inQuery(whole),
    limit: inQuery(most),
    chain: inQuery({ ...whole, minimum: 1 }),
  },
  answer: exactly({
    block,
    data: list(
      exactly({
        score,
        facts,
        card: exactly({ outcome: text, detail: text, checkedAtMs: whole, answeredInMs: orNull(whole) }),
        chain: agent,
      }),
    ),
  }),
  run: async (service, { parameters }) => {
    const chainId = Number(parameters["chain"] ?? service.chainId);
    return { body: await catalogOf(service).search(chainId, wantedIn(parameters)) };
  },
};

function wantedIn(parameters: Asked["parameters"]): Wanted {
  const textIn = (name: string) => (parameters[name] === undefined ? undefined : String(parameters[name]));
  return {
    text: textIn("q"),
    capability: textIn("capability"),
    tag: textIn("tag"),
    organisation: textIn("organisation"),
    tier: textIn("tier"),
    trusted: parameters["trusted"] === "true" ? true : undefined,
    policyHash: textIn("policy"),
    region: textIn("region"),
    currency: textIn("currency"),
    maxPrice: parameters["maxPrice"] === undefined ? undefined : Number(parameters["maxPrice"]),
    limit: Number(parameters["limit"] ?? 10),
  };
}

const entry = { type: "object", required: ["identifier", "displayName", "type", "url"] };
const manifestSchema = exactly({ specVersion: text, host: { type: "object" }, entries: list(entry) });

function wellKnown(path: string, summary: string): Operation {
  return {
    method: "GET",
    path,
    summary,
    answer: manifestSchema,
    run: async (service) => {
      const { block: at, data } = await catalogOf(service).search(service.chainId, { limit: 100 });
      return { body: manifest(data, at, service.baseUrl) };
    },
  };
}

export const ardSearch: Operation = {
  method: "POST",
  path: "/search",
  summary: "Ranked search of Agentic Resource Discovery (ARD)",
  body: exactly(
    {
      query: exactly(
        { text: short },
        {
          filter: {
            type: "object",
            additionalProperties: { anyOf: [short, { type: "array", items: short, maxItems: 20 }] },
          },
        },
      ),
    },
    { federation: { enum: ["auto", "referrals", "none"] }, pageSize: most, pageToken: text },
  ),
  answer: exactly({ results: list(entry) }),
  run: async (service, { body }) => {
    const { query, pageSize = 10, pageToken } = body as ArdRequest;
    if (pageToken !== undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "no page of this search has a next one");
    const wanted = wantedBy(query.text, query.filter ?? {}, pageSize);
    if (!wanted) return { body: { results: [] } };
    const { block: at, data } = await catalogOf(service).search(service.chainId, wanted);
    const results = data.map((found) => ({
      ...catalogEntry(found, at, service.baseUrl),
      score: found.score,
      source: `${service.baseUrl}/`,
    }));
    return { body: { results } };
  },
};

interface ArdRequest {
  readonly query: { readonly text: string; readonly filter?: Readonly<Record<string, string | readonly string[]>> };
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export const discoveryOperations: readonly Operation[] = [
  find,
  ardSearch,
  wellKnown(versions.ard.wellKnown, "Manifest of Agentic Resource Discovery (ARD)"),
  wellKnown(versions.aiCatalog.wellKnown, "The same as an AI catalog"),
];
