import type { IncomingHttpHeaders } from "node:http";

import type { Json } from "../../../protocol/json/canonical.ts";
import { isObject, type JsonObject, type McpMessage } from "../readMessage.ts";
import { versionOfParams } from "../versions.ts";

/** JSON-RPC's codes of MCP 2026-07-28. */
export const modernCodes = { headerMismatch: -32020, missingCapability: -32021, unsupportedVersion: -32022 } as const;

/** Which part of a request's parameters its `Mcp-Name` repeats (Streamable HTTP, Standard Request Headers; tasks: SEP-2663). */
const namedBy: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};
const nameIsRequired: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"]);

const encoded = /^=\?base64\?(.*)\?=$/;

/** A value as a header carries it: as it is, or in base64 where it would not come through unchanged. */
export function headerValue(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value) && !encoded.test(value);
  return isPlain ? value : `=?base64?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

/** What a header carries; undefined for what is no value. */
export function valueOfHeader(header: string): string | undefined {
  const base64 = encoded.exec(header)?.[1];
  if (base64 === undefined) return header;
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes.toString("utf8") : undefined;
}

/** The headers that a request of the stateless revisions needs. Empty for any other message. */
export function headersOfMessage({ method, params }: McpMessage): Record<string, string> {
  const version = versionOfParams(params);
  if (method === undefined || version === undefined) return {};
  const name = nameIn(method, params);
  return {
    "mcp-protocol-version": version,
    "mcp-method": method,
    ...(name === undefined ? {} : { "mcp-name": headerValue(name) }),
  };
}

/**
 * Where a request's headers say something else than its body: then two readers would see two requests. What is not required
 * and not there is no fault; a header that is there must be true in any revision.
 */
export function faultOfHead(message: McpMessage, headers: IncomingHttpHeaders): string | undefined {
  const { method = "", params, kind } = message;
  const isStateless = kind === "request" && versionOfParams(params) !== undefined;
  const version = headers["mcp-protocol-version"];
  if (isStateless && version !== versionOfParams(params)) {
    return `the header MCP-Protocol-Version says ${said(version)}, its body ${said(versionOfParams(params))}`;
  }
  const saidMethod = headers["mcp-method"];
  if (saidMethod === undefined ? isStateless : saidMethod !== method) {
    return `the header Mcp-Method says ${said(saidMethod)}, its body ${said(method)}`;
  }
  const saidName = headers["mcp-name"];
  const name = nameIn(method, params);
  if (saidName === undefined) {
    return isStateless && nameIsRequired.has(method)
      ? `the header Mcp-Name is missing, its body says ${said(name)}`
      : undefined;
  }
  if (typeof saidName === "string" && name !== undefined && valueOfHeader(saidName) === name) return undefined;
  return `the header Mcp-Name says ${said(saidName)}, its body ${said(name)}`;
}

function nameIn(method: string, params: JsonObject | undefined): string | undefined {
  const name = params?.[namedBy[method] ?? ""];
  return typeof name === "string" ? name : undefined;
}

function said(value: string | readonly string[] | undefined): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

/** Headers that go on to the server as they came: copies of arguments, and the trace that the call is part of. */
export function headersToPass(headers: IncomingHttpHeaders, alsoNamed: readonly string[]): Record<string, string> {
  const names = Object.keys(headers).filter(
    (name) =>
      name.startsWith("mcp-param-") ||
      ["traceparent", "tracestate", "baggage"].includes(name) ||
      alsoNamed.includes(name),
  );
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]));
}

/** For each tool that a list of tools tells of, the arguments that have a header of their own, by path. */
export type HeaderedArguments = ReadonlyMap<
  string,
  readonly { readonly name: string; readonly path: readonly string[] }[]
>;

/** Reads `x-mcp-header` in the answer to `tools/list`. What is malformed is left out: the server then refuses the call. */
export function headeredArguments(result: Json): HeaderedArguments {
  const found = new Map<string, { name: string; path: readonly string[] }[]>();
  const tools = isObject(result) && Array.isArray(result["tools"]) ? (result["tools"] as readonly Json[]) : [];
  for (const tool of tools) {
    if (!isObject(tool) || typeof tool["name"] !== "string") continue;
    const headers: { name: string; path: readonly string[] }[] = [];
    collect(tool["inputSchema"], [], headers);
    found.set(tool["name"], headers);
  }
  return found;
}

function collect(
  schema: Json | undefined,
  path: readonly string[],
  into: { name: string; path: readonly string[] }[],
): void {
  if (!isObject(schema) || path.length > 16) return;
  const name = schema["x-mcp-header"];
  if (typeof name === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) into.push({ name, path });
  const properties = schema["properties"];
  if (!isObject(properties)) return;
  for (const [key, inner] of Object.entries(properties)) collect(inner as Json, [...path, key], into);
}

/** The headers of a call's arguments (`Mcp-Param-…`). */
export function headersOfArguments({ params }: McpMessage, known: HeaderedArguments): Record<string, string> {
  const headers = known.get(String(params?.["name"])) ?? [];
  const pairs = headers.flatMap(({ name, path }): [string, string][] => {
    let value: Json | undefined = params?.["arguments"];
    for (const step of path) value = isObject(value) ? value[step] : undefined;
    if (typeof value !== "string" && typeof value !== "boolean" && !Number.isSafeInteger(value)) return [];
    return [[`mcp-param-${name.toLowerCase()}`, headerValue(String(value))]];
  });
  return Object.fromEntries(pairs);
}
