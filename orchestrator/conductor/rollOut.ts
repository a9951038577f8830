import type { Pipeline } from "../descriptor/pipeline.ts";
import type { Conductor, Step } from "./conductor.ts";
import { noteApplied, planChanges } from "./plan.ts";

/**
 * Brings a changed descriptor about while the pipeline runs: what is not in it any more ends, what is new or changed is
 * started, enrolled and attested, and groups get keys for whoever is in them now. Agents for which nothing changes run on.
 * @returns what was done, a line each
 */
export async function rollOut(conductor: Conductor, pipeline: Pipeline, step: Step): Promise<readonly string[]> {
  const { records, fleet } = conductor.options;
  const { changes } = await planChanges(pipeline, records);
  const removed = changes.filter(({ kind }) => kind === "remove").map(({ subject }) => subject);
  const started = changes.filter(({ kind }) => kind !== "remove" && kind !== "group").map(({ subject }) => subject);
  for (const name of [...removed, ...started]) await fleet.dismiss(name);
  for (const name of removed) {
    const incumbent = conductor.incumbentOf(name);
    const { folder, version } = records.change(incumbent, { state: "retired" });
    const key = `${folder}.v${version} retire`;
    const input = { agent: name, did: incumbent.did ?? "" };
    await conductor.options.self.record({ act: "agent.retire", thread: `${folder}.v${version}`, key, input });
  }
  conductor.replacePipeline(pipeline);
  if (started.length > 0) {
    await conductor.configure(step, started);
    await conductor.attest(step, started);
  } else await conductor.place();
  if (changes.length > 0) await conductor.giveKeys(step, started.length > 0);
  noteApplied(pipeline, records);
  return changes.map(({ subject, kind, what }) => `${kind} ${subject}: ${what}`);
}
