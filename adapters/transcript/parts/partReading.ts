import type { Json } from "../../../protocol/json/canonical.ts";
import {
  fail,
  isObject,
  isText,
  type JsonObject,
  outputOf,
  type Place,
  type ToolCall,
  type ToolResult,
} from "../message.ts";

/** What one part of a message's content says. */
export interface PartReading {
  readonly text?: string;
  readonly call?: ToolCall;
  readonly result?: ToolResult;
}

/** Reads a part of its own shape; undefined for any other. */
export type PartReader = (part: JsonObject, place: Place) => PartReading | undefined;

/** The parts' text as one; what is no text (a picture) stands as its JSON. Used for what a tool gave back. */
export function resultText(content: Json | undefined, place: Place): string | null {
  if (content === undefined || content === null) return null;
  if (isText(content)) return content;
  if (!Array.isArray(content)) return fail(place, "a result is neither text nor a list of parts");
  return (content as readonly Json[])
    .map((part) => {
      if (isText(part)) return part;
      if (!isObject(part)) return fail(place, "a part of a result is not an object");
      return textPart(part)?.text ?? JSON.stringify(part);
    })
    .join("\n");
}

/** OpenAI's and Anthropic's text parts, OTel's (`content`), Bedrock's and Gemini's without a type. */
export function textPart(part: JsonObject): PartReading | undefined {
  const { type, text, content, refusal } = part;
  if (type === "refusal" && isText(refusal)) return { text: refusal };
  if (type === "text" && isText(content)) return { text: content };
  if (!isText(text)) return undefined;
  if (type === undefined) return part["thought"] === true ? {} : { text };
  return ["text", "input_text", "output_text", "summary_text"].includes(type as string) ? { text } : undefined;
}

/** Text may be JSON in a string; anything else is what it is. */
export function plainOutput(value: Json): Json {
  return isText(value) ? outputOf(value) : value;
}

/** An id that a shape always has. */
export function required(part: JsonObject, key: string, place: Place): string {
  const value = part[key];
  return isText(value) ? value : fail(place, `a part without \`${key}\``);
}
