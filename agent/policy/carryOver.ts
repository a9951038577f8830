import type { PolicyBundle } from "../../protocol/policy/types.ts";

type Texts = Pick<PolicyBundle, "schema" | "policies">;

/** What Cedar allows elsewhere and a bundle does not, each with what to write instead. */
const hints: readonly ((texts: Texts) => string | undefined)[] = [
  ({ schema }) =>
    /^\s*\{/.test(schema)
      ? "The schema is read in Cedar's own syntax; `cedar translate-schema` turns the JSON form into it."
      : undefined,
  ({ schema }) => {
    const name = /^\s*namespace\s+([\w:]+)/m.exec(schema)?.[1];
    return name === undefined
      ? undefined
      : `Leave the namespace out: \`${name}::Action::"…"\` becomes \`Action::"…"\`, and so with all names.`;
  },
  ({ schema, policies }) => {
    const isForeign = [...schema.matchAll(/^\s*entity\s+([^;={]+)([^;]*);/gm)].some(
      ([, names = "", rest = ""]) =>
        names.split(/,|\bin\b/).some((name) => !["Agent", "System"].includes(name.trim())) || /[={]/.test(rest),
    );
    const reads = [...new Set(policies.match(/\b(?:principal|resource)\.[A-Za-z_]\w*/g))].slice(0, 4);
    if (!isForeign && reads.length === 0) return undefined;
    const [first = "resource.path"] = reads;
    const fact = first.split(".")[1] as string;
    return (
      "An `Agent` acts on a `System` here (`entity Agent; entity System;`, each action `appliesTo { principal: Agent, resource: " +
      "System, context: {…} }`), and neither has attributes: the log says who acted, not what somebody is like. What rules ask of " +
      `principal or resource (${reads.length > 0 ? reads.join(", ") : first}) becomes a fact: \`${fact}?: …\` in the action's ` +
      `context, \`${fact}: input.${fact}\` under \`facts\` of bundle.yaml, \`context has ${fact} && context.${fact} …\` in the rule.`
    );
  },
  ({ policies }) =>
    /\?(?:principal|resource)\b/.test(policies)
      ? "Write each template out: the only principal is the agent whose policy it is, so `principal == ?principal` becomes " +
        "`principal`, and `resource == ?resource` becomes `resource` with a condition on a fact; one policy for each link."
      : undefined,
  ({ schema }) =>
    /context\s*:\s*\{[^}]*\b[A-Za-z_]\w*\s*:/.test(schema)
      ? "A fact may be unknown: attributes of a context are optional (`mode?: String`), and a rule asks first (`context has mode && …`)."
      : undefined,
  ({ policies }) => {
    const lacksId = policies.split(";").some((text) => /\b(?:permit|forbid)\s*\(/.test(text) && !/@id\s*\(/.test(text));
    return lacksId ? 'Each policy has an `@id("…")`, and each `forbid` its sentence: `@rule("…")`.' : undefined;
  },
  ({ policies }) =>
    /\bpermit\s*\(/.test(policies)
      ? undefined
      : 'Somebody has to be let do something: `@id("all") permit (principal, action, resource);`, narrowed by `forbid`.',
];

/** The text with what stands in strings and comments left out. */
function bare(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*/g, (found) => (found.startsWith('"') ? '""' : ""));
}

/** How a policy set as others have it is carried over; undefined where nothing in it is known to need that. */
export function carryOverHint(texts: Texts): string | undefined {
  const { schema, policies } = texts;
  const found = hints
    .map((hint) => hint({ schema: bare(schema), policies: bare(policies) }))
    .filter((hint) => hint !== undefined);
  return found.length === 0 ? undefined : `To carry it over: ${found.join(" ")} (docs/policies.md)`;
}
