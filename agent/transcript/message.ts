import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";

export interface ToolCall {
  readonly id: string | null;
  readonly name: string;
  readonly input: Json;
  readonly inputIsText: boolean;
}

/** What of a chat-completions message matters here. */
export interface Message {
  readonly role: string;
  /** The text; null when there is none. */
  readonly text: string | null;
  readonly calls: readonly ToolCall[];
  /** Of a tool's message: the call that it answers. */
  readonly answers: string | null;
}

type JsonObject = Readonly<Record<string, Json>>;

/** An act's name as an entry can carry it. */
const actName = /^[A-Za-z0-9_.:/-]{1,128}$/;

/**
 * Reads one message of a chat-completions transcript.
 * @param where e.g. `conversation 3, message 12`, for errors
 * @throws AffiantError ERR_INPUT_FILE
 */
export function readMessage(value: Json, where: string): Message {
  if (!isObject(value)) fail(where, "not an object");
  const { role } = value;
  if (typeof role !== "string" || role === "") fail(where, "no role");
  if (value.function_call !== undefined && value.function_call !== null) {
    fail(where, "`function_call` is the form before `tool_calls` and has no ids to match results by");
  }
  return {
    role,
    text: textOf(value.content, where),
    calls: readCalls(value.tool_calls, role, where),
    answers: role === "tool" ? answeredId(value, where) : null,
  };
}

/** JSON if it is JSON, else the text as it stands. */
export function parseOrText(text: string): { readonly value: Json; readonly isText: boolean } {
  try {
    return { value: JSON.parse(text) as Json, isText: false };
  } catch {
    return { value: text, isText: true };
  }
}

function readCalls(value: Json | undefined, role: string, where: string): readonly ToolCall[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) fail(where, "`tool_calls` is not a list");
  if (value.length > 0 && role !== "assistant") fail(where, `tool calls in a message of role ${role}`);
  return (value as readonly Json[]).map((call, index) => readCall(call, `${where}, tool call ${index}`));
}

function readCall(value: Json, where: string): ToolCall {
  if (!isObject(value)) fail(where, "not an object");
  const { id } = value;
  if (id !== undefined && id !== null && typeof id !== "string") fail(where, "its id is not a string");
  // A custom tool takes free text where a function takes JSON arguments.
  const body = value.function ?? value.custom;
  if (!isObject(body)) fail(where, "no `function`");
  if (typeof body.name !== "string") fail(where, "no name");
  if (!actName.test(body.name)) {
    fail(where, `the name ${JSON.stringify(body.name)} is not of 1 to 128 characters A-Z a-z 0-9 _ . : / -`);
  }
  const given = body.arguments ?? body.input ?? null;
  const parsed = typeof given === "string" ? parseOrText(given) : { value: given, isText: false };
  return { id: id ?? null, name: body.name, input: parsed.value, inputIsText: parsed.isText };
}

function answeredId(message: JsonObject, where: string): string {
  const id = message.tool_call_id;
  if (typeof id !== "string") fail(where, "a tool's message without `tool_call_id`");
  return id;
}

/** `content` is a string, null, or a list of parts of which those of text count. */
function textOf(content: Json | undefined, where: string): string | null {
  if (content === undefined || content === null) return null;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) fail(where, "`content` is neither text nor a list of parts");
  const texts = (content as readonly Json[]).map((part) => {
    if (!isObject(part)) return fail(where, "a part of `content` is not an object");
    return typeof part.text === "string" ? part.text : JSON.stringify(part);
  });
  return texts.join("\n");
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fail(where: string, what: string): never {
  throw new AffiantError("ERR_INPUT_FILE", `${where}: ${what}`);
}
