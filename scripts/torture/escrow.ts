/** `npm run torture -- escrow`: attacks and accidents on a group's keys, with real processes, and what came of each. */
import { EscrowWorld } from "./escrow/escrowWorld.ts";
import { conviction, memberScenarios } from "./escrow/memberScenarios.ts";
import { foreignKey } from "./escrow/foreignKey.ts";
import { lyingPublisher } from "./escrow/lyingPublisher.ts";
import { publisherDeaths } from "./escrow/publisherDeaths.ts";
import { trusteeScenarios } from "./escrow/trusteeScenarios.ts";

const scenarios = [...publisherDeaths, lyingPublisher, ...trusteeScenarios, ...memberScenarios, foreignKey, conviction];
let broken = 0;
const world = await EscrowWorld.start(4);
try {
  // The fourth is not a member: it verifies, so that a panel is there when another is tampered with.
  world.wanted = world.members.slice(0, 3).map(({ address }) => address);
  await world.keeper.step();
  for (const { name, run } of scenarios) {
    const { holds, detail } = await run(world);
    if (!holds) broken++;
    console.log(`${holds ? "holds " : "BROKEN"}  ${name}: ${detail}`);
  }
} finally {
  await world.close();
}
console.log(JSON.stringify({ scenarios: scenarios.length, broken }));
process.exit(broken === 0 ? 0 : 1);
