/** `npm run mutation`: docs/mutation.md says how it works, and explains survivors; `--help` lists the options. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Compiler } from "./compiler.ts";
import { type Explanation, isExplained, readExplanations, staleExplanations } from "./explained.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { mutantsOf } from "./mutants/mutantsOf.ts";
import { readMutationOptions } from "./options.ts";
import { lineOf, summarize, type Summary, survivorText } from "./report.ts";
import { type MutantResult, runMutants } from "./runMutants.ts";
import { sampleOf } from "./sample.ts";
import { type Subject, subjects } from "./subjects.ts";

// Work folders are removed when the process exits, which a signal alone would not let it do.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

const root = join(import.meta.dirname, "../..");

const options = readMutationOptions(process.argv.slice(2));
const chosen = subjects.filter(({ name }) => options.contract?.includes(name) ?? true);

const explanations = readExplanations(await readFile(join(root, "docs/mutation.md"), "utf8"));
const compiler = new Compiler(root);
const summaries: Summary[] = [];
const all: MutantResult[] = [];
const stale: Explanation[] = [];

for (const subject of chosen) {
  const mutants = everyMutantOf(subject);
  stale.push(...staleExplanations(explanations, mutants));
  const taken = options.all ? mutants : sampleOf(mutants, options.sample, options.seed);
  console.error(`${subject.name}: ${taken.length} of ${mutants.length} mutants`);
  const results = await runMutants({
    root,
    subject,
    mutants: taken,
    jobs: options.jobs,
    onResult: (result) => console.error(`  ${lineOf(result)}`),
  });
  summaries.push(summarize(subject.name, mutants.length, results, explanations));
  all.push(...results);
}

if (options.json) printJson();
else printTable();
for (const { place, change } of stale)
  console.error(`docs/mutation.md explains what is not there: ${place}: ${change}`);
const low = summaries.filter(({ score }) => score !== undefined && score < options.least);
for (const { contract, score } of low) console.error(`${contract}: only ${score} % were noticed`);
if (low.length > 0 || stale.length > 0) process.exitCode = 1;

function everyMutantOf({ entries, sources }: Subject): readonly Mutant[] {
  const asts = compiler.asts(entries);
  return sources.flatMap((file) => {
    const ast = asts.get(file);
    if (!ast) throw new Error(`${file} is no part of ${entries.join(", ")}`);
    return mutantsOf(file, compiler.read(file), ast);
  });
}

function printTable(): void {
  console.table(summaries.map(({ score, ...counts }) => ({ ...counts, "score %": score ?? "" })));
  const survivors = all.filter(({ outcome }) => outcome.kind === "survived");
  const open = survivors.filter(({ mutant }) => !isExplained(mutant, explanations));
  if (open.length > 0) console.log(`Survivors that nobody explains:\n${open.map(survivorText).join("\n")}`);
}

function printJson(): void {
  const mutants = all.map(({ mutant: { text: _, ...mutant }, outcome }) => ({
    ...mutant,
    ...outcome,
    ...(outcome.kind === "survived" && { explained: isExplained({ ...mutant, text: "" }, explanations) }),
  }));
  console.log(JSON.stringify({ seed: options.seed, contracts: summaries, mutants }, null, 2));
}
