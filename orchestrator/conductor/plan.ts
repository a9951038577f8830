import { dirname } from "node:path";

import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import type { Pipeline } from "../descriptor/pipeline.ts";
import { releaseOf } from "../infrastructure/releaseOf.ts";
import { connectionsOf } from "../placement/placement.ts";
import { placeAgents, type Placed } from "../placement/placeAgents.ts";
import type { Records } from "../state/records.ts";

/** What bringing a descriptor about would do to one agent, or to the pipeline. */
export interface Change {
  readonly subject: string;
  readonly kind: "add" | "replace" | "update" | "move" | "restart" | "remove" | "group";
  readonly what: string;
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly placed: Placed;
  /** Agents for which nothing changes. */
  readonly unchanged: readonly string[];
}

/** The part of a descriptor that was brought about last, as far as it is no agent's own. */
interface Applied {
  readonly contracts: Pipeline["contracts"];
  readonly groups: Pipeline["groups"];
  readonly agents: readonly string[];
}

/** Compares a descriptor with what is on record of the pipeline that runs, or ran. It changes nothing. */
export async function planChanges(pipeline: Pipeline, records: Records): Promise<Plan> {
  const applied = records.file.get<Applied>("descriptor", "applied");
  const before = Object.fromEntries(pipeline.agents.map(({ name }) => [name, records.incumbent(name)?.site ?? ""]));
  const placed = placeAgents({ ...pipeline, connections: connectionsOf(pipeline) }, before);
  const changes: Change[] = [];
  for (const agent of pipeline.agents) {
    const site = placed.assignment[agent.name] ?? "";
    const release = await releaseOf(agent, pipeline.attestation.include, dirname(pipeline.file));
    changes.push(...changesOf(agent.name, site, release, records, applied, pipeline));
  }
  const wanted = new Set(pipeline.agents.map(({ name }) => name));
  for (const name of new Set(records.history().map(({ agent }) => agent))) {
    if (wanted.has(name) || records.incumbent(name)?.state === "retired") continue;
    const what = "its program is ended, its contracts are revoked, its groups rotate; its identity stays on the chain";
    changes.push({ subject: name, kind: "remove", what });
  }
  for (const group of pipeline.groups) {
    const known = applied?.groups.find(({ name }) => name === group.name);
    if (known && same(known, group)) continue;
    const what = known ? "its members or rules change: a new key" : `a new group of ${group.members.join(", ")}`;
    changes.push({ subject: group.name, kind: "group", what });
  }
  const touched = new Set(changes.map(({ subject }) => subject));
  return { changes, placed, unchanged: pipeline.agents.map(({ name }) => name).filter((name) => !touched.has(name)) };
}

/** Notes what was brought about, for the next plan. */
export function noteApplied({ contracts, groups, agents }: Pipeline, records: Records): void {
  records.file.put("descriptor", "applied", { contracts, groups, agents: agents.map(({ name }) => name) });
}

function changesOf(
  name: string,
  site: string,
  release: string,
  records: Records,
  applied: Applied | undefined,
  pipeline: Pipeline,
): readonly Change[] {
  const known = records.incumbent(name);
  if (!known || known.state === "retired") {
    return [{ subject: name, kind: "add", what: `a new identity at ${site}: enrolled, attested, given keys` }];
  }
  if (known.state === "convicted") {
    const what = `${known.folder} is convicted: another identity takes its place at ${site}`;
    return [{ subject: name, kind: "replace", what }];
  }
  const anew = `enrolled anew as version ${known.version + 1}, attested, given keys`;
  if (known.release !== release) {
    return [{ subject: name, kind: "update", what: `another program, policy, Node or place on disk: ${anew}` }];
  }
  if (known.site !== site) return [{ subject: name, kind: "move", what: `from ${known.site} to ${site}: ${anew}` }];
  const grants = (from: readonly Pipeline["contracts"][number][]) => from.filter((rule) => rule.from === name);
  if (applied && !same(grants(applied.contracts), grants(pipeline.contracts))) {
    return [{ subject: name, kind: "restart", what: "it grants other contracts: started again and attested" }];
  }
  if (applied && !same([...applied.agents].sort(), pipeline.agents.map((agent) => agent.name).sort())) {
    return [{ subject: name, kind: "restart", what: "it has other peers: started again and attested" }];
  }
  return [];
}

function same(a: unknown, b: unknown): boolean {
  // Through JSON: what was read back from the state has no undefined fields.
  return toCanonicalJson(JSON.parse(JSON.stringify(a))) === toCanonicalJson(JSON.parse(JSON.stringify(b)));
}
