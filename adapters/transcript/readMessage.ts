import type { Json } from "../../protocol/json/canonical.ts";
import {
  actNameOf,
  argumentsOf,
  fail,
  idOf,
  isObject,
  isText,
  type JsonObject,
  type Message,
  outputOf,
  type Place,
  type ToolCall,
  type ToolResult,
} from "./message.ts";
import { readInvocation } from "./parts/aiSdk.ts";
import { type PartReading, resultText } from "./parts/partReading.ts";
import { readPart } from "./parts/readPart.ts";
import { isLangChain, readLangChain } from "./shapes/langChain.ts";
import { isMcpMessage, readMcpMessage } from "./shapes/mcp.ts";
import { isResponsesItem, readResponsesItem } from "./shapes/responses.ts";
import { isShareGpt, readShareGpt } from "./shapes/shareGpt.ts";

/**
 * Reads one message, whatever the shape: messages with a role (OpenAI, Anthropic, Bedrock, Gemini, AI SDK, OpenTelemetry,
 * AgentDojo, τ²-bench, SWE-agent), items of OpenAI's Responses, LangChain's dumps, ShareGPT's lines, MCP's JSON-RPC.
 * @throws AffiantError ERR_INPUT_FILE with the place
 */
export function readMessage(value: Json, place: Place): Message {
  if (!isObject(value)) return fail(place, "not an object");
  if (isMcpMessage(value)) return readMcpMessage(value, place);
  if (isResponsesItem(value)) return readResponsesItem(value, place);
  if (isLangChain(value)) return readRoleMessage(readLangChain(value, place), place);
  if (isShareGpt(value)) return readShareGpt(value, place);
  return readRoleMessage(value, place);
}

/** Whether a value that stands by itself in a file is a message rather than a conversation. */
export function isMessage(value: JsonObject): boolean {
  return (
    isText(value["role"]) || isMcpMessage(value) || isResponsesItem(value) || isLangChain(value) || isShareGpt(value)
  );
}

function readRoleMessage(value: JsonObject, place: Place): Message {
  const { role } = value;
  if (!isText(role) || role === "") return fail(place, "no role");
  const parts = readContent(value, role, place);
  const invocations = listOf(value["toolInvocations"], "toolInvocations", place).map((each, index) =>
    isObject(each) ? readInvocation(each, place) : fail(place, `tool invocation ${index} is not an object`),
  );
  // Some services write a call both among the parts of the content and in a list of its own.
  const listed = [...readCalls(value, role, place), ...invocations.flatMap(({ call }) => call ?? [])];
  const ids = new Set(listed.flatMap(({ id }) => id ?? []));
  const inParts = parts.flatMap(({ call }) =>
    call === undefined || (call.id !== null && ids.has(call.id)) ? [] : [call],
  );
  const texts = parts.flatMap(({ text }) => text ?? []);
  return {
    role,
    text: texts.length > 0 ? texts.join("\n") : null,
    calls: [...listed, ...inParts],
    results: [...readAnswers(value, role, place), ...[...invocations, ...parts].flatMap(({ result }) => result ?? [])],
  };
}

/** `parts` (Gemini, AI SDK, OpenTelemetry) or `content`: text, null, or a list of parts. A tool's message is its result. */
function readContent(value: JsonObject, role: string, place: Place): readonly PartReading[] {
  const { parts, content } = value;
  if (Array.isArray(parts)) return (parts as readonly Json[]).map((part) => readPart(part, place));
  if (content === undefined || content === null) return [];
  if (isText(content)) return answersWhole(value, role) ? [] : [{ text: content }];
  if (isObject(content)) return [readPart(content, place)];
  if (!Array.isArray(content)) return fail(place, "`content` is neither text nor a list of parts");
  if (answersWhole(value, role)) return [];
  return (content as readonly Json[]).map((part) => readPart(part, place));
}

