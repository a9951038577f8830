import { actNameOf, argumentsOf, idOf, isText, type JsonObject, outputOf, type Place } from "../message.ts";
import { type PartReading, required, resultText } from "./partReading.ts";

/** Anthropic Messages: `tool_use`, `server_tool_use`, `mcp_tool_use` and their results. */
export function anthropicPart(part: JsonObject, place: Place): PartReading | undefined {
  const { type } = part;
  if (!isText(type)) return undefined;
  if (/^(?:\w+_)?tool_use$/.test(type)) {
    const name = actNameOf(part["name"], place);
    return { call: { id: idOf(part["id"], place), name, ...argumentsOf(part["input"], name, place) } };
  }
  if (!/^(?:\w+_)?tool_result$/.test(type)) return undefined;
  const { content } = part;
  // A server's tool gives an object or a list of its own; a client's gives text or parts.
  const output = type === "tool_result" || isText(content) ? outputOf(resultText(content, place)) : (content ?? null);
  return {
    result: { callId: required(part, "tool_use_id", place), name: null, output, failed: part["is_error"] === true },
  };
}
