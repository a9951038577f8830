import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { ExactNumber } from "../json/exactJson.ts";

/** Coding agents whose hooks are understood. */
export const codingAgents = ["claude-code", "codex", "gemini-cli"] as const;
export type CodingAgent = (typeof codingAgents)[number];

type Values = { readonly [key: string]: Json };

/** What a coding agent tells its hook, whichever it is. */
export type HookEvent = {
  /** Becomes the thread. */
  readonly session: string;
  /** A subagent within the session; undefined for the agent itself. */
  readonly subagent: string | undefined;
} & (
  | { readonly kind: "before"; readonly call: HookCall }
  | { readonly kind: "after"; readonly call: HookCall; readonly outcome: Json }
  | { readonly kind: "end"; readonly of: "turn" | "session" | "subagent" }
);

export interface HookCall {
  readonly tool: string;
  readonly input: Json;
  /** The agent's own id of the call, where it has one. */
  readonly id: string | undefined;
}

/**
 * Reads a payload as its agent's documentation has it: Claude Code and Codex say `PreToolUse`, `PostToolUse` (Claude Code also
 * `PostToolUseFailure` and `PermissionDenied`), Gemini CLI says `BeforeTool`, `AfterTool`. What is none of these is refused.
 * @throws AffiantError ERR_INPUT_MALFORMED
 */
export function readHookEvent(agent: string, payload: Json): HookEvent {
  if (!(codingAgents as readonly string[]).includes(agent)) throw malformed(`the hooks of ${agent} are not known here`);
  const values = payload as Values;
  const session = textOf(values, "session_id");
  const subagent = values["agent_id"] === undefined ? undefined : textOf(values, "agent_id");
  const who = { session, subagent };
  const event = textOf(values, "hook_event_name");
  const of = ends[event];
  if (of !== undefined) return { ...who, kind: "end", of };
  if (befores.has(event)) return { ...who, kind: "before", call: callOf(values) };
  if (afters.has(event)) return { ...who, kind: "after", call: callOf(values), outcome: outcomeOf(event, values) };
  throw malformed(`the event ${JSON.stringify(event.slice(0, 64))} is not known here`);
}

const befores: ReadonlySet<string> = new Set(["PreToolUse", "BeforeTool"]);
const afters: ReadonlySet<string> = new Set(["PostToolUse", "PostToolUseFailure", "PermissionDenied", "AfterTool"]);
const ends: Readonly<Record<string, "turn" | "session" | "subagent" | undefined>> = {
  Stop: "turn",
  AfterAgent: "turn",
  SubagentStop: "subagent",
  SessionEnd: "session",
};

function callOf(values: Values): HookCall {
  const id = values["tool_use_id"];
  const input = values["tool_input"];
  if (typeof input !== "object" || input === null || Array.isArray(input) || input instanceof ExactNumber) {
    throw malformed("tool_input is no object");
  }
  return { tool: textOf(values, "tool_name"), input, id: id === undefined ? undefined : textOf(values, "tool_use_id") };
}

function outcomeOf(event: string, values: Values): Json {
  if (event === "PostToolUseFailure") {
    return { error: values["error"] ?? null, ...(values["is_interrupt"] === true && { interrupted: true }) };
  }
  if (event === "PermissionDenied") return { notDone: "permission was denied", reason: values["reason"] ?? null };
  return values["tool_response"] ?? null;
}

function textOf(values: Values, name: string): string {
  const value = values[name];
  if (typeof value === "string" && value !== "" && value.length <= 1_024) return value;
  throw malformed(`${name} is no text`);
}

function malformed(why: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", `the hook's payload: ${why}`);
}
