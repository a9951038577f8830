import { EscrowWorld } from "../../torture/escrow/escrowWorld.ts";
import { rotateAfterTampering, type Rotation } from "../../torture/escrow/rotation.ts";
import type { BenchRow } from "../report.ts";

const runs = 3;
const agentCount = 6;

/**
 * From a member's quarantine to the next epoch in use, on a chain with a block a second: the keeper and the members are told
 * nothing, and look at the chain by themselves. One member after the other is tampered with.
 */
export async function liveRotation(): Promise<readonly BenchRow[]> {
  const world = await EscrowWorld.start(agentCount);
  try {
    await world.keeper.step();
    const [first, second] = world.members;
    if (!first || !second) throw new Error("two members have to be left to talk");
    await world.say(first, second, "before");
    await world.system.mineEvery(1);
    const found: Rotation[] = [];
    // From the end: the first two go on talking.
    for (const { address } of world.members.slice(-runs).reverse()) {
      found.push(await rotateAfterTampering(world, address));
    }
    const most = (pick: (rotation: Rotation) => number): number => Math.max(...found.map(pick));
    return [
      {
        name: "quarantine -> next epoch published, most blocks",
        value: most(({ blocks }) => blocks),
        unit: "blocks",
        target: 3,
      },
      {
        name: "quarantine -> first message under it, most blocks",
        value: most((one) => one.inUseBlocks),
        unit: "blocks",
        target: 3,
      },
      {
        name: `quarantine -> first message under it, slowest of ${runs}`,
        value: most(({ inUseMs }) => inUseMs) / 1000,
        unit: "s",
      },
    ];
  } finally {
    await world.close();
  }
}
