import { actNameOf, argumentsOf, idOf, isObject, type JsonObject, type Place } from "../message.ts";
import { type PartReading, plainOutput } from "./partReading.ts";

/** OpenTelemetry's GenAI messages: `tool_call`, `tool_call_response` (`response`, earlier `result`). */
export function otelPart(part: JsonObject, place: Place): PartReading | undefined {
  const { type } = part;
  if (type === "tool_call" || type === "server_tool_call") {
    const inner = isObject(part["server_tool_call"]) ? part["server_tool_call"] : part;
    const name = actNameOf(part["name"], place);
    const given = part["arguments"] ?? part["args"] ?? inner["arguments"];
    return { call: { id: idOf(part["id"], place), name, ...argumentsOf(given, name, place) } };
  }
  if (type !== "tool_call_response" && type !== "server_tool_call_response") return undefined;
  const output = part["response"] ?? part["result"] ?? part[type] ?? null;
  return { result: { callId: idOf(part["id"], place), name: null, output: plainOutput(output), failed: false } };
}
