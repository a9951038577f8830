import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import type { BenchRow } from "../report.ts";
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
  /** From the opening of the round before to the opening of the round that found it. */
  readonly roundBlocks: number;
  /** From the draw of that round to the quarantine. */
  readonly blocksFromDraw: number;
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
  const quarantined = inQuarantine(system, victim);
  await system.stepUntil(async () => ["quarantined", "convicted"].includes(await system.status(victim)), 2000);
  const { atMs, block, round } = await quarantined;
  const fail = system.verdicts.slice(verdictsBefore).find(({ target, result }) => target === address && result === 2);
  if (!fail) throw new Error("the agent was quarantined without a FAIL verdict");
  const opened = await blockOf(system, "RoundOpened", round);
  return {
    toFailMs: fail.atMs - startMs,
    toQuarantineMs: atMs - startMs,
    blocks: block - blockBefore,
    roundBlocks: opened - (await blockOf(system, "RoundOpened", round - 1)),
    blocksFromDraw: block - (await blockOf(system, "RoundDrawn", round)),
  };
}

/** Looks on by itself: the quarantine is timed when it is mined, and not when the service has ended its step. */
async function inQuarantine(
  { reader }: System,
  { account }: SystemAgent,
): Promise<{ atMs: number; block: number; round: number }> {
  for (;;) {
    const { status, sinceBlock, round } = await reader.standing(account.address);
    if (status === "quarantined" || status === "convicted") {
      return { atMs: performance.now(), block: sinceBlock, round };
    }
    await sleep(50);
  }
}

async function blockOf({ registry }: System, event: string, round: number): Promise<number> {
  const filter = registry.filters[event]?.(round);
  const [found] = filter ? await registry.queryFilter(filter, 0) : [];
  if (!found) throw new Error(`no ${event} of round ${round}`);
  return found.blockNumber;
}

function rows(what: string, found: readonly Run[]): readonly BenchRow[] {
  const worst = (pick: (run: Run) => number): number => Math.max(...found.map(pick));
  const mean = (pick: (run: Run) => number): number => found.reduce((sum, run) => sum + pick(run), 0) / found.length;
  // Keylime's paper: polling every 2 s.
  const peer = { name: "Keylime", value: 5, source: "published" } as const;
  return [
    {
      name: `${what} -> FAIL verdict, mean of ${found.length}`,
      value: mean((run) => run.toFailMs) / 1000,
      unit: "s",
      peer,
    },
    { name: `${what} -> FAIL verdict, slowest`, value: worst((run) => run.toFailMs) / 1000, unit: "s", peer },
    { name: `${what} -> quarantine, slowest`, value: worst((run) => run.toQuarantineMs) / 1000, unit: "s" },
    { name: `${what} -> quarantine, most blocks`, value: worst(({ blocks }) => blocks), unit: "blocks" },
    { name: `${what}: from round to round, most blocks`, value: worst((run) => run.roundBlocks), unit: "blocks" },
    {
      name: `${what} -> quarantine, most blocks beyond one round`,
      value: worst(({ blocks, roundBlocks }) => Math.max(0, blocks - roundBlocks)),
      unit: "blocks",
      target: 2,
    },
    { name: `${what}: draw -> quarantine, most blocks`, value: worst((run) => run.blocksFromDraw), unit: "blocks" },
  ];
}
