import { versions } from "./versions.ts";

/** What a card says that agents are found by. All of it is its owner's own word. */
export interface CardFacts {
  readonly name: string;
  readonly description: string;
  readonly organisation: string;
  readonly skills: readonly string[];
  readonly tags: readonly string[];
  readonly examples: readonly string[];
  readonly regions: readonly string[];
  readonly price: { readonly amount: number; readonly currency: string; readonly per: string } | null;
  /** Where the agent listens (A2A), the first one that is http(s). */
  readonly endpoint: string | null;
}

const maxText = 2_000;
const maxItems = 200;

/** Reads a card of whatever form its owner gave it: what is not of the expected form is left out, and nothing is long. */
export function factsOf(card: unknown): CardFacts {
  const root = objectOf(card);
  const skills = listOf(root["skills"]).map(objectOf);
  const offer = listOf(objectOf(root["capabilities"])["extensions"])
    .map(objectOf)
    .find(({ uri }) => uri === versions.offerExtension);
  const params = objectOf(offer?.["params"]);
  return {
    name: textOf(root["name"]),
    description: textOf(root["description"]),
    organisation: textOf(objectOf(root["provider"])["organization"]),
    skills: skills.flatMap(({ name, description }) => [textOf(name), textOf(description)]).filter((one) => one !== ""),
    tags: texts(skills.flatMap(({ tags }) => listOf(tags))),
    examples: texts(skills.flatMap(({ examples }) => listOf(examples))),
    regions: texts(listOf(params["regions"])),
    price: priceOf(objectOf(params["price"])),
    endpoint: endpointOf(root),
  };
}

function priceOf({ amount, currency, per }: Readonly<Record<string, unknown>>): CardFacts["price"] {
  const isPrice = typeof amount === "number" && amount >= 0 && /^[A-Z]{3}$/.test(textOf(currency));
  return isPrice ? { amount, currency: textOf(currency), per: textOf(per) || "call" } : null;
}

function endpointOf(root: Readonly<Record<string, unknown>>): string | null {
  const interfaces = listOf(root["supportedInterfaces"]).map((one) => objectOf(one)["url"]);
  const url = [...interfaces, root["url"]].find((one) => typeof one === "string" && /^https?:\/\//.test(one));
  return typeof url === "string" && url.length <= maxText ? url : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]).slice(0, maxItems) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, maxText) : "";
}

function texts(values: readonly unknown[]): string[] {
  return [...new Set(values.map(textOf).filter((one) => one !== ""))].slice(0, maxItems);
}
