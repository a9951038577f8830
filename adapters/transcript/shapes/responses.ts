import type { Json } from "../../../protocol/json/canonical.ts";
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
  type ToolResult,
} from "../message.ts";
import { resultText } from "../parts/partReading.ts";

/** Items that no tool acts by. */
const silentTypes: ReadonlySet<string> = new Set([
  "reasoning",
  "item_reference",
  "compaction",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
]);
/** What of an item of a hosted tool is neither its arguments nor its name. */
const notArguments: ReadonlySet<string> = new Set([
  "type",
  "id",
  "call_id",
  "status",
  "output",
  "outputs",
  "results",
  "result",
  "error",
  "name",
  "arguments",
  "input",
]);

/** An item of OpenAI's Responses API that is no message with a role. */
export function isResponsesItem(value: JsonObject): boolean {
  const { type, role } = value;
  return role === undefined && isText(type) && (silentTypes.has(type) || /_call(?:_output)?$/.test(type));
}

/** `function_call`, `custom_tool_call`, hosted tools (`web_search_call`, `mcp_call`, …) and their `…_output`. */
export function readResponsesItem(item: JsonObject, place: Place): Message {
  const type = item["type"] as string;
  const empty = { role: "assistant", text: null, calls: [], results: [] };
  if (silentTypes.has(type)) return empty;
  if (type.endsWith("_output")) {
    const { call_id: callId } = item;
    if (!isText(callId)) return fail(place, `a ${type} without \`call_id\``);
    return {
      ...empty,
      role: "tool",
      results: [{ callId, name: null, output: given(item["output"], place), failed: false }],
    };
  }
  // A function is called by its name; a hosted tool is the name.
  const name = actNameOf(item["name"] ?? type.slice(0, -"_call".length), place);
  const id = idOf(item["call_id"] ?? item["id"], place);
  const args = item["arguments"] ?? item["input"];
  const hosted = Object.fromEntries(Object.entries(item).filter(([key]) => !notArguments.has(key)));
  const call = { id, name, ...argumentsOf(args ?? (hosted as Json), name, place) };
  return { ...empty, calls: [call], results: resultWithin(item, id, place) };
}

/** A hosted tool's item holds its result. */
function resultWithin(item: JsonObject, callId: string | null, place: Place): readonly ToolResult[] {
  if (callId === null) return [];
  const { error } = item;
  if (error !== undefined && error !== null) return [{ callId, name: null, output: given(error, place), failed: true }];
  const output = item["output"] ?? item["outputs"] ?? item["results"] ?? item["result"];
  const isDone =
    item["status"] === "completed" &&
    ![
      "function_call",
      "custom_tool_call",
      "local_shell_call",
      "shell_call",
      "apply_patch_call",
      "computer_call",
    ].includes(item["type"] as string);
  if (output === undefined || output === null)
    return isDone ? [{ callId, name: null, output: null, failed: false }] : [];
  return [{ callId, name: null, output: given(output, place), failed: false }];
}

function given(output: Json | undefined, place: Place): Json {
  if (isText(output)) return outputOf(output);
  const isTexts =
    Array.isArray(output) && (output as readonly Json[]).every((part) => isObject(part) && isText(part["text"]));
  return isTexts ? outputOf(resultText(output, place)) : (output ?? null);
}
