import type { Path, ProblemCode } from "./source.ts";
import type { Pipeline } from "./pipeline.ts";

/** Told of each thing that the schema cannot see. */
export type Report = (code: ProblemCode, path: Path, message: string) => void;

/** Checks what one part of a descriptor says about another. */
export function checkSemantics(pipeline: Pipeline, report: Report): void {
  for (const [list, what] of [
    ["sites", "a site"],
    ["agents", "an agent"],
    ["groups", "a group"],
  ] as const) {
    checkUnique(pipeline[list], list, what, report);
  }
  checkReferences(pipeline, report);
  checkContracts(pipeline, report);
  checkStartOrder(pipeline, report);
  checkPlacement(pipeline, report);
  const { roundBlocks, trustBlocks } = pipeline.attestation;
  if (trustBlocks <= roundBlocks) {
    const message = `is ${trustBlocks}, and rounds are ${roundBlocks} blocks apart: trust would end between two rounds`;
    report("contradiction", ["attestation", "trustBlocks"], message);
  }
}

function checkUnique(items: readonly { name: string }[], list: string, what: string, report: Report): void {
  items.forEach(({ name }, index) => {
    if (items.findIndex((other) => other.name === name) !== index) {
      report("duplicate-name", [list, index, "name"], `is taken by ${what} before it: ${name}`);
    }
  });
}

function checkReferences(pipeline: Pipeline, report: Report): void {
  const agents = new Set(pipeline.agents.map(({ name }) => name));
  const sites = new Set(pipeline.sites.map(({ name }) => name));
  const agent = (name: string, path: Path) => {
    if (!agents.has(name)) report("unknown-agent", path, `names no agent of this pipeline: ${name}`);
  };
  const site = (name: string, path: Path) => {
    if (!sites.has(name)) report("unknown-site", path, `names no site of this pipeline: ${name}`);
  };
  pipeline.latency.forEach(({ between }, i) => {
    between.forEach((name, j) => site(name, ["latency", i, "between", j]));
    if (between[0] === between[1]) report("self-reference", ["latency", i, "between"], "names one site twice");
  });
  pipeline.agents.forEach(({ sites: own, startAfter }, i) => {
    own.forEach((name, j) => site(name, ["agents", i, "sites", j]));
    startAfter.forEach((name, j) => agent(name, ["agents", i, "startAfter", j]));
  });
  for (const list of ["connectivity", "contracts"] as const) {
    pipeline[list].forEach(({ from, to }, i) => {
      agent(from, [list, i, "from"]);
      agent(to, [list, i, "to"]);
      if (from === to) report("self-reference", [list, i, "to"], `is the agent itself: ${to}`);
    });
  }
  pipeline.groups.forEach(({ members }, i) => members.forEach((name, j) => agent(name, ["groups", i, "members", j])));
  for (const rule of ["together", "apart"] as const) {
    pipeline.placement[rule].forEach((set, i) => set.forEach((name, j) => agent(name, ["placement", rule, i, j])));
  }
}

function checkContracts({ agents, contracts }: Pipeline, report: Report): void {
  const seen = new Set<string>();
  contracts.forEach(({ from, to, command }, i) => {
    const grantor = agents.find(({ name }) => name === from);
    if (grantor && !grantor.capabilities.includes(command)) {
      report("unknown-command", ["contracts", i, "command"], `is no capability of ${from}: ${command}`);
    }
    const key = `${from} ${to} ${command}`;
    if (seen.has(key)) report("duplicate-name", ["contracts", i], `is there before: ${from} to ${to}, ${command}`);
    seen.add(key);
  });
}

/** Calls may go round in circles; starting may not: nobody could be first. */
function checkStartOrder({ agents }: Pipeline, report: Report): void {
  const after = new Map(agents.map(({ name, startAfter }) => [name, startAfter]));
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of after.get(name) ?? []) {
      const cycle = visit(next, [...way, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  agents.forEach(({ name }, i) => {
    const cycle = visit(name, []);
    // Said once, of the agent that closes it.
    if (cycle?.[0] === name) report("cycle", ["agents", i, "startAfter"], `goes in a circle: ${cycle.join(" after ")}`);
    for (const seen of cycle ?? []) done.add(seen);
  });
}

function checkPlacement({ agents, sites, placement }: Pipeline, report: Report): void {
  placement.together.forEach((set, i) => {
    const other = placement.apart.find((apart) => set.filter((name) => apart.includes(name)).length > 1);
    if (other) report("contradiction", ["placement", "together", i], "is a set of agents that must also run apart");
  });
  agents.forEach(({ sites: allowed, memoryMb, cpuMillis }, i) => {
    const candidates = sites.filter(({ name }) => allowed.includes(name));
    if (candidates.length === 0) return;
    const fits = candidates.some((s) => memoryMb <= (s.memoryMb ?? Infinity) && cpuMillis <= (s.cpuMillis ?? Infinity));
    if (!fits) report("capacity", ["agents", i], "needs more memory or processor than any site it may run on has");
  });
}
