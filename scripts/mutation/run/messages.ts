import type { Subject } from "../subjects.ts";

/** What the process that runs tests is asked. It answers each request once, in order. */
export type Request =
  | { readonly ask: "prepare"; readonly subject: Subject }
  /** The contract as it is, in other bytes: without the compiler's mark at their end. */
  | { readonly ask: "control" }
  /** @property text the mutated source; the code that it gives is what is tested next */
  | { readonly ask: "compile"; readonly file: string; readonly text: string }
  | { readonly ask: "test" };

export type Answer =
  /**
   * @property codeHash of all the code; mutants of one hash are one mutant
   * @property changed whether it is other code than the original
   */
  | { readonly answer: "compiled"; readonly codeHash: string; readonly changed: boolean }
  | { readonly answer: "notCompiled"; readonly why: string }
  /** @property failed the test that did; undefined if all passed */
  | { readonly answer: "tested"; readonly failed: string | undefined }
  | { readonly answer: "broken"; readonly why: string };
