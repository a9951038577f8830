import { createRequire } from "node:module";

// Erased: the module itself is what this file exists not to load.
import type * as Snarkjs from "snarkjs";

/**
 * snarkjs in its CommonJS build, for the processes and threads that prove and verify: it loads in a fraction of the time
 * that the same library takes as hundreds of modules. Its curve is where `curve.ts` looks for it, in either build.
 */
export const { curves, groth16 } = createRequire(import.meta.url)("snarkjs") as typeof Snarkjs;