/** Whether the message as a whole is the answer to a call: then its content is what the tool gave back. */
function answersWhole(
  { tool_call_id, tool_call_ids, id, name, content, parts, tool_messages }: JsonObject,
  role: string,
): boolean {
  if (Array.isArray(parts)) return false;
  if (role === "function") return true;
  if (role !== "tool" || Array.isArray(tool_messages)) return false;
  const named = tool_call_id ?? tool_call_ids ?? id ?? name;
  const inParts = Array.isArray(content) && (content as readonly Json[]).some(isResultPart);
  return named !== undefined ? !inParts : !Array.isArray(content);
}

function isResultPart(part: Json): boolean {
  return isObject(part) && isText(part["type"]) && /result|response/.test(part["type"]);
}

function readAnswers(value: JsonObject, role: string, place: Place): readonly ToolResult[] {
  // τ²-bench keeps the results of one turn together.
  if (Array.isArray(value["tool_messages"])) {
    return (value["tool_messages"] as readonly Json[]).flatMap((each) =>
      isObject(each) ? readAnswers(each, "tool", place) : fail(place, "a tool's message is not an object"),
    );
  }
  if (!answersWhole(value, role)) return [];
  const failed =
    (isText(value["error"]) && value["error"] !== "") || value["error"] === true || value["status"] === "error";
  const said = outputOf(resultText(value["content"], place));
  const output = said === null && isText(value["error"]) ? value["error"] : said;
  if (role === "function") return [{ callId: null, name: functionName(value, place), output, failed }];
  // OpenAI and its kin; SWE-agent's list; τ²-bench's own `id`.
  const ids = Array.isArray(value["tool_call_ids"]) ? value["tool_call_ids"] : [value["tool_call_id"] ?? value["id"]];
  return (ids as readonly (Json | undefined)[]).map((id) =>
    isText(id) ? { callId: id, name: null, output, failed } : fail(place, "a tool's message without `tool_call_id`"),
  );
}

/** The form before `tool_calls` has no ids: a result names the function. */
function functionName({ name }: JsonObject, place: Place): string {
  return isText(name)
    ? actNameOf(name, { ...place, remark: () => undefined })
    : fail(place, "a function's message without `name`");
}

function readCalls(value: JsonObject, role: string, place: Place): readonly ToolCall[] {
  const list = listOf(value["tool_calls"] ?? value["toolCalls"], "tool_calls", place);
  const legacy = value["function_call"];
  // τ²-bench's user simulator has tools of its own.
  if ((list.length > 0 || isObject(legacy)) && !["assistant", "model", "user", "ai"].includes(role)) {
    fail(place, `tool calls in a message of role ${role}`);
  }
  if (role === "user" && list.some((call) => !isObject(call) || call["requestor"] !== "user")) {
    fail(place, "tool calls in a message of role user");
  }
  const calls = list.map((call, index) => readCall(call, { ...place, where: `${place.where}, tool call ${index}` }));
  if (!isObject(legacy)) return calls;
  const name = actNameOf(legacy["name"], place);
  return [...calls, { id: null, name, ...argumentsOf(legacy["arguments"], name, place) }];
}

/**
 * `{ id, function: { name, arguments } }` (OpenAI), `{ id, custom: { name, input } }`, `{ id, name, args }` (LangChain),
 * `{ id, name, arguments }` (τ²-bench), `{ id, function: NAME, args }` (AgentDojo).
 */
function readCall(value: Json, place: Place): ToolCall {
  if (!isObject(value)) return fail(place, "not an object");
  const id = idOf(value["id"], place);
  const inner = value["function"] ?? value["custom"];
  const body = isObject(inner) ? inner : { ...value, name: isText(inner) ? inner : (value["name"] ?? null) };
  if (inner === undefined && value["name"] === undefined) return fail(place, "no `function`");
  const name = actNameOf(body["name"], place);
  return { id, name, ...argumentsOf(body["arguments"] ?? body["input"] ?? body["args"], name, place) };
}

function listOf(value: Json | undefined, key: string, place: Place): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : fail(place, `\`${key}\` is not a list`);
}
