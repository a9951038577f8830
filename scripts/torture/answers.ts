/**
 * `npm run torture -- answers [every]`: an endpoint that answers each question of each reader with each kind of what is no
 * answer. Counts what the readers made of it, and what they must not have made; `every` runs one cell in so many.
 */
import { auditorCases } from "../../test/helpers/faults/auditorCases.ts";
import { emptyCount, runCase } from "../../test/helpers/faults/matrix.ts";
import { readerCases } from "../../test/helpers/faults/readerCases.ts";

const every = Number(process.argv[2] ?? 1);
const count = emptyCount();
for (const one of [...readerCases(), ...(await auditorCases())]) {
  const before = count.cells;
  await runCase(one, count, every);
  console.log(`${one.name}: ${count.cells - before} faults`);
}
for (const miss of count.missed.slice(0, 40)) console.error(miss);
console.log(JSON.stringify({ ...count, missed: count.missed.length }));
process.exit(count.missed.length === 0 && count.cells > 0 ? 0 : 1);
