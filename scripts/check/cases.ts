/**
 * `npm run check:cases [-- DIR]`: every case of a folder goes through the command that a user would type, and is compared with what
 * was expected of it. The form of the folder is that of `test/cases/README.md`. A case without an expectation fails, and so does a
 * folder without cases.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import { caseWorld, type CaseWorld } from "./cases/caseWorld.ts";
import { differences, readExpectation } from "./cases/expectation.ts";
import { kinds } from "./cases/kinds.ts";

const suffix = ".expected.yaml";
const folder = resolve(process.argv[2] ?? join(import.meta.dirname, "../../test/cases"));

interface Case {
  readonly kind: string;
  readonly file: string;
}

const { cases, strays } = collect();
for (const stray of strays) console.error(`fails   ${stray}`);
const world = cases.length > 0 ? await caseWorld() : undefined;
let failed = strays.length;
try {
  for (const [at, one] of cases.entries()) {
    const found = await faultsOf(world as CaseWorld, one, `case-${at}`);
    const name = `${one.kind}/${basename(one.file)}`;
    if (found.length === 0) console.log(`holds   ${name}`);
    else {
      failed += 1;
      console.error(`fails   ${name}\n${found.map((fault) => `        ${fault}`).join("\n")}`);
    }
  }
} finally {
  await world?.close();
}
console.log(`${cases.length} cases, ${failed} failures`);
if (failed > 0 || cases.length === 0) process.exitCode = 1;

function collect(): { cases: readonly Case[]; strays: readonly string[] } {
  const found: Case[] = [];
  const wrong: string[] = [];
  for (const kind of readdirSync(folder)) {
    if (kind.startsWith(".") || kind === "README.md") continue;
    if (!(kind in kinds)) {
      wrong.push(`${kind}: no kind of case is called so`);
      continue;
    }
    const names = readdirSync(join(folder, kind)).filter((name) => !name.startsWith("."));
    for (const name of names.filter((one) => !one.endsWith(suffix)).sort())
      found.push({ kind, file: join(folder, kind, name) });
    for (const name of names.filter((one) => one.endsWith(suffix) && !names.includes(one.slice(0, -suffix.length)))) {
      wrong.push(`${kind}/${name}: the case that it speaks of is not there`);
    }
  }
  return { cases: found, strays: wrong };
}

async function faultsOf(at: CaseWorld, { kind, file }: Case, name: string): Promise<readonly string[]> {
  if (!existsSync(`${file}${suffix}`)) return ["it has no expectation"];
  try {
    const expected = readExpectation(`${file}${suffix}`);
    return differences(expected, await (kinds[kind] as (typeof kinds)[string])(at, file, name));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
