import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

import { type Answer, type Method, openApiDocument, type Operation, type Parameter } from "./openapi.ts";

/** A route of the document, with its schemas compiled. */
export interface CompiledOperation {
  /** Template, such as `/v1/entries/{entryId}`. */
  readonly path: string;
  readonly operation: Operation;
  readonly body: ValidateFunction | undefined;
  readonly parameters: readonly { readonly parameter: Parameter; readonly validate: ValidateFunction }[];
}

export interface FoundOperation {
  readonly compiled: CompiledOperation;
  readonly pathValues: Readonly<Record<string, string>>;
}

interface Route {
  readonly pattern: RegExp;
  readonly methods: Partial<Record<string, CompiledOperation>>;
}

const ajv = new Ajv2020({ strict: true, allErrors: false, coerceTypes: false, keywords: ["components"] });
ajv.addSchema({ $id: "api", components: openApiDocument.components });

/** References of the document point at the document. */
function compile(schema: unknown): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as object);
}

const routes: readonly Route[] = Object.entries(openApiDocument.paths).map(([path, methods]) => {
  const compiled = Object.entries(methods).map(([method, operation]) => [method, compileOperation(path, operation)]);
  return { pattern: patternOf(path), methods: Object.fromEntries(compiled) as Route["methods"] };
});

/** `{path}` of a tile holds slashes; other parameters are one segment. */
function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.:]/g, "\\$&");
  const named = escaped.replace(
    /\{(\w+)\}/g,
    (_whole, name: string) => `(?<${name}>${name === "path" ? ".+" : "[^/]+"})`,
  );
  return new RegExp(`^${named}/?$`, "i");
}

function compileOperation(path: string, operation: Operation): CompiledOperation {
  const schema = operation.requestBody?.content["application/json"]?.schema;
  return {
    path,
    operation,
    body: schema === undefined ? undefined : compile(schema),
    parameters: operation.parameters.map((parameter) => ({ parameter, validate: compile(parameter.schema) })),
  };
}

/**
 * @param path as it was sent, without the query
 * @returns undefined where nothing is documented
 */
export function findOperation(method: string, path: string): FoundOperation | undefined {
  const name = (method === "HEAD" ? "get" : method.toLowerCase()) as Method;
  for (const { pattern, methods } of routes) {
    const match = pattern.exec(path);
    const compiled = match && methods[name];
    if (compiled) return { compiled, pathValues: match.groups ?? {} };
  }
  return undefined;
}

/** What a path, query or header says, as the schema's type: whole numbers in their one spelling. */
export function readParameter(text: unknown): unknown {
  return typeof text === "string" && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text;
}

/** The first complaint in words: where, and what is expected. */
export function complaint(errors: readonly ErrorObject[] | null | undefined): string {
  const [first] = errors ?? [];
  if (!first) return "is not of the described form";
  const extra: unknown = first.params["additionalProperty"];
  const named = typeof extra === "string" ? ` (${extra.slice(0, 64)})` : "";
  return `${first.instancePath} ${first.message ?? ""}${named}`.trim();
}

const answerSchemas = new Map<unknown, ValidateFunction>();

/** What is wrong with an answer, measured by the document; undefined if nothing is. For tests and torture. */
export function answerViolation(
  { compiled }: FoundOperation,
  answer: { readonly status: number; readonly contentType: string | null; readonly body: unknown },
): string | undefined {
  const documented: Answer | undefined = compiled.operation.responses[String(answer.status)];
  if (!documented) return `status ${answer.status} is not documented`;
  const type = (answer.contentType ?? "").split(";")[0]?.trim() ?? "";
  const content = documented.content?.[type];
  if (!content) return `content type "${type}" is not documented for status ${answer.status}`;
  if (content.schema === undefined) return undefined;
  const validate = answerSchemas.get(content.schema) ?? compile(content.schema);
  answerSchemas.set(content.schema, validate);
  return validate(answer.body) ? undefined : `status ${answer.status}: ${complaint(validate.errors)}`;
}
