import { stringify } from "yaml";

import type { DescribedTool } from "./toolSchemas.ts";

/** The files of a policy folder, by name. */
export interface StartingPolicy {
  readonly files: Readonly<Record<string, string>>;
  /** Arguments that no fact can hold as they are, and why. */
  readonly leftOut: readonly string[];
}

interface Attribute {
  readonly name: string;
  readonly type: string;
  /** JSONata over the act. */
  readonly fact: string;
  readonly sample: unknown;
  readonly path: readonly string[];
}

const maxDepth = 3;
/** Words of Cedar's own. */
const reserved: ReadonlySet<string> = new Set([
  "if",
  "then",
  "else",
  "in",
  "is",
  "like",
  "has",
  "true",
  "false",
  "principal",
  "action",
  "resource",
  "context",
  "__cedar",
]);

/**
 * A policy to start from: each tool is an act, each argument a fact of Cedar's type, everything is permitted, and what a tool says
 * of itself that it destroys is forbidden until somebody decides otherwise. One example for each act.
 * @param actName a tool's name as entries have it
 */
export function startingPolicy(
  name: string,
  tools: readonly DescribedTool[],
  actName: (tool: string) => string,
): StartingPolicy {
  const facts = new Map<string, string>();
  const leftOut: string[] = [];
  const acts = tools.map((tool) => ({ tool, act: actName(tool.name), attributes: attributesOf(tool, facts, leftOut) }));
  const schema = [
    "// What the agent may do, and what is known of each act. Every attribute is optional: what the record does not show is absent.",
    "entity Agent;",
    "entity System;",
    ...acts.map(({ tool, act, attributes }) => {
      const members = attributes.map((one) => `  ${one.name}?: ${one.type},\n`).join("");
      return `\n${comment(tool.description)}action ${quoted(act)} appliesTo { principal: Agent, resource: System, context: {${members === "" ? "" : `\n${members}`}} };`;
    }),
  ].join("\n");
  const destructive = acts.filter(({ tool }) => tool.isDestructive === true && tool.isReadOnly !== true);
  const policies = [
    "// `@rule` says each rule in words. `affiant policy check` and `affiant policy test` say whether it is what you mean.",
    '@id("all")\npermit (principal, action, resource);',
    ...destructive.map(({ tool, act }, at) =>
      [
        `@id("destroys-${at + 1}")`,
        `@rule(${quoted(`${tool.name} destroys something, and nobody has allowed it.`)})`,
        `forbid (principal, action == Action::${quoted(act)}, resource);`,
      ].join("\n"),
    ),
    '// A limit looks so:\n// @id("at-most") @rule("At most 100.") @needs("amount")\n// forbid (principal, action == Action::"pay", resource) when { context has amount && context.amount > 100 };',
  ].join("\n\n");
  const bundle = stringify({
    name,
    description: "What the agent may do with its tools.",
    facts: Object.fromEntries(facts),
    undecidable: [],
  });
  const examples = stringify(
    acts.map(({ tool, act, attributes }) => ({
      name: `${tool.name} as it is meant`,
      act,
      input: sampleOf(attributes),
      expect: destructive.some((one) => one.tool === tool) ? "violates" : "conforms",
    })),
  );
  const files = {
    "bundle.yaml": bundle,
    "schema.cedarschema": `${schema}\n`,
    "policy.cedar": `${policies}\n`,
    "examples.yaml": examples,
  };
  return { files, leftOut };
}

function attributesOf(
  { name: tool, inputSchema }: DescribedTool,
  facts: Map<string, string>,
  leftOut: string[],
): readonly Attribute[] {
  const found: Attribute[] = [];
  const walk = (schema: unknown, path: readonly string[]): void => {
    const properties = (schema as { properties?: unknown } | null | undefined)?.properties;
    if (typeof properties !== "object" || properties === null) return;
    for (const [key, inner] of Object.entries(properties)) {
      const here = [...path, key];
      const kind = kindOf(inner);
      if (kind === "object" && here.length < maxDepth) walk(inner, here);
      else if (kind === undefined || kind === "object") leftOut.push(`${tool}: ${here.join(".")}`);
      else {
        const fact = `input.${here.map((step) => (/^[A-Za-z_]\w*$/.test(step) ? step : `\`${step.replaceAll("`", "")}\``)).join(".")}`;
        // A set of one comes out of a path as the one.
        const text = kind.type.startsWith("Set") ? `$exists(${fact}) ? [${fact}]` : fact;
        const name = nameFor(here, text, facts, new Set(found.map((one) => one.name)));
        found.push({ name, type: kind.type, fact: text, sample: kind.sample, path: here });
      }
    }
  };
  walk(inputSchema, []);
  return found;
}

/** One name for one fact in all acts. */
function nameFor(
  path: readonly string[],
  fact: string,
  facts: Map<string, string>,
  taken: ReadonlySet<string>,
): string {
  const words = path
    .join("_")
    .replaceAll(/[^A-Za-z0-9_]+/g, "_")
    .replace(/^(?=\d)/, "_")
    .slice(0, 56);
  const first = words === "" || reserved.has(words) ? `${words}_` : words;
  for (let at = 1; ; at++) {
    const name = at === 1 ? first : `${first}_${at}`;
    if (taken.has(name) || (facts.has(name) && facts.get(name) !== fact)) continue;
    facts.set(name, fact);
    return name;
  }
}

type Kind = { readonly type: string; readonly sample: unknown };

function kindOf(schema: unknown): Kind | "object" | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { type, enum: values, items, anyOf, oneOf } = schema as Record<string, unknown>;
  const alternatives = anyOf ?? oneOf;
  if (Array.isArray(alternatives)) {
    const others = alternatives.filter((one: unknown) => (one as { type?: unknown } | null)?.type !== "null");
    return others.length === 1 ? kindOf(others[0]) : undefined;
  }
  const types = (Array.isArray(type) ? (type as unknown[]) : [type]).filter((one) => one !== "null");
  const [only] = types;
  if (types.length !== 1) return undefined;
  if (only === "string") return { type: "String", sample: Array.isArray(values) ? (values[0] as unknown) : "text" };
  if (only === "integer") return { type: "Long", sample: 1 };
  if (only === "boolean") return { type: "Bool", sample: true };
  if (only === "object") return "object";
  const inner = only === "array" ? kindOf(items) : undefined;
  if (inner === undefined || inner === "object" || inner.type.startsWith("Set")) return undefined;
  return { type: `Set<${inner.type}>`, sample: [inner.sample] };
}

function sampleOf(attributes: readonly Attribute[]): object {
  const input: Record<string, unknown> = {};
  for (const { path, sample } of attributes) {
    let at = input;
    for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string, unknown>;
    at[path.at(-1) as string] = sample;
  }
  return input;
}

/** As a text of Cedar: what somebody else describes must not end it. */
function quoted(text: string): string {
  return JSON.stringify(
    text
      .toWellFormed()
      .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ")
      .slice(0, 200),
  );
}

function comment(text = ""): string {
  const line =
    text
      .toWellFormed()
      .split(/[\r\n\u2028\u2029]/)[0]
      ?.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ")
      .trim()
      .slice(0, 140) ?? "";
  return line === "" ? "" : `// ${line}\n`;
}
