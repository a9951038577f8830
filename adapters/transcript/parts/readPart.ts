import type { Json } from "../../../protocol/json/canonical.ts";
import { fail, isObject, isText, type Place } from "../message.ts";
import { aiSdkModelPart, aiSdkUiPart } from "./aiSdk.ts";
import { anthropicPart } from "./anthropic.ts";
import { bedrockPart } from "./bedrock.ts";
import { geminiPart } from "./gemini.ts";
import { otelPart } from "./openTelemetry.ts";
import { type PartReader, type PartReading, textPart } from "./partReading.ts";

/** Parts that no tool acts by. */
const silentTypes: ReadonlySet<string> = new Set([
  "image",
  "image_url",
  "input_image",
  "output_image",
  "file",
  "input_file",
  "document",
  "audio",
  "input_audio",
  "output_audio",
  "video",
  "video_url",
  "media",
  "blob",
  "uri",
  "thinking",
  "redacted_thinking",
  "reasoning",
  "reasoning-file",
  "step-start",
  "source",
  "source-url",
  "source-document",
  "custom",
  "compaction",
  "tool_reference",
  "container_upload",
  "search_result",
  "resource",
  "resource_link",
  "fallback",
]);
/** Keys of parts without a type (Bedrock, Gemini) that no tool acts by. */
const silentKeys = [
  "image",
  "document",
  "video",
  "audio",
  "cachePoint",
  "guardContent",
  "reasoningContent",
  "citationsContent",
  "inlineData",
  "inline_data",
  "fileData",
  "file_data",
  "thoughtSignature",
];
/** What betrays a call or a result in a part of a kind that this reader does not know. */
const callKeys = [
  "name",
  "toolName",
  "tool_name",
  "tool_use_id",
  "toolCallId",
  "tool_call_id",
  "call_id",
  "args",
  "arguments",
];

const readers: readonly PartReader[] = [
  textPart,
  anthropicPart,
  aiSdkModelPart,
  aiSdkUiPart,
  otelPart,
  bedrockPart,
  geminiPart,
];

/**
 * Reads one part of a message, of any of the shapes that tools write.
 * @throws AffiantError ERR_INPUT_FILE for a part of an unknown kind that looks like a call: it is never passed over
 */
export function readPart(part: Json, place: Place): PartReading {
  if (typeof part === "string") return { text: part };
  if (!isObject(part)) return fail(place, "a part of a message is not an object");
  for (const read of readers) {
    const reading = read(part, place);
    if (reading !== undefined) return reading;
  }
  const { type } = part;
  if (isText(type) ? silentTypes.has(type) || type.startsWith("data-") : silentKeys.some((key) => key in part))
    return {};
  const kind = isText(type) ? `of type ${JSON.stringify(type)}` : `with ${Object.keys(part).slice(0, 5).join(", ")}`;
  if (callKeys.some((key) => key in part))
    return fail(place, `a part ${kind}, which may be a tool's call, cannot be read`);
  place.remark(`a part ${kind} is passed over`);
  return {};
}
