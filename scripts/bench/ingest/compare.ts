import { againstRow, alternate, median, type Pairs } from "../against.ts";
import type { BenchReport, BenchRow } from "../report.ts";
import { batchCall, drive, singleCall } from "./load.ts";
import { startWorld, type World } from "./world.ts";
import { Writer } from "./writers.ts";

const pairs = 15;
const limit = 1.05;
const batchLanes = 8;
const batchSize = 256;
const batchesALane = 2;
const singlesLanes = 32;
const singlesALane = 64;

/** A relayer of one build, with agents that write to it. */
interface Side {
  readonly world: World;
  readonly writers: readonly Writer[];
}

/**
 * What an entry costs the relayer, all its threads, in this build and in another: two relayers side by side, each on contracts
 * of its own build, measured in turns.
 */
export async function compareIngest(folder: string): Promise<BenchReport> {
  const sides: Side[] = [];
  try {
    for (const place of [undefined, folder]) {
      const world = await startWorld({}, place);
      sides.push({ world, writers: await Writer.register(world, singlesLanes) });
    }
    const [ours, theirs] = sides as [Side, Side];
    const inPairs = async (measure: (side: Side) => Promise<number>): Promise<Pairs> => {
      for (const side of sides) await measure(side); // warm
      return alternate(
        pairs,
        () => measure(ours),
        () => measure(theirs),
      );
    };
    const batches = await inPairs(batchCost);
    const singles = await inPairs(singleCost);
    return {
      rows: [...rowsOf("batches of 256, CPU an entry", batches), ...rowsOf("single entries, CPU an entry", singles)],
      notes: [
        `Median of ${pairs} pairs that alternate, both relayers in this run on this machine. Other build: ${folder}`,
      ],
    };
  } finally {
    for (const { world } of sides) await world.close();
  }
}

function rowsOf(name: string, measured: Pairs): readonly BenchRow[] {
  const peer = { name: "the other build", value: median(measured.theirs) * 1e6, source: "run" as const };
  return [{ name, value: median(measured.ours) * 1e6, unit: "µs", peer }, againstRow(name, measured, limit)];
}

const batchCost = (side: Side): Promise<number> =>
  costOf(
    side.world,
    side.writers
      .slice(0, batchLanes)
      .map((writer) => Array.from({ length: batchesALane }, () => batchCall(writer.sign(batchSize)))),
  );

const singleCost = (side: Side): Promise<number> =>
  costOf(
    side.world,
    side.writers.map((writer) => writer.sign(singlesALane).map(singleCall)),
  );

/** @returns seconds of CPU an entry */
async function costOf(world: World, lanes: Parameters<typeof drive>[1]): Promise<number> {
  const before = await world.relayerUse();
  const { entries } = await drive(world.url, lanes);
  return ((await world.relayerUse()).cpuSec - before.cpuSec) / entries;
}
