import type { Expr, PolicyJson } from "./cedar.ts";

/**
 * A policy of which some facts are unknown, made into one that reads none of them:
 *
 * - `least` is satisfied only where the policy is, whatever the unknown facts are;
 * - `most` is satisfied wherever the policy may be.
 *
 * So a limit that an act breaks by one fact is broken also where the rule looks at a second one that nobody can read, and
 * an argument more never hides it. Each comparison that looks at an unknown fact is taken as false or true, whichever
 * leads to that end (Kleene's three-valued logic, by polarity); `has` of such a fact is one of them, unless the fact is
 * known to be there.
 */
export function boundOf(policy: PolicyJson, { names, present }: Unknown, end: "least" | "most"): PolicyJson {
  const upward = end === "most";
  const unknown = (expr: Expr): boolean => {
    const { whole, has, values } = attributesOf(expr);
    return whole || [...(present ? values : [...has, ...values])].some((name) => names.has(name));
  };
  const conditions = policy.conditions.map(({ kind, body }) => ({
    kind,
    body: bounded(body, unknown, kind === "when" ? upward : !upward),
  }));
  return { ...policy, conditions, annotations: {} };
}

/** Facts of which a policy is not to be judged by their values. */
export interface Unknown {
  readonly names: ReadonlySet<string>;
  /** Whether they are known to be there, and only their values are not to be relied on. */
  readonly present: boolean;
}

/** @param upward whether unknown parts count in favour of the expression */
function bounded(expr: Expr, unknown: (expr: Expr) => boolean, upward: boolean): Expr {
  if (!unknown(expr)) return expr;
  const go = (inner: Expr): Expr => bounded(inner, unknown, upward);
  const node = expr as Record<string, unknown>;
  if ("&&" in node) return { "&&": bothOf(node["&&"], go) };
  if ("||" in node) return { "||": bothOf(node["||"], go) };
  if ("!" in node) return { "!": { arg: bounded((node["!"] as { arg: Expr }).arg, unknown, !upward) } };
  if ("if-then-else" in node) {
    const branch = node["if-then-else"] as { if: Expr; then: Expr; else: Expr };
    const [then, otherwise] = [go(branch.then), go(branch.else)];
    if (!unknown(branch.if)) return { "if-then-else": { if: branch.if, then, else: otherwise } };
    const both = { left: then, right: otherwise };
    return upward ? { "||": both } : { "&&": both };
  }
  return { Value: upward };
}

function bothOf(node: unknown, go: (inner: Expr) => Expr): { left: Expr; right: Expr } {
  const { left, right } = node as { left: Expr; right: Expr };
  return { left: go(left), right: go(right) };
}

/**
 * The facts that Cedar's JSON form looks at as `context has a` and as `context.a`; `whole` if it uses the context itself.
 */
export function attributesOf(root: unknown): {
  readonly has: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
  readonly whole: boolean;
} {
  const [has, values] = [new Set<string>(), new Set<string>()];
  let whole = false;
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) return value.forEach(visit);
    for (const [key, child] of Object.entries(value)) {
      const attribute = key === "." || key === "has" ? attributeOfContext(child) : undefined;
      if (attribute !== undefined) (key === "has" && !isDeep(child) ? has : values).add(attribute);
      else if (key === "Var" && child === "context") whole = true;
      else visit(child);
    }
  };
  visit(root);
  return { has, values, whole };
}

function attributeOfContext(access: unknown): string | undefined {
  const { left, attr } = access as { left?: { Var?: unknown }; attr?: unknown };
  if (left?.Var !== "context") return undefined;
  // `context has a.b.c` comes as a list; its first part is the fact.
  const first: unknown = Array.isArray(attr) ? attr[0] : attr;
  return typeof first === "string" ? first : undefined;
}

/** `context has a.b` asks more of the fact than whether it is there. */
function isDeep(access: unknown): boolean {
  const { attr } = access as { attr?: unknown };
  return Array.isArray(attr) && attr.length > 1;
}
