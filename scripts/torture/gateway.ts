/**
 * `npm run torture -- gateway [ROUNDS] [SEED]`: kills the gateway at every point of a call, in both eras of the protocol, and lets
 * clients and servers say what none should. What was done and is not on record, and what is on record and is not so, is counted.
 */
import { tortureHostile } from "./gateway/hostile.ts";
import { type Tally, tortureKills } from "./gateway/kills.ts";

const [rounds = 500, seed = 1] = process.argv.slice(2).map(Number);
const tally: Tally = { runs: 0, kills: 0, effects: 0, actsWithoutRecord: 0, falseEntries: 0 };
const onBroken = (what: string): void => console.log(`BROKEN  ${what}`);
await tortureKills(tally, onBroken);
console.log(`killed at ${tally.kills} points of a call`);
await tortureHostile(rounds, seed, tally, onBroken);
console.log(JSON.stringify(tally));
process.exit(tally.actsWithoutRecord + tally.falseEntries === 0 && tally.kills > 0 && tally.effects > 0 ? 0 : 1);
