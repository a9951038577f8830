import type { Json } from "../../../protocol/json/canonical.ts";
import {
  actNameOf,
  argumentsOf,
  fail,
  isObject,
  isText,
  type JsonObject,
  type Message,
  outputOf,
  type Place,
} from "../message.ts";
import { resultText } from "../parts/partReading.ts";

/** A message of the Model Context Protocol, by itself or in a log's record of it. */
export function isMcpMessage(value: JsonObject): boolean {
  return value["jsonrpc"] === "2.0" || (isObject(value["message"]) && value["message"]["jsonrpc"] === "2.0");
}

/** `tools/call` and the response of its id. All else that client and server say to each other is no act. */
export function readMcpMessage(value: JsonObject, place: Place): Message {
  const message = value["jsonrpc"] === "2.0" ? value : (value["message"] as JsonObject);
  const { id, method, params, result, error } = message;
  if (method === "tools/call") {
    if (!isObject(params)) return fail(place, "a `tools/call` without `params`");
    const name = actNameOf(params["name"], place);
    return {
      role: "assistant",
      text: null,
      calls: [{ id: rpcId(id), name, ...argumentsOf(params["arguments"], name, place) }],
      results: [],
    };
  }
  const silent = { role: "protocol", text: null, calls: [], results: [] };
  if (method !== undefined || rpcId(id) === null) return silent;
  const output = error === undefined ? outputOfResult(result, place) : error;
  const failed = error !== undefined || (isObject(result) && result["isError"] === true);
  return { ...silent, role: "answer", results: [{ callId: rpcId(id), name: null, output, failed }] };
}

/** Structured content says the same as the text beside it, in a form that rules can read. */
function outputOfResult(result: Json | undefined, place: Place): Json {
  if (!isObject(result)) return result ?? null;
  if (result["structuredContent"] !== undefined) return result["structuredContent"];
  return Array.isArray(result["content"]) ? outputOf(resultText(result["content"], place)) : result;
}

/** An id may be a number or a string, and 1 is not "1". */
function rpcId(id: Json | undefined): string | null {
  return isText(id) || typeof id === "number" ? JSON.stringify(id) : null;
}
