/** Thread that checks one policy bundle after another; it knows neither store nor HTTP. */
import { parentPort } from "node:worker_threads";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCanonicalJson } from "../../protocol/json/canonical.ts";
import { parsePolicyBundle } from "../../protocol/policy/parseBundle.ts";

/** The words of the refusal, or null for a good bundle. */
export interface PolicyAnswer {
  readonly refusal: string | null;
}

parentPort?.on("message", (bundle: string) => {
  parentPort?.postMessage({ refusal: refusalOf(bundle) } satisfies PolicyAnswer);
});

function refusalOf(bundle: string): string | null {
  try {
    parsePolicyBundle(parseCanonicalJson(bundle));
    return null;
  } catch (error) {
    if (isAffiantError(error)) return error.message;
    throw error;
  }
}
