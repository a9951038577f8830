import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Command } from "commander";

import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import { tryOwnFolder } from "../../orchestrator/process/folderLock.ts";
import { startSystem } from "../../orchestrator/start/startSystem.ts";
import { StateFile, stateFileIn } from "../../orchestrator/state/stateFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { TerminalProgress } from "../start/terminal.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { existsSync } from "node:fs";

interface Flags extends CommonFlags {
  readonly port: string;
  readonly rpcPort: string;
  readonly untilReady?: boolean;
}

export function upCommand(): Command {
  return command(
    "up",
    "Bring a pipeline up and watch over it until Ctrl-C or `affiant down`. If it runs from this data folder, the changed " +
      "descriptor is rolled out instead.",
    "local",
    ["affiant up examples/grid/pipeline.yaml --data /tmp/grid", "affiant up pipeline.yaml --until-ready"],
  )
    .argument("[descriptor]", "the pipeline's descriptor", "pipeline.yaml")
    .option("--port <n>", "port of the relayer, 0 for any free one", "8787")
    .option("--rpc-port <n>", "port of the local chain, 0 for any free one", "8545")
    .option("--until-ready", "end when every agent is attested and has its keys")
    .action(
      run<Flags, [string]>(async ({ environment, json }, flags, path) => {
        const pipeline = readPipeline(path);
        const { dataDir } = environment;
        if (isOwned(dataDir)) return rollOut(dataDir, resolve(path));
        const stop = new AbortController();
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
        let broken: AffiantError | undefined;
        // Standard output belongs to the result.
        const progress = new TerminalProgress(json ? "stderr" : "stdout");
        const passphraseFile = process.env["AFFIANT_PASSPHRASE_FILE"];
        const system = await startSystem(
          {
            dataDir,
            pipeline,
            relayerPort: readPort(flags.port, "--port"),
            rpcPort: readPort(flags.rpcPort, "--rpc-port"),
            environment: process.env,
            ...(passphraseFile ? { passphraseFile: resolve(passphraseFile) } : {}),
            stop: stop.signal,
            onBroken: (error) => {
              broken = error;
              stop.abort();
            },
            onDown: () => stop.abort(),
          },
          progress,
        );
        const { agents, endpoints } = system;
        const epochs = await system.epochs();
        if (!flags.untilReady && !stop.signal.aborted) {
          progress.note(`${pipeline.name} is up; Ctrl-C or \`affiant down\` ends it`);
          await once(stop.signal, "abort");
        }
        await system.stop();
        if (broken) throw broken;
        return { data: { agents, endpoints, epochs }, lines: [`${pipeline.name} ended; everything is on disk`] };
      }),
    );
}

/** Hands the descriptor to the orchestrator that runs, and tells what it says. */
async function rollOut(dataDir: string, path: string) {
  const state = new StateFile(stateFileIn(dataDir));
  try {
    const id = state.ask("apply", path);
    for (const until = Date.now() + 600_000; Date.now() < until;) {
      const answer = state.answerOf(id);
      if (answer !== null) {
        if (answer.startsWith("error: ")) throw new AffiantError("ERR_INPUT_PIPELINE", answer.slice(7));
        return { data: { applied: answer.split("\n") }, lines: answer.split("\n") };
      }
      await sleep(200);
    }
  } finally {
    state.close();
  }
  throw new AffiantError("ERR_UNAVAILABLE_PROCESS", "the orchestrator does not answer", { hint: "affiant events" });
}

/** Whether a system runs from a data folder. */
export function isOwned(dataDir: string): boolean {
  if (!existsSync(dataDir)) return false;
  const lock = tryOwnFolder(dataDir);
  lock?.release();
  return lock === undefined;
}

function readPort(text: string, option: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new AffiantError("ERR_INPUT_CONFIG", `${option} is a number from 0 to 65535`);
}
