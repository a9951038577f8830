import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import type { Command } from "commander";

import { printJson, printLines } from "../../host/terminal/print.ts";
import { type OrchestratorEvent, StateFile, stateFileIn } from "../../orchestrator/state/stateFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";

interface Flags extends CommonFlags {
  readonly follow?: boolean;
  readonly alarms?: boolean;
}

export function eventsCommand(): Command {
  return command("events", "Show what happened to the pipeline of the data folder, whether it is up or not.", "local", [
    "affiant events",
    "affiant events --follow --alarms",
  ])
    .option("--follow", "go on until Ctrl-C")
    .option("--alarms", "only what somebody should look at")
    .action(
      run<Flags, []>(async ({ environment: { dataDir }, json }, { follow, alarms }) => {
        const path = stateFileIn(dataDir);
        if (!existsSync(path)) {
          throw new AffiantError("ERR_INPUT_FILE", `there never was a pipeline in ${dataDir}`, { hint: "affiant up" });
        }
        const state = new StateFile(path);
        try {
          const takes = ({ level }: OrchestratorEvent) => !alarms || level === "alarm";
          let last = 0;
          const more = (): readonly OrchestratorEvent[] => {
            const events = state.events(last);
            last = events.at(-1)?.id ?? last;
            return events.filter(takes);
          };
          if (!follow) {
            const all: OrchestratorEvent[] = [];
            for (let page = more(); ; page = more()) {
              all.push(...page);
              if (state.events(last, 1).length === 0) break;
            }
            return { data: all, lines: all.length === 0 ? ["nothing happened yet"] : all.map(inOneLine) };
          }
          for (;;) {
            for (const event of more()) {
              if (json) printJson("stdout", event);
              else printLines("stdout", [inOneLine(event)]);
            }
            await sleep(500);
          }
        } finally {
          state.close();
        }
      }),
    );
}

function inOneLine({ atMs, level, text }: OrchestratorEvent): string {
  return `${new Date(atMs).toISOString()}  ${level === "alarm" ? "ALARM  " : ""}${text}`;
}
