import type { Json } from "../../../protocol/json/canonical.ts";
import { actNameOf, argumentsOf, fail, isObject, isText, type JsonObject, type Place } from "../message.ts";
import { type PartReading, plainOutput, required } from "./partReading.ts";

/** AI SDK model messages: `tool-call`, `tool-result`. LangChain's `tool_call` content blocks are OTel's in other words. */
export function aiSdkModelPart(part: JsonObject, place: Place): PartReading | undefined {
  const { type, toolName } = part;
  if (type === "tool-call") {
    const name = actNameOf(toolName, place);
    const given = part["input"] ?? part["args"];
    return { call: { id: required(part, "toolCallId", place), name, ...argumentsOf(given, name, place) } };
  }
  if (type !== "tool-result") return undefined;
  const given = part["output"] ?? part["result"] ?? null;
  const failed =
    part["isError"] === true || (isObject(given) && isText(given["type"]) && given["type"].startsWith("error"));
  const tagged = isObject(given) && isText(given["type"]) && "value" in given;
  const output = tagged ? (given["value"] as Json) : given;
  return {
    result: { callId: required(part, "toolCallId", place), name: null, output: plainOutput(output), failed },
  };
}

/** AI SDK UI messages: `tool-NAME` and `dynamic-tool` (5 and later), `tool-invocation` (4): call and result in one part. */
export function aiSdkUiPart(part: JsonObject, place: Place): PartReading | undefined {
  const { type } = part;
  if (type === "tool-invocation") {
    const { toolInvocation: invocation } = part;
    return isObject(invocation) ? readInvocation(invocation, place) : fail(place, "no `toolInvocation`");
  }
  if (!isText(type) || !(type === "dynamic-tool" || type.startsWith("tool-")) || !isText(part["state"]))
    return undefined;
  const name = actNameOf(type === "dynamic-tool" ? part["toolName"] : type.slice("tool-".length), place);
  const id = required(part, "toolCallId", place);
  // While the model still writes, or is corrected by the SDK, the arguments are those of no call yet.
  if (part["state"] === "input-streaming") return {};
  const call = { id, name, ...argumentsOf(part["input"] ?? part["rawInput"], name, place) };
  if (part["state"] === "output-available") {
    return { call, result: { callId: id, name: null, output: plainOutput(part["output"] ?? null), failed: false } };
  }
  if (part["state"] === "output-error") {
    return { call, result: { callId: id, name: null, output: plainOutput(part["errorText"] ?? null), failed: true } };
  }
  return { call };
}

/** AI SDK 4: an element of `toolInvocations`. */
export function readInvocation(invocation: JsonObject, place: Place): PartReading {
  const name = actNameOf(invocation["toolName"], place);
  const id = required(invocation, "toolCallId", place);
  if (invocation["state"] === "partial-call") return {};
  const call = { id, name, ...argumentsOf(invocation["args"], name, place) };
  if (invocation["state"] !== "result") return { call };
  return { call, result: { callId: id, name: null, output: plainOutput(invocation["result"] ?? null), failed: false } };
}
