import { AffiantError } from "../errors/affiantError.ts";
import { toCanonicalJson } from "../json/canonical.ts";
import { cedarLimits } from "./cedarLimits.ts";
import { compilePolicy } from "./compile.ts";
import type { PolicyBundle } from "./types.ts";

/** A bundle is fetched from whoever holds it, so each part has a ceiling. */
export const bundleLimits = { canonicalBytes: 1 << 20, facts: 256, factChars: 8192, undecidable: 256 } as const;

/**
 * Checks a JSON value as a policy bundle: its shape with no key unknown, the schema and the policies in Cedar's strict
 * validation, the facts as JSONata that always ends with the same result.
 * @throws AffiantError ERR_INPUT_POLICY, with Cedar's or JSONata's own words where they are the judge
 */
export function parsePolicyBundle(json: unknown): PolicyBundle {
  const bundle = checkBundleShape(json);
  compilePolicy(bundle);
  return bundle;
}

/**
 * The shape alone, without Cedar: for readers that only carry a bundle.
 * @throws AffiantError ERR_INPUT_POLICY
 */
export function checkBundleShape(json: unknown): PolicyBundle {
  const required = ["format", "name", "description", "schema", "policies", "facts", "undecidable"];
  const record = recordOf(json, "the bundle", required, ["thread", "letThroughInDoubt"]);
  if (record.format !== "affiant-policy/1") fail("`format` is not affiant-policy/1");
  const bundle: PolicyBundle = {
    format: "affiant-policy/1",
    name: textOf(record.name, "`name`", 64),
    description: textOf(record.description, "`description`", 4096),
    schema: textOf(record.schema, "`schema`"),
    policies: textOf(record.policies, "`policies`"),
    facts: factsOf(record.facts),
    // Absent stays absent: the hash is over what the author wrote.
    ...(record.thread === undefined ? {} : { thread: textOf(record.thread, "`thread`", bundleLimits.factChars) }),
    ...(record.letThroughInDoubt === undefined ? {} : { letThroughInDoubt: actsOf(record.letThroughInDoubt) }),
    undecidable: undecidableOf(record.undecidable),
  };
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(bundle.name)) fail("`name` is not of a-z 0-9 . -");
  if (canonicalBytesOf(bundle) > bundleLimits.canonicalBytes) {
    fail(`the bundle is larger than ${bundleLimits.canonicalBytes} bytes`);
  }
  return bundle;
}

function canonicalBytesOf(bundle: PolicyBundle): number {
  try {
    return new TextEncoder().encode(toCanonicalJson(bundle)).length;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_POLICY", "the bundle has no canonical JSON form", { cause });
  }
}

function factsOf(value: unknown): PolicyBundle["facts"] {
  const record = recordOf(value, "`facts`");
  const names = Object.keys(record);
  if (names.length > bundleLimits.facts) fail(`more than ${bundleLimits.facts} facts`);
  return Object.fromEntries(
    names.map((name) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) fail(`fact name ${JSON.stringify(name)} is no Cedar identifier`);
      return [name, textOf(record[name], `fact ${name}`, bundleLimits.factChars)];
    }),
  );
}

function actsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > cedarLimits.acts) {
    fail(`\`letThroughInDoubt\` is not a list of at most ${cedarLimits.acts} acts`);
  }
  return value.map((act: unknown, index) => textOf(act, `letThroughInDoubt[${index}]`, 128));
}

function undecidableOf(value: unknown): PolicyBundle["undecidable"] {
  if (!Array.isArray(value)) fail("`undecidable` is not a list");
  if (value.length > bundleLimits.undecidable) fail(`more than ${bundleLimits.undecidable} undecidable rules`);
  return value.map((item: unknown, index) => {
    const where = `undecidable[${index}]`;
    const record = recordOf(item, where, ["rule", "why"]);
    return { rule: textOf(record.rule, `${where}.rule`, 4096), why: textOf(record.why, `${where}.why`, 4096) };
  });
}

function recordOf(
  value: unknown,
  where: string,
  keys?: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${where} is not an object`);
  const record = value as Record<string, unknown>;
  if (keys !== undefined) {
    const unknown = Object.keys(record).find((key) => !keys.includes(key) && !optional.includes(key));
    if (unknown !== undefined) fail(`${where} has an unknown key ${JSON.stringify(unknown)}`);
    const missing = keys.find((key) => !Object.hasOwn(record, key));
    if (missing !== undefined) fail(`${where} lacks ${JSON.stringify(missing)}`);
  }
  return record;
}

function textOf(value: unknown, where: string, maxChars = Infinity): string {
  if (typeof value !== "string" || value.trim() === "") fail(`${where} is not a text`);
  if (value.length > maxChars) fail(`${where} is longer than ${maxChars} characters`);
  return value;
}

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_POLICY", message);
}
