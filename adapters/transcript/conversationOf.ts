import type { Json } from "../../protocol/json/canonical.ts";
import { fail, isObject, isText, type JsonObject } from "./message.ts";

/** What a file says of a conversation beside its messages, and the messages, not yet looked at. */
export interface RawConversation {
  readonly meta: JsonObject;
  readonly messages: readonly Json[];
}

/** Keys under which tools keep the list of messages. */
const messageKeys = ["messages", "traj", "contents", "conversations", "history", "items"] as const;
/** Files that hold no acts, by a key that betrays them, and what is said of them. */
const others: readonly (readonly [key: string, what: string])[] = [
  ["resourceSpans", "an export of OpenTelemetry spans: send it to the OTLP receiver"],
  ["preferred_output", "a preference pair for fine-tuning: nobody made those calls"],
  ["mcpServers", "a client's list of MCP servers"],
  ["openapi", "an OpenAPI description"],
];

/**
 * The conversations of one JSON value of a file: a list of messages, an object with one, or a wrapper around them (batch
 * input and output, a completion, a response, a τ²-bench run, a SWE-agent trajectory).
 * @param where as `conversation 3`
 * @throws AffiantError ERR_INPUT_FILE for a shape that is not known: it is named, never imported as nothing
 */
export function conversationsOf(value: Json, where: string): readonly RawConversation[] {
  if (Array.isArray(value)) return [{ meta: {}, messages: value as readonly Json[] }];
  if (!isObject(value)) return fail({ where }, "neither a conversation nor a message");
  const inner = wrapped(value);
  if (inner !== undefined) {
    return inner.values.flatMap((each) =>
      conversationsOf(each, where).map(({ meta, messages }) => ({ meta: { ...inner.meta, ...meta }, messages })),
    );
  }
  const conversation =
    sweAgent(value) ?? agentSteps(value) ?? responseOf(value) ?? completionOf(value) ?? withList(value, where);
  if (conversation !== undefined) return [conversation];
  for (const [key, what] of others) if (key in value) return fail({ where }, `this is ${what}`);
  const keys = Object.keys(value).slice(0, 6).join(", ");
  return fail(
    { where },
    `no list of messages under ${messageKeys.join(", ")}, and no other shape that is known (it has ${keys || "no keys"})`,
  );
}

/** Batch files of OpenAI (`body`, `response.body`) and Anthropic (`params`, `result.message`); runs of τ²-bench. */
function wrapped(value: JsonObject): { readonly meta: JsonObject; readonly values: readonly Json[] } | undefined {
  const { body, params, response, result, simulations } = value;
  if (Array.isArray(simulations)) return { meta: {}, values: simulations as readonly Json[] };
  const inner = [body, params, isObject(response) ? response["body"] : undefined].find(isObject);
  const message = isObject(result) ? result["message"] : undefined;
  const found = inner ?? (isObject(message) ? ({ messages: [message] } as JsonObject) : undefined);
  if (found === undefined || !isText(value["custom_id"])) return undefined;
  return { meta: { custom_id: value["custom_id"] }, values: [found] };
}

/** SWE-agent: the history where it holds calls, else the steps, each an action and what was observed. */
function sweAgent(value: JsonObject): RawConversation | undefined {
  const { trajectory, history, ...meta } = value;
  if (!Array.isArray(trajectory)) return undefined;
  const messages = Array.isArray(history) ? (history as readonly Json[]) : [];
  if (messages.some((message) => isObject(message) && Array.isArray(message["tool_calls"]))) return { meta, messages };
  const steps = (trajectory as readonly Json[]).filter((step) => isObject(step) && isText(step["action"]));
  return { meta, messages: (steps as readonly JsonObject[]).flatMap(messagesOfStep) };
}

function messagesOfStep(step: JsonObject, index: number): readonly Json[] {
  const id = `step-${index}`;
  const name = "shell";
  const call = { id, type: "function", function: { name, arguments: { command: (step["action"] as string).trim() } } };
  const asked = { role: "assistant", content: step["thought"] ?? null, tool_calls: [call] };
  return [asked, { role: "tool", tool_call_id: id, content: step["observation"] ?? null }];
}

/** AgentDojo and its kin name their list `messages`; OpenHands and others a list of steps, which is not read. */
function agentSteps(value: JsonObject): RawConversation | undefined {
  const data = value["data"];
  return isObject(data) && Array.isArray(data["messages"])
    ? { meta: {}, messages: data["messages"] as readonly Json[] }
    : undefined;
}

/** OpenAI's Responses: what was sent (`input`) and what came (`output`). */
function responseOf(value: JsonObject): RawConversation | undefined {
  const { input, output, messages: _messages, ...meta } = value;
  if (value["messages"] !== undefined || (!Array.isArray(input) && !Array.isArray(output))) return undefined;
  const sent = Array.isArray(input)
    ? (input as readonly Json[])
    : isText(input)
      ? [{ role: "user", content: input }]
      : [];
  return { meta, messages: [...sent, ...(Array.isArray(output) ? (output as readonly Json[]) : [])] };
}

/** A chat completion: its first choice. Of several choices nobody knows which was acted upon. */
function completionOf(value: JsonObject): RawConversation | undefined {
  const { choices, ...meta } = value;
  if (!Array.isArray(choices)) return undefined;
  const messages = (choices as readonly Json[])
    .slice(0, 1)
    .flatMap((choice) => (isObject(choice) ? (choice["message"] ?? []) : []));
  return { meta, messages: messages as readonly Json[] };
}

function withList(value: JsonObject, where: string): RawConversation | undefined {
  const keys = messageKeys.filter((key) => Array.isArray(value[key]));
  const [key] = keys;
  if (key === undefined) return undefined;
  if (keys.length > 1) return fail({ where }, `messages under ${keys.join(" and ")}: which are meant?`);
  const { [key]: messages, ...meta } = value;
  return { meta, messages: messages as readonly Json[] };
}
