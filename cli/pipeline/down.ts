import { setTimeout as sleep } from "node:timers/promises";

import type { Command } from "commander";

import { StateFile, stateFileIn } from "../../orchestrator/state/stateFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { isOwned } from "./up.ts";

const timeoutMs = 90_000;

export function downCommand(): Command {
  return command(
    "down",
    "End the pipeline that runs from the data folder. What it has on disk and on chain stays.",
    "local",
    ["affiant down"],
  ).action(
    run<CommonFlags, []>(async ({ environment: { dataDir } }) => {
      if (!isOwned(dataDir)) return { data: { down: true, was: "down" }, lines: [`nothing runs from ${dataDir}`] };
      const state = new StateFile(stateFileIn(dataDir));
      state.ask("down", "");
      state.close();
      for (const until = Date.now() + timeoutMs; Date.now() < until;) {
        if (!isOwned(dataDir)) return { data: { down: true, was: "up" }, lines: ["all processes ended"] };
        await sleep(200);
      }
      throw new AffiantError("ERR_UNAVAILABLE_PROCESS", `what runs from ${dataDir} does not end`, {
        hint: "End the process of affiant up or npm start by hand; the others follow it.",
      });
    }),
  );
}
