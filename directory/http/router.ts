import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Asked, Operation, Parameters } from "./operation.ts";

interface Route {
  readonly operation: Operation;
  readonly pattern: RegExp;
  readonly parameters: readonly { readonly name: string; readonly isPath: boolean; readonly check: ValidateFunction }[];
  readonly body: ValidateFunction | undefined;
}

/** Finds the operation that a request names, and holds the request to its description. */
export class Router {
  readonly #routes: readonly Route[];

  constructor(operations: readonly Operation[]) {
    const ajv = new Ajv2020({ strict: false, allErrors: false, coerceTypes: false, validateFormats: false });
    this.#routes = operations.map((operation) => ({
      operation,
      pattern: patternOf(operation.path),
      parameters: Object.entries(operation.parameters ?? {}).map(([name, parameter]) => ({
        name,
        isPath: parameter.in === "path",
        check: ajv.compile(parameter.schema),
      })),
      body: operation.body && ajv.compile(operation.body),
    }));
  }

  /** @throws AffiantError ERR_NOT_FOUND_ROUTE */
  find(method: string, path: string): { readonly route: Route; readonly inPath: Readonly<Record<string, string>> } {
    for (const route of this.#routes) {
      const match = route.operation.method === (method === "HEAD" ? "GET" : method) && route.pattern.exec(path);
      if (match) return { route, inPath: match.groups ?? {} };
    }
    throw new AffiantError("ERR_NOT_FOUND_ROUTE", `nothing answers ${method} ${path.slice(0, 200)}`, {
      hint: "/openapi.json lists what there is",
    });
  }

  /** @throws AffiantError ERR_INPUT_MALFORMED for what is not of the described form, and for what is not described at all */
  read({ route, inPath }: ReturnType<Router["find"]>, url: URL, body: unknown, key: string | undefined): Asked {
    const parameters: Record<string, string | number> = {};
    for (const name of url.searchParams.keys()) {
      const isKnown = route.parameters.some((one) => one.name === name && !one.isPath);
      if (!isKnown) throw malformed(`there is no ${name.slice(0, 40)} to ask with`);
    }
    for (const { name, isPath, check } of route.parameters) {
      const sent = isPath ? [decoded(inPath[name] ?? "")] : url.searchParams.getAll(name);
      const [first] = sent;
      if (first === undefined) {
        if (route.operation.parameters?.[name]?.required) throw malformed(`${name} is needed`);
        continue;
      }
      const value = check(first) ? first : /^(?:0|[1-9]\d{0,15})$/.test(first) ? Number(first) : first;
      if (sent.length > 1 || !check(value)) throw malformed(`${name} ${complaint(check)}`);
      parameters[name] = value;
    }
    if (route.body && !route.body(body)) throw malformed(`body${complaint(route.body)}`);
    if (route.operation.idempotent && !/^[!-~]{8,128}$/.test(key ?? "")) {
      throw malformed("an Idempotency-Key of 8 to 128 characters is needed");
    }
    return { parameters: parameters as Parameters, body, idempotencyKey: key, url: `${url.pathname}${url.search}` };
  }
}

function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.:]/g, "\\$&");
  const named = escaped.replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${name === "rest" ? ".+" : "[^/]+"})`);
  return new RegExp(`^${named}$`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("the path is not of the form of a URL");
  }
}

function complaint({ errors }: ValidateFunction): string {
  const [first] = errors ?? [];
  return first ? `${first.instancePath} ${first.message ?? ""}` : " is not of the described form";
}

function malformed(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", message);
}
