/**
 * `npm run torture -- disk [<flips>] [<seed>]`: changes a relayer's database behind its back, in every column that the schema
 * has, in whole rows, in its schema and bit by bit, and asks `affiant log fsck` each time. Prints what was missed (0).
 */
import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { fsck } from "../../relayer/fsck/fsck.ts";
import { type Alteration, columnAlterations, readAll, rowAlterations, schemaAlterations } from "./disk/alterations.ts";
import { diskWorld } from "./disk/world.ts";

const flips = Number(process.argv[2] ?? 1_000);
let seed = Number(process.argv[3] ?? randomInt(2 ** 31));
const given = seed;
const world = await diskWorld();
const counts: Record<string, { tried: number; refused: number; same: number; missed: number }> = {};
const missed: string[] = [];

const clean = await isFound(await world.copy());
if (clean) throw new Error(`the world is not clean before anything was changed: ${clean}`);
const original = join(await world.copy(), "relayer.db");
const before = readAll(original);
const bytes = readFileSync(original).length;
const flip = (_: unknown, index: number): Alteration => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  const [at, bit] = [seed % bytes, (seed >>> 13) % 8];
  return {
    kind: "bit",
    name: `bit ${bit} of byte ${at} (${index})`,
    apply: (file) => {
      const data = readFileSync(file);
      data[at] = (data[at] ?? 0) ^ (1 << bit);
      writeFileSync(file, data);
    },
  };
};
const all = [
  ...columnAlterations(original),
  ...rowAlterations(original),
  ...schemaAlterations,
  ...Array.from({ length: flips }, flip),
];
for (const alteration of all) await attempt(alteration);
await world.close();
for (const name of missed) console.error(`missed: ${name}`);
console.log(JSON.stringify({ seed: given, bytes, counts, missed: missed.length }, null, 2));
process.exit(missed.length === 0 ? 0 : 1);

async function attempt({ kind, name, apply }: Alteration): Promise<void> {
  const count = (counts[kind] ??= { tried: 0, refused: 0, same: 0, missed: 0 });
  const dir = await world.copy();
  const file = join(dir, "relayer.db");
  count.tried++;
  try {
    apply(file);
  } catch {
    count.refused++; // SQLite's own constraints do not let it be
    return;
  }
  if (readAll(file) === before) {
    count.same++;
    return;
  }
  if ((await isFound(dir)) !== undefined) return;
  count.missed++;
  missed.push(`${kind} ${name}`);
}

/** @returns the first fault in words; undefined for none */
async function isFound(dir: string): Promise<string | undefined> {
  try {
    const { faults } = await fsck({ dataDir: dir, noteKeyFile: join(dir, "note.key"), repair: false });
    return faults[0] && `${faults[0].place}: ${faults[0].what}`;
  } catch (error) {
    if (isAffiantError(error)) return error.code;
    throw error;
  }
}
