import type { Json } from "../json/canonical.ts";

/** What the output of a refusal may hold, each a text: the code or the reason it was refused for, and words or a rule. */
const keys: ReadonlySet<string> = new Set(["refused", "reason", "detail", "rule"]);

/**
 * Whether an output says that nothing was done: `{ refused | reason, detail?, rule? }` and nothing else. The `kind` of an
 * entry is its author's own word; one that is called a refusal while its output tells of a payment is an act.
 */
export function isRefusalOutput(output: Json | undefined): boolean {
  if (typeof output !== "object" || output === null || Array.isArray(output)) return false;
  const parts = Object.entries(output as { readonly [key: string]: Json });
  if (!parts.every(([key, value]) => keys.has(key) && typeof value === "string")) return false;
  return parts.some(([key, value]) => (key === "refused" || key === "reason") && value !== "");
}
