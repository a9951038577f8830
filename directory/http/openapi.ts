import type { Operation } from "./operation.ts";
import { problem } from "./schemas.ts";

const refusals: Readonly<Record<number, string>> = {
  400: "Not of the described form",
  403: "Not allowed",
  404: "Not here, or not at that block",
  409: "In conflict with what is there",
  413: "Too large",
  422: "What should prove it does not",
  503: "Not now; Retry-After says when to come back",
};

/** The description of all operations (OpenAPI 3.1), made from what they are held to. */
export function openApiOf(operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Affiant directory",
      version: "1",
      description: "What the chain says of agents, folded from its events; docs/directory.md is the guide.",
    },
    paths,
  };
}

function describe({ summary, parameters = {}, body, answer, idempotent }: Operation): object {
  const named = Object.entries(parameters).map(([name, { in: place, schema, required }]) => ({
    name,
    in: place,
    required: place === "path" || required === true,
    schema,
  }));
  const key = { name: "Idempotency-Key", in: "header", required: true, schema: { type: "string" } };
  const refused = Object.entries(refusals).map(([status, description]) => [
    status,
    { description, content: { "application/problem+json": { schema: problem } } },
  ]);
  return {
    summary,
    parameters: idempotent ? [...named, key] : named,
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: {
      [idempotent ? "202" : "200"]: { description: summary, content: { "application/json": { schema: answer } } },
      ...Object.fromEntries(refused),
    },
  };
}
