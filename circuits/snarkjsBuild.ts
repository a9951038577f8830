import { createRequire } from "node:module";

/**
 * snarkjs in its CommonJS build, for the processes and threads that prove and verify: it loads in a fraction of the time
 * that the same library takes as hundreds of modules. Its curve is where `curve.ts` looks for it, in either build.
 */
export const { curves, groth16 } = createRequire(import.meta.url)("snarkjs") as typeof import("snarkjs");
