import type { Json } from "../../../protocol/json/canonical.ts";
import { actNameOf, argumentsOf, isObject, type JsonObject, outputOf, type Place } from "../message.ts";
import { type PartReading, required, resultText } from "./partReading.ts";

/** Amazon Bedrock's Converse: `toolUse`, `toolResult`. */
export function bedrockPart(part: JsonObject, place: Place): PartReading | undefined {
  const { toolUse, toolResult } = part;
  if (isObject(toolUse)) {
    const name = actNameOf(toolUse["name"], place);
    return { call: { id: required(toolUse, "toolUseId", place), name, ...argumentsOf(toolUse["input"], name, place) } };
  }
  if (!isObject(toolResult)) return undefined;
  const { content } = toolResult;
  const only = Array.isArray(content) && content.length === 1 ? (content[0] as Json) : undefined;
  const output = isObject(only) && "json" in only ? (only["json"] as Json) : outputOf(resultText(content, place));
  const failed = toolResult["status"] === "error";
  return { result: { callId: required(toolResult, "toolUseId", place), name: null, output, failed } };
}
