import { join } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { CodingAgent } from "./hookEvent.ts";

/** The hook's program. It is named by its path, so that it is there wherever the coding agent runs. */
export const hookProgram = join(import.meta.dirname, "affiant-hook.sh");

/** From this version on Claude Code blocks where a hook fails in whatever way, if its settings say so. */
export const claudeCodeBlocksFrom = [2, 1, 295] as const;

interface Handler {
  readonly type: "command";
  readonly command: string;
  readonly timeout: number;
  readonly onFailure?: "block";
}

interface Group {
  readonly matcher?: string;
  readonly hooks: readonly Handler[];
}

/** The `hooks` of a settings file. */
export type HookSettings = Readonly<Record<string, readonly Group[]>>;

/** How long a hook waits for the service; the coding agent waits longer, since its own time-out may let the call through. */
const serviceSec = 10;
const agentSec = 30;

/** The events of each coding agent: those of calls, and those after which no outcome comes any more. */
const events: Readonly<Record<CodingAgent, { readonly calls: readonly string[]; readonly ends: readonly string[] }>> = {
  "claude-code": {
    calls: ["PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied"],
    ends: ["Stop", "SubagentStop", "SessionEnd"],
  },
  codex: { calls: ["PreToolUse", "PostToolUse"], ends: ["Stop"] },
  "gemini-cli": { calls: ["BeforeTool", "AfterTool"], ends: ["AfterAgent", "SessionEnd"] },
};

/** Where each keeps the settings of a project. */
export const settingsFiles: Readonly<Record<CodingAgent, string>> = {
  "claude-code": ".claude/settings.json",
  codex: ".codex/hooks.json",
  "gemini-cli": ".gemini/settings.json",
};

/** @param socket where the agent's service listens */
export function hookSettings(agent: CodingAgent, socket: string, program = hookProgram): HookSettings {
  const { calls, ends } = events[agent];
  const groupOf = (kind: "call" | "end"): readonly Group[] => [
    {
      ...(kind === "call" && { matcher: agent === "gemini-cli" ? ".*" : "*" }),
      hooks: [handlerOf(agent, socket, kind, program)],
    },
  ];
  return Object.fromEntries([
    ...calls.map((event) => [event, groupOf("call")]),
    ...ends.map((event) => [event, groupOf("end")]),
  ]) as HookSettings;
}

function handlerOf(agent: CodingAgent, socket: string, kind: "call" | "end", program: string): Handler {
  const words = [quoted(program), agent, quoted(socket), kind, serviceSec];
  // A program that is not there, or that crashes, ends with 127 or 139, which block nothing.
  const command = `${words.join(" ")} || exit ${kind === "call" ? 2 : 0}`;
  const timeout = agent === "gemini-cli" ? agentSec * 1_000 : agentSec;
  return {
    type: "command",
    command,
    timeout,
    ...(agent === "claude-code" && kind === "call" && { onFailure: "block" }),
  };
}

/** One word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Puts hooks into a settings file beside what is there; hooks of ours that are there already are replaced.
 * @param text the file as it is, "" where there is none
 * @throws AffiantError ERR_INPUT_FILE for what is no settings file
 */
export function mergedSettings(text: string, added: HookSettings): string {
  let settings: { hooks?: Record<string, Group[]> };
  try {
    settings = JSON.parse(text.trim() === "" ? "{}" : text) as typeof settings;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", "the settings file is not JSON; paste the settings by hand", { cause });
  }
  const { hooks = {} } = settings;
  if (typeof settings !== "object" || Array.isArray(settings) || typeof hooks !== "object" || Array.isArray(hooks)) {
    throw new AffiantError("ERR_INPUT_FILE", "the settings file has another form; paste the settings by hand");
  }
  const merged = { ...hooks };
  for (const [event, groups] of Object.entries(added)) {
    const others = (merged[event] ?? []).filter(({ hooks: handlers }) => !handlers.some(isOurs));
    merged[event] = [...others, ...groups];
  }
  return `${JSON.stringify({ ...settings, hooks: merged }, null, 2)}\n`;
}

function isOurs({ command }: Partial<Handler>): boolean {
  return command?.includes("affiant-hook.sh") ?? false;
}

/** What a version of Claude Code does not do; undefined for one that blocks on every failure. */
export function claudeCodeWarning(version: string): string | undefined {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const wanted = claudeCodeBlocksFrom.join(".");
  if (!found)
    return `the version of Claude Code could not be read; before ${wanted} a hook that times out lets the call through`;
  for (const [at, part] of claudeCodeBlocksFrom.entries()) {
    const its = found[at] ?? 0;
    if (its > part) return undefined;
    if (its < part) {
      return `Claude Code ${found.join(".")} lets a call through whose hook is killed or times out; from ${wanted} on it is blocked`;
    }
  }
  return undefined;
}
