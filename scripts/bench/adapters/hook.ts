import { spawn } from "node:child_process";
import { once } from "node:events";

import { hookSettings } from "../../../adapters/hooks/hookSettings.ts";
import { localService } from "../../../test/adapters/service/localService.ts";
import { alternate, median } from "../against.ts";
import type { BenchRow } from "../report.ts";
import { inFolder } from "./timed.ts";

/** The whole command before a call, beside a Node that does nothing. */
export function hookRows(calls: number): Promise<readonly BenchRow[]> {
  return inFolder(async (folder) => {
    const at = await localService(folder);
    const command = hookSettings("claude-code", at.socket)["PreToolUse"]?.[0]?.hooks[0]?.command ?? "exit 1";
    let call = 0;
    const payload = () =>
      JSON.stringify({
        session_id: "bench",
        hook_event_name: "PreToolUse",
        tool_name: "Bash",
        tool_input: { command: "ls" },
        tool_use_id: `toolu_${call++}`,
      });
    const hook = () => wallMs("/bin/sh", ["-c", command], payload());
    const node = () => wallMs(process.execPath, ["-e", "0"], "");
    await hook();
    const pairs = await alternate(calls, hook, node);
    await at.close();
    const peer = { name: "node -e 0", value: median(pairs.theirs), source: "run" as const };
    return [
      { name: "a hook's command, median", value: median(pairs.ours), unit: "ms", peer },
      { name: "a hook's command by node -e 0, median of pairs", value: median(pairs.ratios), unit: "×", target: 1.3 },
    ];
  });
}

/** @throws Error where the program does not end with 0 */
async function wallMs(program: string, args: readonly string[], input: string): Promise<number> {
  const began = performance.now();
  const child = spawn(program, args, { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(input);
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}`);
  return performance.now() - began;
}
