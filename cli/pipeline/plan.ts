import { existsSync } from "node:fs";

import type { Command } from "commander";

import { planChanges } from "../../orchestrator/conductor/plan.ts";
import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import { Records } from "../../orchestrator/state/records.ts";
import { StateFile, stateFileIn } from "../../orchestrator/state/stateFile.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { table } from "../output.ts";

export function planCommand(): Command {
  return command("plan", "Show what `affiant up` would change. It changes nothing.", "local", [
    "affiant plan examples/shop/pipeline.yaml",
    "affiant plan pipeline.yaml --json",
  ])
    .argument("[descriptor]", "the pipeline's descriptor", "pipeline.yaml")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, path) => {
        const pipeline = readPipeline(path);
        const file = stateFileIn(environment.dataDir);
        // A plan leaves nothing behind: where there is no state, none is made.
        const state = new StateFile(existsSync(file) ? file : ":memory:");
        try {
          const { changes, placed, unchanged } = await planChanges(pipeline, new Records(state));
          const { assignment, cost, optimal } = placed;
          return {
            data: { pipeline: pipeline.name, changes, unchanged, placement: { assignment, cost, optimal } },
            lines: [
              ...(changes.length === 0 ? ["nothing changes"] : []),
              ...table(
                ["CHANGE", "OF", "WHAT"],
                changes.map(({ kind, subject, what }) => [kind, subject, what]),
              ).slice(changes.length === 0 ? 1 : 0),
              ...(unchanged.length === 0 ? [] : ["", `unchanged: ${unchanged.join(", ")}`]),
              "",
              ...table(["AGENT", "SITE"], Object.entries(assignment)),
              `calls cost ${cost.latencyMs} ms × weight; ${optimal ? "no placement costs less" : "a cheaper one may exist"}`,
            ],
          };
        } finally {
          state.close();
        }
      }),
    );
}
