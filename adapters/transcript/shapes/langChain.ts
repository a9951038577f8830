import type { Json } from "../../../protocol/json/canonical.ts";
import { fail, isObject, isText, type JsonObject, type Place } from "../message.ts";

/** LangChain's message types, and the roles that other tools have for them. */
const roles: Readonly<Record<string, string>> = {
  human: "user",
  ai: "assistant",
  AIMessageChunk: "assistant",
  system: "system",
  developer: "developer",
  tool: "tool",
  function: "function",
  chat: "assistant",
  HumanMessage: "user",
  AIMessage: "assistant",
  SystemMessage: "system",
  ToolMessage: "tool",
  FunctionMessage: "function",
  ChatMessage: "assistant",
  HumanMessageChunk: "user",
};

/** `{ lc, type: "constructor", id: [… , "AIMessage"], kwargs }`, `{ type: "ai", data }`, `{ type: "ai", content }`. */
export function isLangChain(value: JsonObject): boolean {
  if (value["lc"] !== undefined && isObject(value["kwargs"])) return true;
  return (
    value["role"] === undefined &&
    isText(value["type"]) &&
    Object.hasOwn(roles, value["type"]) &&
    ("data" in value || "content" in value)
  );
}

/** The message in the words of the others: `role`, `content`, `tool_calls`, `tool_call_id`. */
export function readLangChain(value: JsonObject, place: Place): JsonObject {
  const { id } = value;
  const type = value["lc"] === undefined ? value["type"] : Array.isArray(id) ? (id.at(-1) as Json) : undefined;
  const role = isText(type) && Object.hasOwn(roles, type) ? roles[type] : undefined;
  if (role === undefined) return fail(place, `no message of LangChain's: ${JSON.stringify(type ?? null)}`);
  const fields = isObject(value["kwargs"]) ? value["kwargs"] : isObject(value["data"]) ? value["data"] : value;
  const extra = isObject(fields["additional_kwargs"]) ? fields["additional_kwargs"] : {};
  const calls = Array.isArray(fields["tool_calls"]) && fields["tool_calls"].length > 0;
  // What a model's arguments were that LangChain could not parse is kept apart, and what a provider sent, beside it.
  const invalid = Array.isArray(fields["invalid_tool_calls"]) ? (fields["invalid_tool_calls"] as readonly Json[]) : [];
  return {
    role,
    content: fields["content"] ?? null,
    name: fields["name"] ?? null,
    status: fields["status"] ?? null,
    tool_call_id: fields["tool_call_id"] ?? null,
    tool_calls: [
      ...(calls ? (fields["tool_calls"] as readonly Json[]) : listIn(extra["tool_calls"])),
      ...(calls || listIn(extra["tool_calls"]).length === 0 ? invalid : []),
    ],
    ...(calls || extra["function_call"] === undefined ? {} : { function_call: extra["function_call"] }),
  };
}

function listIn(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
