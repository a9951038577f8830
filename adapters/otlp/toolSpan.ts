import type { Json } from "../../protocol/json/canonical.ts";
import { parseExactJson } from "../json/exactJson.ts";
import type { OtlpAttribute, OtlpSpan, OtlpValue } from "./otlpTypes.ts";

/** A tool's execution, as a span tells it. */
export interface ToolSpan {
  readonly tool: string;
  readonly callId: string | undefined;
  readonly conversation: string | undefined;
  /** Undefined where the span does not show it. */
  readonly input: Json | undefined;
  readonly output: Json | undefined;
  readonly error: Json | undefined;
  /** Which names it was told under. */
  readonly convention: "gen_ai" | "openinference";
}

type Attributes = ReadonlyMap<string, Json>;

/**
 * What a span says of a tool, in whichever of three tongues: OpenTelemetry's semantic conventions up to 1.36 (which have no names for
 * arguments and results), those of the GenAI repository after them, and OpenInference. Undefined for any other span.
 */
export function readToolSpan(span: OtlpSpan): ToolSpan | undefined {
  const attributes = attributesOf(span.attributes);
  return genAi(span, attributes) ?? openInference(span, attributes);
}

function genAi(span: OtlpSpan, attributes: Attributes): ToolSpan | undefined {
  const tool = textOf(attributes, "gen_ai.tool.name");
  if (attributes.get("gen_ai.operation.name") !== "execute_tool" || tool === undefined) return undefined;
  return {
    tool,
    callId: textOf(attributes, "gen_ai.tool.call.id"),
    conversation: textOf(attributes, "gen_ai.conversation.id"),
    input: jsonIn(attributes.get("gen_ai.tool.call.arguments")),
    output: jsonIn(attributes.get("gen_ai.tool.call.result")),
    error: errorOf(span, attributes),
    convention: "gen_ai",
  };
}

function openInference(span: OtlpSpan, attributes: Attributes): ToolSpan | undefined {
  if (attributes.get("openinference.span.kind") !== "TOOL") return undefined;
  const tool = textOf(attributes, "tool.name") ?? span.name;
  if (tool === undefined || tool === "") return undefined;
  return {
    tool,
    callId: textOf(attributes, "tool_call.id") ?? textOf(attributes, "tool.id"),
    conversation: textOf(attributes, "session.id"),
    input: jsonIn(attributes.get("input.value") ?? attributes.get("tool.parameters")),
    output: jsonIn(attributes.get("output.value")),
    error: errorOf(span, attributes),
    convention: "openinference",
  };
}

/** Status 2 is an error (also by its name); what is known of it is said in its message, its type, or an event. */
function errorOf({ status, events = [] }: OtlpSpan, attributes: Attributes): Json | undefined {
  const type = textOf(attributes, "error.type");
  const hasFailed = status?.code === 2 || status?.code === "STATUS_CODE_ERROR" || type !== undefined;
  if (!hasFailed) return undefined;
  const exception = events.find(({ name }) => name === "exception");
  const thrown = exception && textOf(attributesOf(exception.attributes), "exception.message");
  return { error: status?.message || thrown || type || "failed", ...(type !== undefined && { type }) };
}

function attributesOf(attributes: readonly OtlpAttribute[] = []): Attributes {
  return new Map(attributes.map(({ key = "", value = {} }) => [key, valueOf(value, 0)]));
}

function textOf(attributes: Attributes, name: string): string | undefined {
  const value = attributes.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

const maxDepth = 64;

function valueOf(value: OtlpValue, depth: number): Json {
  if (depth > maxDepth) return null;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return exactOf(String(value.intValue));
  if (value.doubleValue !== undefined)
    return Number.isFinite(value.doubleValue) ? (value.doubleValue as number) : String(value.doubleValue);
  if (value.arrayValue) return (value.arrayValue.values ?? []).map((item) => valueOf(item, depth + 1));
  if (value.kvlistValue) {
    const pairs = (value.kvlistValue.values ?? []).map(({ key = "", value: item = {} }) => [
      key,
      valueOf(item, depth + 1),
    ]);
    return Object.fromEntries(pairs) as Json;
  }
  return null;
}

function exactOf(text: string): Json {
  return /^-?\d+$/.test(text) ? parseExactJson(text.replace(/^(-?)0+(?=\d)/, "$1")).value : text;
}

/** Arguments and results are told as values, or as their JSON in a text. A text that is no JSON is itself. */
function jsonIn(value: Json | undefined): Json | undefined {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return parseExactJson(value).value;
  } catch {
    return value;
  }
}
