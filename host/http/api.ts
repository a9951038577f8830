import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

export interface ApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: unknown;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

export interface ApiAnswer {
  readonly description: string;
  readonly content?: Content;
}

export interface ApiOperation {
  readonly summary: string;
  readonly parameters: readonly ApiParameter[];
  /** A body under `application/json` is held to its schema; one of any type is its handler's to read. */
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, ApiAnswer>>;
}

/** What of an OpenAPI 3.1 document requests and answers are held to. */
export interface ApiDocument {
  readonly components: unknown;
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<string, ApiOperation>>>>>;
}

/** A route of the document, with its schemas compiled. */
export interface CompiledOperation {
  /** Template, such as `/v1/entries/{entryId}`. */
  readonly path: string;
  readonly operation: ApiOperation;
  readonly body: ValidateFunction | undefined;
  readonly parameters: readonly { readonly parameter: ApiParameter; readonly validate: ValidateFunction }[];
}

export interface FoundOperation {
  readonly compiled: CompiledOperation;
  readonly pathValues: Readonly<Record<string, string>>;
}

/** An OpenAPI document as a judge of requests and answers: what is described is what is served. */
export interface Api {
  /**
   * @param path as it was sent, without the query
   * @returns undefined where nothing is documented
   */
  find(method: string, path: string): FoundOperation | undefined;
  /** What is wrong with an answer, measured by the document; undefined if nothing is. For tests and torture. */
  answerViolation(
    found: FoundOperation,
    answer: { readonly status: number; readonly contentType: string | null; readonly body: unknown },
  ): string | undefined;
}

export function compileApi(document: ApiDocument): Api {
  const ajv = new Ajv2020({ strict: true, allErrors: false, coerceTypes: false, keywords: ["components"] });
  ajv.addSchema({ $id: "api", components: document.components });
  const answerSchemas = new Map<unknown, ValidateFunction>();

  /** References of the document point at the document. */
  const compile = (schema: unknown): ValidateFunction =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as object);

  const compileOperation = (path: string, operation: ApiOperation): CompiledOperation => {
    const schema = operation.requestBody?.content["application/json"]?.schema;
    return {
      path,
      operation,
      body: schema === undefined ? undefined : compile(schema),
      parameters: operation.parameters.map((parameter) => ({ parameter, validate: compile(parameter.schema) })),
    };
  };

  const routes = Object.entries(document.paths).map(([path, methods]) => {
    const compiled = Object.entries(methods).flatMap(([method, operation]) =>
      operation === undefined ? [] : [[method, compileOperation(path, operation)] as const],
    );
    return { pattern: patternOf(path), methods: new Map<string, CompiledOperation>(compiled) };
  });

  return {
    find(method, path) {
      const name = method === "HEAD" ? "get" : method.toLowerCase();
      for (const { pattern, methods } of routes) {
        const match = pattern.exec(path);
        const compiled = match ? methods.get(name) : undefined;
        if (match && compiled) return { compiled, pathValues: match.groups ?? {} };
      }
      return undefined;
    },
    answerViolation({ compiled }, answer) {
      const documented = compiled.operation.responses[String(answer.status)];
      if (!documented) return `status ${answer.status} is not documented`;
      const type = (answer.contentType ?? "").split(";")[0]?.trim() ?? "";
      const content = documented.content?.[type];
      if (!content) return `content type "${type}" is not documented for status ${answer.status}`;
      if (content.schema === undefined) return undefined;
      const validate = answerSchemas.get(content.schema) ?? compile(content.schema);
      answerSchemas.set(content.schema, validate);
      return validate(answer.body) ? undefined : `status ${answer.status}: ${complaint(validate.errors)}`;
    },
  };
}

/** `{path}` of a tile holds slashes; other parameters are one segment. */
function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.:]/g, "\\$&");
  const named = escaped.replace(
    /\{(\w+)\}/g,
    (_whole, name: string) => `(?<${name}>${name === "path" ? ".+" : "[^/]+"})`,
  );
  return new RegExp(`^${named}/?$`, "i");
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
