import type { CompiledPolicy } from "./compile.ts";

/** A place in a fact where something that is absent becomes false. */
export interface AbsenceRemark {
  readonly fact: string;
  /** JSONata's operator; `?` for the condition of a choice. */
  readonly operator: string;
  /** What may be absent, as it is written there. */
  readonly operand: string;
}

/**
 * Where the facts of a policy turn absence into false. JSONata answers `input.currency != "USD"` with false when there is
 * no currency, so the fact is there, `@needs` is content, and a rule against other currencies looks kept. Who writes
 * `$exists(input.currency) ? input.currency != "USD"` leaves the fact absent instead.
 *
 * Not remarked on: what is asked of each item of a list in a filter or a function (an item without the field is not meant),
 * and operands that the same fact asks for with `$exists` or `$type`.
 */
export function absenceRemarks(policy: CompiledPolicy): readonly AbsenceRemark[] {
  return [...policy.facts].flatMap(([fact, { ast }]) => remarksOn(fact, ast));
}

/** Facts that look at the acts before. */
export function factsLookingBack(policy: CompiledPolicy): readonly string[] {
  return [...policy.facts].flatMap(([fact, { ast }]) => (looksAt(ast, "before") ? [fact] : []));
}

/** Whether the policy names its threads by what the entries themselves claim. */
export function takesClaimedThread({ thread }: CompiledPolicy): boolean {
  return thread !== undefined && looksAt(thread.ast, "thread");
}

/** Whether an expression looks at a field of the act that is judged. */
function looksAt(ast: unknown, field: string): boolean {
  let found = false;
  walk(ast, (node) => {
    if (node["type"] !== "path") return;
    const [first, second] = pathText(node).split(".");
    found ||= first === field || (first === "$$" && second === field);
  });
  return found;
}

type Node = Readonly<Record<string, unknown>>;

const deaf = new Set(["=", "!=", "and", "or", "in"]);
/** What every act has. */
const alwaysThere = new Set(["act", "seq"]);
/** Built-ins that answer for what is absent too. */
const answering = new Set(["exists", "count", "not"]);

function remarksOn(fact: string, root: unknown): AbsenceRemark[] {
  const guarded = guardsIn(root);
  const items = parametersIn(root);
  const remarks = new Map<string, AbsenceRemark>();
  const visit = (value: unknown, inItem: boolean): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) return value.forEach((item) => visit(item, inItem));
    const node = value as Node;
    for (const [operator, operand] of operandsOf(node)) {
      for (const path of absentable(operand, inItem, items)) {
        if (![...guarded].some((guard) => guard === path || guard.startsWith(`${path}.`))) {
          remarks.set(`${operator} ${path}`, { fact, operator, operand: path });
        }
      }
    }
    for (const [key, child] of Object.entries(node)) {
      visit(child, inItem || key === "stages" || key === "predicate" || node["type"] === "lambda");
    }
  };
  visit(root, false);
  return [...remarks.values()];
}

function operandsOf(node: Node): readonly (readonly [operator: string, operand: unknown])[] {
  if (node["type"] === "binary" && deaf.has(String(node["value"]))) {
    const operator = String(node["value"]);
    return [
      [operator, node["lhs"]],
      [operator, node["rhs"]],
    ];
  }
  const { type } = (node["condition"] ?? {}) as Node;
  // A variable that is asked by itself was made to be asked.
  return node["type"] === "condition" && type !== "variable" ? [["?", node["condition"]]] : [];
}

/**
 * The paths by which an expression may come to nothing.
 * @param inItem whether paths are of an item of a list, not of the act
 * @param items variables that are such items
 */
function absentable(value: unknown, inItem: boolean, items: ReadonlySet<string>): readonly string[] {
  const node = (value ?? {}) as Node;
  const go = (inner: unknown): readonly string[] => absentable(inner, inItem, items);
  switch (node["type"]) {
    case "path":
    case "variable": {
      const text = pathText(node);
      const [, variable] = /^\$([^.]*)/.exec(text) ?? [];
      const ofItem = variable === undefined ? inItem : variable === "" || items.has(variable);
      return ofItem || alwaysThere.has(text.replace(/^\$\$\./, "")) ? [] : [text];
    }
    case "function": {
      const { value: name } = (node["procedure"] ?? {}) as Node;
      // A variable by itself may be a function.
      const values = listOf(node["arguments"]).filter((argument) => (argument as Node)["type"] !== "variable");
      return answering.has(String(name)) ? [] : values.flatMap(go);
    }
    case "binary":
      return deaf.has(String(node["value"])) || node["value"] === "&" ? [] : [...go(node["lhs"]), ...go(node["rhs"])];
    case "block":
      return go(listOf(node["expressions"]).at(-1));
    default:
      return [];
  }
}

function parametersIn(root: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  walk(root, (node) => {
    if (node["type"] !== "lambda") return;
    for (const { value } of listOf(node["arguments"]) as Node[]) names.add(String(value));
  });
  return names;
}

/** What the fact asks for by name, `$exists(input.currency)` say. */
function guardsIn(root: unknown): ReadonlySet<string> {
  const guards = new Set<string>();
  walk(root, (node) => {
    const { value: name } = (node["procedure"] ?? {}) as Node;
    if (node["type"] !== "function" || (name !== "exists" && name !== "type")) return;
    for (const argument of listOf(node["arguments"]) as Node[]) {
      if (argument["type"] === "path" || argument["type"] === "variable") guards.add(pathText(argument));
    }
  });
  return guards;
}

function walk(value: unknown, look: (node: Node) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) look(value as Node);
  for (const child of Object.values(value) as unknown[]) walk(child, look);
}

/** Without its filters: `input.currency`, `$$.input.order`, `$known.flights`. */
function pathText(node: Node): string {
  const steps = node["type"] === "variable" ? [node] : (listOf(node["steps"]) as Node[]);
  return steps.map(({ type, value }) => (type === "variable" ? `$${String(value)}` : String(value))).join(".");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
