import { type Generator } from "./generatedFile.ts";
import { typeHashes } from "./typeHashes.ts";

/** Every generator of a committed file. `all.ts` writes what they return, `scripts/check/generated.ts` compares it. */
export const generators: readonly Generator[] = [typeHashes];
