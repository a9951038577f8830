import type { ApiAnswer as Answer, ApiOperation as Operation, ApiParameter as Parameter } from "../../host/http/api.ts";
import { openApiDocument } from "./openapi.ts";

/** The API's description for people: one page, no script, its style in a file of its own (the Content-Security-Policy). */
export function docsPage(): string {
  const operations = Object.entries(openApiDocument.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describeOperation(method, path, operation)),
  );
  const schemas = Object.entries(openApiDocument.components.schemas).map(
    ([name, schema]) => `<details id="${name}"><summary>${name}</summary>${showSchema(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Affiant relayer</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<h1>Affiant relayer</h1>
<p>Machine-readable: <a href="/openapi.json">/openapi.json</a> (OpenAPI ${openApiDocument.openapi}). Errors are RFC 9457 problems;
their <code>code</code> is stable. 429 and 503 carry <code>Retry-After</code>.</p>
<h2>Requests</h2>
${operations.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</body>
</html>
`;
}

export const docsStyle = `body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
summary { cursor: pointer; padding: 0.3rem 0; }
summary b { display: inline-block; min-width: 3.5rem; }
details { border-bottom: 1px solid #8886; }
details > :not(summary) { margin-left: 1.5rem; }
pre { overflow-x: auto; }
td, th { text-align: left; vertical-align: top; padding: 0.1rem 1rem 0.1rem 0; }
`;

function describeOperation(method: string, path: string, operation: Operation): string {
  const { summary, parameters, requestBody, responses } = operation;
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${escape(path)}</code> ${escape(summary)}</summary>
${table("Parameter", parameters.map(parameterRow))}
${requestBody ? `<p>Body</p>${showContent(requestBody.content)}` : ""}
${table("Answer", Object.entries(responses).map(answerRow))}
</details>`;
}

function table(title: string, rows: readonly string[]): string {
  return rows.length === 0 ? "" : `<table><tr><th>${title}</th><th></th><th></th></tr>${rows.join("\n")}</table>`;
}

function parameterRow({ name, in: place, required, schema }: Parameter): string {
  const kind = `${place}${required ? ", needed" : ""}`;
  return `<tr><td><code>${escape(name)}</code></td><td>${kind}</td><td>${showSchema(schema)}</td></tr>`;
}

function answerRow([status, { description, content }]: [string, Answer]): string {
  return `<tr><td>${status}</td><td>${escape(description)}</td><td>${showContent(content)}</td></tr>`;
}

function showContent(content: Answer["content"]): string {
  return Object.entries(content ?? {})
    .map(([type, { schema }]) => `<code>${escape(type)}</code> ${schema === undefined ? "" : showSchema(schema)}`)
    .join("<br>");
}

/** A reference alone is a link; anything else is shown as it stands, references in it as links. */
function showSchema(schema: unknown): string {
  const lone = (schema as { $ref?: unknown } | null)?.$ref;
  if (typeof lone === "string") return link(lone);
  const text = escape(JSON.stringify(schema, null, 2));
  const linked = text.replace(/(#\/components\/schemas\/\w+)/g, (reference) => link(reference));
  return text.includes("\n") ? `<pre>${linked}</pre>` : `<code>${linked}</code>`;
}

function link(reference: string): string {
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  return `<a href="#${name}">${name}</a>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
