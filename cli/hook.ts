import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";

import { Argument, type Command } from "commander";

import { printLines } from "../host/terminal/print.ts";
import { command, type CommonFlags, run } from "./command.ts";
import { serviceSocket } from "./serveAgent.ts";
import { type CodingAgent, codingAgents } from "../adapters/hooks/hookEvent.ts";
import { claudeCodeWarning, hookSettings, mergedSettings, settingsFiles } from "../adapters/hooks/hookSettings.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly socket?: string;
  readonly write?: boolean;
  readonly file?: string;
}

export function hookCommand(): Command {
  return command(
    "hook",
    "Settings that have a coding agent ask an agent's service (affiant serve-agent) before each call, and tell it the outcome.",
    "local",
    [
      "affiant hook claude-code --agent support            # prints what to paste into .claude/settings.json",
      "affiant hook gemini-cli --agent support --write     # puts it into .gemini/settings.json, beside what is there",
    ],
  )
    .addArgument(new Argument("<tool>", "the coding agent").choices(codingAgents))
    .requiredOption("--agent <name>", "in whose name calls are entered")
    .option("--socket <path>", "where its service listens, if not in the agent's folder")
    .option("--write", "write the settings, beside what is there")
    .option("--file <path>", "with --write: another file than the project's")
    .action(
      run<Flags, [CodingAgent]>(async ({ environment }, flags, tool) => {
        const socket = resolve(flags.socket ?? serviceSocket(environment, flags.agent));
        const hooks = hookSettings(tool, socket);
        const warnings = await warningsFor(tool);
        printLines(
          "stderr",
          warnings.map((warning) => `affiant hook: ${warning}`),
        );
        const file = resolve(flags.file ?? settingsFiles[tool]);
        const data = { tool, file, written: flags.write ?? false, warnings, settings: { hooks } };
        if (!flags.write) return { data, lines: JSON.stringify({ hooks }, null, 2).split("\n") };
        writeMerged(file, (text) => mergedSettings(text, hooks));
        return { data, lines: [`${file} has the hooks now`, `start the service: affiant serve-agent ${flags.agent}`] };
      }),
    );
}

function writeMerged(file: string, merge: (text: string) => string): void {
  const text = merge(textOf(file));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read`, { cause });
  }
}

/** What the coding agent itself lets through, whatever its hook says. */
async function warningsFor(tool: CodingAgent): Promise<readonly string[]> {
  if (tool === "claude-code") {
    const warning = claudeCodeWarning(await versionOf("claude"));
    return warning === undefined ? [] : [warning];
  }
  if (tool === "codex") {
    return [
      "Codex runs hooks where config.toml has [features] codex_hooks = true; some versions ask them about shell calls only",
      "Codex lets a call through whose hook is killed or times out",
    ];
  }
  return ["Gemini CLI lets a call through whose hook is killed or times out"];
}

async function versionOf(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: 5_000 });
    return stdout;
  } catch {
    return "";
  }
}
