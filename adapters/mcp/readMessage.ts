import type { Json } from "../../protocol/json/canonical.ts";
import { ExactNumber, parseExactJson } from "../json/exactJson.ts";

/** A message of the Model Context Protocol: the text that came, and what a parsed copy of it says. */
export interface McpMessage {
  readonly text: string;
  readonly kind: "request" | "notification" | "response";
  /** Of a request and a response: the id as it stands in the text, so that 1 and "1" are two. */
  readonly id?: string;
  readonly method?: string;
  readonly params?: JsonObject;
  /** Of a response; `error` stands as `{ error }`. */
  readonly outcome?: Json;
}

/** What is no message that may pass. */
export interface BadMessage {
  readonly text: string;
  readonly why: string;
  /** The id, where one can be made out, for the answer. */
  readonly id?: string;
  /** What the message may want to call, for the entry of the refusal. */
  readonly tool?: string;
}

export type JsonObject = { readonly [key: string]: Json };

/** JSON-RPC's own members. Any other could be read as one of these by a server that ignores case. */
const members: readonly string[] = ["jsonrpc", "id", "method", "params", "result", "error"];

/**
 * Reads a message by an allow-list of shapes (JSON-RPC 2.0, no batches). What two readers could read differently is no
 * message: a member named twice, one that differs from another by case only, an id that is no whole number or string.
 */
export function readMcpMessage(text: string): McpMessage | BadMessage {
  let value: Json;
  try {
    const parsed = parseExactJson(text);
    if (parsed.repeatedKeys.length > 0)
      return bad(text, parsed.value, `it names ${JSON.stringify(parsed.repeatedKeys[0])} twice`);
    value = parsed.value;
  } catch {
    return { text, why: "it is not JSON" };
  }
  if (!isObject(value)) return bad(text, value, "it is not one JSON-RPC message");
  const stranger = Object.keys(value).find((key) => !members.includes(key));
  if (stranger !== undefined)
    return bad(text, value, `it has a member ${JSON.stringify(stranger)} that JSON-RPC has not`);
  if (value["jsonrpc"] !== "2.0") return bad(text, value, "it is not JSON-RPC 2.0");
  const { id, method, params } = value;
  if (id !== undefined && idOf(id) === undefined)
    return bad(text, value, "its id is neither a string nor a whole number");
  if (method === undefined) return readResponse(text, value);
  if (typeof method !== "string" || !/^[A-Za-z0-9_./$-]{1,128}$/.test(method))
    return bad(text, value, "its method is not a name");
  if (params !== undefined && !isObject(params)) return bad(text, value, "its params are not an object");
  if ("result" in value || "error" in value) return bad(text, value, "it is a request and a response at once");
  const twin = params === undefined ? undefined : caseTwin(params);
  if (twin !== undefined) return bad(text, value, `its params have ${JSON.stringify(twin)} twice, but for case`);
  return {
    text,
    kind: id === undefined ? "notification" : "request",
    ...(id === undefined ? {} : { id: idOf(id) as string }),
    method,
    ...(params === undefined ? {} : { params }),
  };
}

export function isBad(message: McpMessage | BadMessage): message is BadMessage {
  return "why" in message;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

function readResponse(text: string, value: JsonObject): McpMessage | BadMessage {
  const { id, result, error } = value;
  if (id === undefined) return bad(text, value, "it has neither a method nor an id");
  if ((result === undefined) === (error === undefined)) return bad(text, value, "it has not one of result and error");
  return { text, kind: "response", id: idOf(id) as string, outcome: result ?? { error: error ?? null } };
}

function idOf(id: Json): string | undefined {
  if (id instanceof ExactNumber) return /^-?\d+$/.test(id.literal) ? id.literal : undefined;
  return typeof id === "string" || (typeof id === "number" && Number.isInteger(id)) ? JSON.stringify(id) : undefined;
}

/** A key that another one equals but for its case. */
function caseTwin(object: JsonObject): string | undefined {
  const seen = new Set<string>();
  return Object.keys(object).find((key) => {
    const folded = key.toLowerCase();
    const isTwin = seen.has(folded);
    seen.add(folded);
    return isTwin;
  });
}

function bad(text: string, value: Json, why: string): BadMessage {
  const id = isObject(value) && value["id"] !== undefined ? idOf(value["id"]) : undefined;
  const params = isObject(value) ? value["params"] : undefined;
  const name = isObject(params) ? params["name"] : undefined;
  return { text, why, ...(id === undefined ? {} : { id }), ...(typeof name === "string" ? { tool: name } : {}) };
}
