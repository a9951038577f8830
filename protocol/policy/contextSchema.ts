import { AffiantError } from "../errors/affiantError.ts";
import { type DetailedError, type SchemaJson, schemaToJsonWithResolvedTypes, type Type } from "./cedar.ts";
import { cedarLimits } from "./cedarLimits.ts";
import { placeInText } from "./placeInText.ts";

/** A Cedar type with every common-type name already replaced by what it stands for. */
export type ValueType =
  | { readonly kind: "Long" | "String" | "Boolean" }
  | { readonly kind: "Extension"; readonly name: string }
  | { readonly kind: "Set"; readonly element: ValueType }
  | { readonly kind: "Record"; readonly attributes: ReadonlyMap<string, AttributeType> };

export interface AttributeType {
  readonly type: ValueType;
  readonly required: boolean;
}

/** The context attributes of each act that the schema declares. */
export type ContextSchema = ReadonlyMap<string, ReadonlyMap<string, AttributeType>>;

/**
 * Reads which acts a schema declares and with which context. Only `Agent` acting on `System` is accepted, both without
 * attributes: the log says who acted, not what an agent is like.
 * @throws AffiantError ERR_INPUT_POLICY
 */
export function readContextSchema(schemaText: string): ContextSchema {
  const answer = schemaToJsonWithResolvedTypes(schemaText);
  if (answer.type === "failure") fail(`the schema does not parse: ${cedarWords(answer.errors, schemaText)}`);
  const schema: SchemaJson<string> = answer.json;
  const [namespace, ...others] = Object.keys(schema);
  if (namespace !== "" || others.length > 0) fail("the schema must stay in the empty namespace");
  const definition = schema[namespace];
  if (definition === undefined) fail("the schema is empty");
  for (const name of ["Agent", "System"]) checkBareEntity(definition.entityTypes[name], name);

  const commonTypes = definition.commonTypes ?? {};
  const acts = new Map<string, ReadonlyMap<string, AttributeType>>();
  for (const [act, action] of Object.entries(definition.actions)) {
    // An action without appliesTo is a group of actions, not an act.
    if (action.appliesTo === undefined) continue;
    const { principalTypes, resourceTypes, context } = action.appliesTo;
    if (principalTypes.length === 0 || resourceTypes.length === 0) continue;
    if (principalTypes.join() !== "Agent" || resourceTypes.join() !== "System") {
      fail(`action "${act}" must apply to principal Agent and resource System alone`);
    }
    acts.set(act, context === undefined ? new Map() : contextOf(act, context, commonTypes));
  }
  if (acts.size === 0) fail("the schema declares no act");
  if (acts.size > cedarLimits.acts) fail(`the schema declares more than ${cedarLimits.acts} acts`);
  return acts;
}

/** More than anybody reads; each costs a look through the text. */
const maxErrors = 20;

/**
 * Cedar's messages in one line, with its hints and places.
 * @param text what the errors are of
 */
export function cedarWords(errors: readonly DetailedError[], text?: string): string {
  return errors
    .slice(0, maxErrors)
    .map(({ message, help, sourceLocations }) => {
      const [at] = sourceLocations ?? [];
      const place = at === undefined || text === undefined ? undefined : placeInText(text, at.start);
      const where = place === undefined ? "" : `line ${place.line}, column ${place.column}: `;
      const label = typeof at?.label !== "string" || message.includes(at.label) ? "" : `: ${at.label}`;
      return `${where}${message}${label}${help === null ? "" : ` (${help})`}`;
    })
    .join("; ");
}

type CommonTypes = Readonly<Record<string, Type<string>>>;

function checkBareEntity(entity: unknown, name: string): void {
  if (typeof entity !== "object" || entity === null) fail(`the schema declares no entity ${name}`);
  const shape = "shape" in entity ? entity.shape : undefined;
  const attributes = (shape as { attributes?: object } | undefined)?.attributes ?? {};
  if (Object.keys(attributes).length > 0 || "tags" in entity || "enum" in entity) {
    fail(`entity ${name} must have no attributes, tags or enumeration`);
  }
}

function contextOf(act: string, type: Type<string>, commonTypes: CommonTypes): ReadonlyMap<string, AttributeType> {
  const context = resolve(type, commonTypes);
  if (context.kind !== "Record") fail(`the context of action "${act}" is not a record`);
  for (const [name, attribute] of context.attributes) {
    // A fact may be unknown; a required attribute would make Cedar refuse to judge the whole act for it.
    if (attribute.required) fail(`context attribute ${name} of action "${act}" must be optional (\`${name}?\`)`);
  }
  return context.attributes;
}

function resolve(type: Type<string>, commonTypes: CommonTypes): ValueType {
  const { type: tag } = type as { readonly type: string };
  // A common type of the schema's own may take a built-in name, which `__cedar::` then still means.
  const common = Object.hasOwn(commonTypes, tag) ? commonTypes[tag] : undefined;
  if (common !== undefined) return resolve(common, commonTypes);
  if (tag === "Set") {
    return { kind: "Set", element: resolve((type as { element: Type<string> }).element, commonTypes) };
  }
  if (tag === "Record") {
    const record = type as { attributes: Record<string, Type<string> & { required?: boolean }> };
    const reserved = Object.keys(record.attributes).find((name) => reservedNames.has(name));
    // Cedar's JSON would take a value under such a name for something else than an attribute.
    if (reserved !== undefined) fail(`no attribute may be named ${reserved}`);
    const attributes = Object.entries(record.attributes).map(
      ([name, item]) => [name, { type: resolve(item, commonTypes), required: item.required ?? true }] as const,
    );
    return { kind: "Record", attributes: new Map(attributes) };
  }
  const builtIn = builtInTypes.get(tag.replace(/^__cedar::/, ""));
  if (builtIn === undefined) fail(`facts cannot be of type ${tag}`);
  return builtIn;
}

const reservedNames: ReadonlySet<string> = new Set(["__proto__", "__entity", "__extn", "__expr"]);

/** An extension type's name here is that of the function that makes a value of it from text. */
const builtInTypes: ReadonlyMap<string, ValueType> = new Map<string, ValueType>([
  ["Long", { kind: "Long" }],
  ["String", { kind: "String" }],
  ["Bool", { kind: "Boolean" }],
  ["Boolean", { kind: "Boolean" }],
  ["decimal", { kind: "Extension", name: "decimal" }],
  ["datetime", { kind: "Extension", name: "datetime" }],
  ["duration", { kind: "Extension", name: "duration" }],
  ["ipaddr", { kind: "Extension", name: "ip" }],
]);

function fail(message: string): never {
  throw new AffiantError("ERR_INPUT_POLICY", message);
}
