import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { AnsweredBlock } from "../queries/reader.ts";
import type { Found, Wanted } from "./catalog.ts";
import { versions } from "./versions.ts";

/** An entry of an AI catalog: one agent, by reference to its card. */
export function catalogEntry({ facts, chain }: Found, block: AnsweredBlock, baseUrl: string): Record<string, unknown> {
  const uri = chain.card?.uri ?? "";
  const self = `${baseUrl}/v1/agents/${chain.agent}?asOf=${block.asOf}&chain=${block.chainId}`;
  const { examples, description, tags } = facts;
  return {
    identifier: `urn:air:${new URL(uri).hostname.replace(/[^a-zA-Z0-9.-]/g, "-")}:agent:${block.chainId}.${chain.agent}`,
    displayName: facts.name,
    type: versions.a2aCardType,
    url: uri,
    ...(description === "" ? {} : { description }),
    ...(tags.length > 0 ? { tags } : {}),
    capabilities: chain.card?.capabilities ?? [],
    ...(examples.length >= 2 ? { representativeQueries: examples.slice(0, 5) } : {}),
    metadata: {
      "affiant.status": chain.trust.status,
      "affiant.trusted": chain.trust.isTrusted,
      "affiant.tier": chain.trust.tier,
      "affiant.policyHash": chain.policy?.policyHash ?? null,
      "affiant.zkIdentity": chain.zkIdentity?.commitment ?? null,
      "affiant.block": block.asOf,
      "affiant.finality": block.finality,
    },
    trustManifest: trustManifest(chain.did, self, chain.card?.contentHash ?? "", uri),
  };
}

/** What the chain proves, by reference to the answer that can be checked against it: nothing here is our word. */
function trustManifest(did: string, self: string, contentHash: string, uri: string): object {
  return {
    identity: did,
    identityType: "did",
    trustSchema: { identifier: "urn:affiant:directory", version: "1", verificationMethods: ["did"] },
    attestations: [{ type: "affiant-chain-state", uri: self, mediaType: "application/json" }],
    provenance: [
      { relation: "publishedFrom", sourceId: uri, sourceDigest: `sha256:${contentHash.replace(/^0x/, "")}` },
    ],
  };
}

export function manifest(
  found: readonly Found[],
  block: AnsweredBlock,
  baseUrl: string,
): { readonly specVersion: string; readonly host: object; readonly entries: readonly object[] } {
  const registry = {
    identifier: `urn:air:${new URL(baseUrl).hostname.replace(/[^a-zA-Z0-9.-]/g, "-")}:registry:affiant`,
    displayName: "Affiant directory",
    type: "application/ai-registry",
    url: `${baseUrl}/`,
    description: "Agents on record: identity, policy, attestation and cards as a chain has them.",
  };
  return {
    specVersion: versions.aiCatalog.specVersion,
    host: { displayName: "Affiant directory" },
    entries: [registry, ...found.map((one) => catalogEntry(one, block, baseUrl))],
  };
}

/** Fields that can be filtered by, in ARD's dotted spelling. Others are refused: a filter that does nothing would lie. */
const filters: Readonly<Record<string, keyof Wanted | "type">> = {
  type: "type",
  capabilities: "capability",
  tags: "tag",
  "provider.organization": "organisation",
  "metadata.affiant.tier": "tier",
  "metadata.affiant.policyHash": "policyHash",
  "metadata.affiant.trusted": "trusted",
};

/**
 * A search request of ARD as what the catalog is asked for.
 * @returns undefined where the filter excludes everything that is here
 * @throws AffiantError ERR_INPUT_MALFORMED for a filter that is not known, or of several values where one is meant
 */
export function wantedBy(
  text: string,
  filter: Readonly<Record<string, string | readonly string[]>>,
  limit: number,
): Wanted | undefined {
  const wanted: Record<string, unknown> = { text, limit };
  for (const [field, value] of Object.entries(filter)) {
    const name = Object.hasOwn(filters, field) ? filters[field] : undefined;
    if (!name) throw new AffiantError("ERR_INPUT_MALFORMED", `there is no filter ${field.slice(0, 60)}`);
    const values = [value].flat() as readonly string[];
    if (name === "type") {
      if (!values.includes(versions.a2aCardType)) return undefined;
      continue;
    }
    if (values.length !== 1) throw new AffiantError("ERR_INPUT_MALFORMED", `${field} takes one value`);
    if (name === "trusted" && values[0] !== "true")
      throw new AffiantError("ERR_INPUT_MALFORMED", `${field} takes "true"`);
    wanted[name] = name === "trusted" ? true : values[0];
  }
  return wanted as unknown as Wanted;
}
