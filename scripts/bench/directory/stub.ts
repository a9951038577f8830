/** A chain of synthetic events behind JSON-RPC, as a process of its own: both sides of the bench read it. */
import { StubChain, StubEndpoint } from "../../../test/helpers/directory/stubChain.ts";
import { addressOf, logOf, random, someEvent } from "../../../test/helpers/directory/syntheticEvents.ts";

const eventsABlock = 100;
const [count = 0, agents = 0] = process.argv.slice(2).map(Number);
const next = random(42);
// Few different ones, told often: what is measured is reading, and not making them up.
const pool = Array.from({ length: 4_000 }, () => someEvent(next, agents));
const chain = new StubChain();
for (let made = 0; made < count; made += eventsABlock) {
  chain.add(
    Array.from({ length: eventsABlock }, (_, i) => {
      const nth = made + i;
      if (nth < agents) return logOf("agentRegistry", "AgentRegistered", [addressOf(nth)]);
      return pool[Math.floor(next() * pool.length)] as (typeof pool)[number];
    }),
  );
}
const endpoint = await StubEndpoint.start(chain);
console.log(JSON.stringify({ url: endpoint.url, blocks: chain.blocks.length }));
