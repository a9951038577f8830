import { readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";

import { paint, printLines } from "../../host/terminal/print.ts";
import { readPipeline } from "../../orchestrator/descriptor/readPipeline.ts";
import { patient } from "../../orchestrator/start/patience.ts";
import type { Progress } from "../../orchestrator/start/progress.ts";
import { shopPipelinePath, startSystem } from "../../orchestrator/start/startSystem.ts";
import type { RunningSystem } from "../../orchestrator/start/system.ts";
import { statusOf, workedThrough } from "../../orchestrator/start/work.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { laterServices } from "../later/services.ts";
import type { StartOptions } from "./options.ts";
import { contractsIn } from "./contracts.ts";
import { refusalsIn } from "./refusals.ts";
import { formatStartReport, type StartResult } from "./report.ts";
import { judgeTamper, tamper, type TamperStory } from "./tamper.ts";
import { bar, TerminalProgress } from "./terminal.ts";
import { auditFile, writeEvidenceFile } from "./verdicts.ts";

const laterProgram = join(import.meta.dirname, "../later/main.ts");

/**
 * The whole of `npm start`.
 * @param stop is signalled when the user wants it to end
 * @returns the exit code
 */
export async function run(options: StartOptions, stop: AbortController): Promise<number> {
  const progress = new TerminalProgress("stdout");
  printLines("stdout", [`${paint.bold("Affiant")}: agents act under a policy, and anyone can check it`, ""]);
  let broken: AffiantError | undefined;
  let system: RunningSystem | undefined;
  try {
    const pipeline = readPipeline(shopPipelinePath);
    if (options.tamper !== undefined && !pipeline.agents.some(({ name }) => name === options.tamper)) {
      const names = pipeline.agents.map(({ name }) => name).join(", ");
      throw new AffiantError("ERR_INPUT_CONFIG", `--tamper names no agent of the shop: ${options.tamper}`, {
        hint: `It has ${names}`,
      });
    }
    system = await startSystem(
      {
        ...options,
        pipeline,
        onDown: () => stop.abort(),
        environment: process.env,
        later: { names: laterServices.map(({ name }) => name), program: laterProgram },
        stop: stop.signal,
        onBroken: (error) => {
          broken = error;
          stop.abort();
        },
      },
      progress,
    );
    const waiting = patient(progress, {
      hint: `What each process says is in ${system.layout.log("*")}; Ctrl-C ends it`,
    });
    const result = await work(system, options, waiting, stop.signal).finally(() => waiting.end?.());
    progress.clear();
    const ok = holds(result);
    // First the file: whoever waits for the report's last line finds it.
    if (options.jsonPath !== undefined) await writeFile(options.jsonPath, formatJson(result, ok));
    printLines("stdout", formatStartReport(result, !options.once, paint));
    if (options.once) return ok ? 0 : 1;
    if (!stop.signal.aborted) await once(stop.signal, "abort");
    if (broken) throw broken;
    return 0;
  } catch (error) {
    progress.clear();
    if (broken) throw broken;
    if (!stop.signal.aborted) throw error;
    return 130;
  } finally {
    await end(system, progress);
  }
}

async function work(
  system: RunningSystem,
  options: StartOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<StartResult> {
  const urls = system.agents.filter(({ name }) => !system.failed.includes(name)).map(({ url }) => url);
  progress.begin("The agents work through their queue");
  const total = (await statusOf(urls))?.waiting ?? 0;
  let story: Promise<TamperStory> | undefined;
  const { done, refused } = await workedThrough(urls, stop, ({ waiting }) => {
    progress.update(bar(Math.max(0, total - waiting), total));
    if (options.tamper === undefined || waiting > total - Math.min(5, total)) return;
    story ??= tamper(system, options.tamper, stop, (news) => progress.note(news));
    story.catch(() => undefined); // it is awaited when the work is done
  });
  progress.done(
    total === 0
      ? `Nothing new to do: ${done} steps were taken and ${refused} refused`
      : `Worked through ${total} tasks: ${done} steps were taken and ${refused} refused`,
  );
  const told = story && (await story);

  progress.begin("Anchoring the log on the chain, writing the evidence");
  const written = await writeEvidenceFile(system, (stage, done, total) =>
    progress.update(stage === "anchor" ? "waiting for the anchor's block" : bar(done, total)),
  );
  progress.done(
    `${written.anchor.size} entries anchored in block ${written.anchor.blockNumber}; evidence of ${written.entryCount} written`,
  );

  progress.begin("Auditing the evidence against the chain");
  const audit = await auditFile(system.layout.evidence, system.endpoints.rpcUrl, system.deployment);
  progress.done(`Audited: ${audit.verdicts.length} verdicts, ${audit.conformity.judged} acts judged by their policies`);
  const evidence = await readFile(system.layout.evidence);
  return {
    system,
    audit,
    refusals: refusalsIn(evidence),
    contracts: contractsIn(evidence),
    protection: { round: await system.round(), epochs: await system.epochs() },
    tamper: told && judgeTamper(told, evidence),
  };
}

function holds({ system, audit, tamper }: StartResult): boolean {
  if (system.failed.length > 0) return false;
  if (tamper && tamper.actsAfterCaught > 0) return false;
  // Its rule: everything is proven and no act breaks one. What is undecidable the report says.
  return audit.summary.fullyProven && audit.summary.conformity !== "violates";
}

function formatJson(result: StartResult, ok: boolean): string {
  const { system, audit, refusals, contracts, protection, tamper } = result;
  const { agents, history, orchestrator, layout, endpoints, deployment } = system;
  const { evidence } = layout;
  const who = { agents, history, orchestrator };
  const found = { ...protection, ...(tamper ? { tamper } : {}), contracts, refusals, audit };
  const whole = { format: "affiant-start/1", ok, ...who, evidence, endpoints, deployment, ...found };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

async function end(system: RunningSystem | undefined, progress: TerminalProgress): Promise<void> {
  if (!system) return;
  printLines("stdout", [""]);
  progress.begin("Ending all processes");
  await system.stop();
  progress.done("All processes ended; everything is on disk");
}
