import { appendFile } from "node:fs/promises";

import { type BenchRow } from "../report.ts";
import { patchMemory } from "../../torture/attestation/patchMemory.ts";
import { System, type SystemAgent } from "../../torture/attestation/system.ts";
import { nodeProgram } from "../../torture/attestation/wrapped.ts";

/** Enough for a panel of three although those that were convicted verify nobody any more. */
const agentCount = 14;
const runs = 3;

interface Run {
  readonly toFailMs: number;
  readonly toQuarantineMs: number;
  readonly blocks: number;
}

/**
 * From tampering with a running program to the first FAIL verdict of a drawn verifier, and to quarantine on chain, while
 * the service holds one round after the other on a chain with a block a second.
 */
export async function liveAttestation(): Promise<readonly BenchRow[]> {
  const system = await System.start(agentCount - runs);
  try {
    const nodes: SystemAgent[] = [];
    for (let i = 0; i < runs; i++) nodes.push(await system.add(nodeProgram));
    await system.stepUntil(() => system.roundIs("closed", 1), 200);
    await system.mineEvery(1);
    const file = await each(nodes, (agent) => detect(system, agent, () => appendFile(agent.program.file, "\n")));
    const natives = system.agents.slice(0, runs);
    const memory = await each(natives, (agent) =>
      detect(system, agent, () => patchMemory(agent.wrapper.pid ?? -1, agent.program.command[0])),
    );
    return [...rows("a script changed on disk", file), ...rows("memory of a process patched", memory)];
  } finally {
    await system.close();
  }
}

async function each(
  agents: readonly SystemAgent[],
  run: (agent: SystemAgent) => Promise<Run>,
): Promise<readonly Run[]> {
  const found: Run[] = [];
  for (const agent of agents) found.push(await run(agent));
  return found;
}

async function detect(system: System, victim: SystemAgent, tamper: () => Promise<void>): Promise<Run> {
  const { address } = victim.account;
  const verdictsBefore = system.verdicts.length;
  const blockBefore = await system.reader.blockNumber();
  const startMs = performance.now();
  await tamper();
  await system.stepUntil(async () => ["quarantined", "convicted"].includes(await system.status(victim)), 2000);
  const toQuarantineMs = performance.now() - startMs;
  const blocks = (await system.reader.blockNumber()) - blockBefore;
  const fail = system.verdicts.slice(verdictsBefore).find(({ target, result }) => target === address && result === 2);
  if (!fail) throw new Error("the agent was quarantined without a FAIL verdict");
  return { toFailMs: fail.atMs - startMs, toQuarantineMs, blocks };
}

function rows(what: string, found: readonly Run[]): readonly BenchRow[] {
  const worst = (pick: (run: Run) => number): number => Math.max(...found.map(pick));
  return [
    {
      name: `${what} -> FAIL verdict, slowest of ${found.length}`,
      value: worst(({ toFailMs }) => toFailMs) / 1000,
      unit: "s",
      // Keylime's paper: polling every 2 s.
      peer: { name: "Keylime", value: 5, source: "published" },
    },
    {
      name: `${what} -> quarantine, slowest of ${found.length}`,
      value: worst((run) => run.toQuarantineMs) / 1000,
      unit: "s",
    },
    { name: `${what} -> quarantine, most blocks`, value: worst(({ blocks }) => blocks), unit: "blocks" },
  ];
}
