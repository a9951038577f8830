import { attestationVectors } from "./attestationVectors.ts";
import type { Generator } from "./generatedFile.ts";
import { rfc9162Vectors } from "./rfc9162Vectors.ts";
import { sdkSurface } from "./sdkSurface.ts";
import { typeHashes } from "./typeHashes.ts";

/** Every generator of a committed file. `all.ts` writes what they return, `scripts/check/generated.ts` compares it. */
export const generators: readonly Generator[] = [attestationVectors, rfc9162Vectors, sdkSurface, typeHashes];
