import type { Mutant } from "./mutants/mutant.ts";
import { Stuck, TestBench } from "./run/testBench.ts";
import type { Subject } from "./subjects.ts";

export type Outcome =
  /** @property by the test that failed */
  | { readonly kind: "killed"; readonly by: string }
  | { readonly kind: "survived" }
  /** No test came to an end. */
  | { readonly kind: "timedOut"; readonly why: string }
  | { readonly kind: "notCompiled"; readonly why: string }
  /** The compiler gives the same code as without the change: nothing can tell them apart. */
  | { readonly kind: "equivalent" }
  /** The same code as another mutant's, which was tested. */
  | { readonly kind: "duplicate" };

export interface MutantResult {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
}

export interface RunOptions {
  /** Of the repository. */
  readonly root: string;
  readonly subject: Subject;
  readonly mutants: readonly Mutant[];
  /** How many are tested side by side, each in a work folder of its own. */
  readonly jobs: number;
  readonly onResult?: (result: MutantResult) => void;
}

/** However slow the machine is. */
const leastTimeoutMs = 180_000;

/**
 * Compiles and tests each mutant.
 * @returns the results in the order of the mutants
 * @throws Error if the tests fail without any mutation: then their failures would say nothing
 */
export async function runMutants({ root, subject, mutants, jobs, onResult }: RunOptions) {
  const queue = [...mutants.entries()];
  const results: MutantResult[] = [];
  const seen = new Set<string>();
  const work = async (): Promise<void> => {
    const bench = new TestBench(root, subject);
    try {
      await bench.open();
      const timeoutMs = Math.max(leastTimeoutMs, 10 * (await controlMs(bench, subject)));
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [at, mutant] = next;
        const result = { mutant, outcome: await outcomeOf(bench, mutant, seen, timeoutMs) };
        results[at] = result;
        onResult?.(result);
      }
    } finally {
      await bench.close();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, mutants.length)) }, work));
  return results;
}

/**
 * The same contract in other bytes has to pass. So a mutant fails for what it does, and not because its code is not that
 * of the build.
 */
async function controlMs(bench: TestBench, subject: Subject): Promise<number> {
  const before = Date.now();
  await bench.ask({ ask: "control" }, leastTimeoutMs);
  const answer = await bench.ask({ ask: "test" }, 10 * leastTimeoutMs);
  if (answer.answer === "tested" && answer.failed === undefined) return Date.now() - before;
  throw new Error(`${subject.name} fails without any mutation: ${JSON.stringify(answer)}`);
}

async function outcomeOf(bench: TestBench, mutant: Mutant, seen: Set<string>, timeoutMs: number): Promise<Outcome> {
  try {
    const compiled = await bench.ask({ ask: "compile", file: mutant.file, text: mutant.text }, timeoutMs);
    if (compiled.answer === "notCompiled") return { kind: "notCompiled", why: compiled.why };
    if (compiled.answer !== "compiled") throw new Error(`an answer to something else: ${compiled.answer}`);
    if (!compiled.changed) return { kind: "equivalent" };
    if (seen.has(compiled.codeHash)) return { kind: "duplicate" };
    seen.add(compiled.codeHash);
    const tested = await bench.ask({ ask: "test" }, timeoutMs);
    if (tested.answer !== "tested") throw new Error(`an answer to something else: ${tested.answer}`);
    return tested.failed === undefined ? { kind: "survived" } : { kind: "killed", by: tested.failed };
  } catch (error) {
    if (error instanceof Stuck) return { kind: "timedOut", why: error.message };
    throw error;
  }
}
