import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";

export interface Rotation {
  /** From the block of the quarantine to the block of the next epoch. */
  readonly blocks: number;
  /** From the block of the quarantine to the newest block when a member opened the first message under the next epoch. */
  readonly inUseBlocks: number;
  /** From the quarantine seen on chain to the first message that another member opened under the next epoch. */
  readonly inUseMs: number;
}

/**
 * A member's program is changed on disk while the group talks; its verifier finds out in the next round. What is measured
 * begins with the quarantine.
 */
export async function rotateAfterTampering(world: EscrowWorld, tampered: string): Promise<Rotation> {
  const { system, keeper } = world;
  const [from, to] = world.members.filter(
    (member) => member.address !== tampered && world.wanted.includes(member.address),
  );
  const agent = system.agentOf(tampered);
  if (!from || !to) throw new Error("two members have to be left to talk");
  const { epoch: before } = await from.group.currentEpoch();
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  let quarantinedAtMs = 0;
  const watching = watch();
  await appendFile(agent.program.file, "\n");
  await system.stepUntil(async () => ["quarantined", "convicted"].includes(await system.status(agent)), 2_000);
  const { inUseMs, inUseAtBlock } = await watching;
  stop.abort();
  await running;
  const { sinceBlock } = await system.reader.standing(tampered);
  const { publishedAtBlock } = (await world.escrow
    .getFunction("epochOf")
    .staticCall(world.group.group, before + 1n)) as unknown as { publishedAtBlock: bigint };
  return { blocks: Number(publishedAtBlock) - sinceBlock, inUseBlocks: inUseAtBlock - sinceBlock, inUseMs };

  /** Looks on by itself: the quarantine must be timed when it is mined, and not when the service is told. */
  async function watch(): Promise<{ inUseMs: number; inUseAtBlock: number }> {
    for (;;) {
      if (quarantinedAtMs === 0 && !(await world.isCurrent())) quarantinedAtMs = performance.now();
      const said = await world.say(from as WorldMember, to as WorldMember, "still here").catch(() => undefined);
      if (said && said.epoch > before) {
        return { inUseMs: performance.now() - quarantinedAtMs, inUseAtBlock: await system.reader.blockNumber() };
      }
      await sleep(10);
    }
  }
}
