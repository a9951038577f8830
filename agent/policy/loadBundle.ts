import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { parse } from "yaml";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { carryOverHint } from "./carryOver.ts";
import { parsePolicyBundle } from "../../protocol/policy/parseBundle.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";

/**
 * Reads a policy folder: `bundle.yaml` (name, description, facts, undecidable), `schema.cedarschema`, `policy.cedar`.
 * The three become one bundle, checked as a whole.
 * @throws AffiantError ERR_INPUT_FILE when a file cannot be read, ERR_INPUT_POLICY when what it says is not valid
 */
export async function loadPolicyBundle(folder: string): Promise<PolicyBundle> {
  const [head, schema, policies] = await Promise.all([
    readText(folder, "bundle.yaml"),
    readText(folder, "schema.cedarschema"),
    readText(folder, "policy.cedar"),
  ]);
  try {
    return parsePolicyBundle({ ...headOf(head, folder), format: "affiant-policy/1", schema, policies });
  } catch (error) {
    if (!isAffiantError(error, "ERR_INPUT_POLICY") || error.hint !== undefined) throw error;
    const hint = carryOverHint({ schema, policies });
    throw hint === undefined ? error : new AffiantError(error.code, error.message, { hint, cause: error.cause });
  }
}

function headOf(text: string, folder: string): object {
  let head: unknown;
  try {
    // Only plain JSON values: a date or a custom tag has no canonical form to hash.
    head = parse(text, { schema: "core", maxAliasCount: 0 });
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AffiantError("ERR_INPUT_POLICY", `${join(folder, "bundle.yaml")}: ${words}`, { cause });
  }
  if (typeof head !== "object" || head === null || Array.isArray(head)) {
    throw new AffiantError("ERR_INPUT_POLICY", `${join(folder, "bundle.yaml")} is not a mapping`);
  }
  for (const key of ["format", "schema", "policies"]) {
    if (key in head) throw new AffiantError("ERR_INPUT_POLICY", `bundle.yaml may not hold \`${key}\``);
  }
  return head;
}

async function readText(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  try {
    // Line ends are normalised: a checkout on another system must not change the policy's hash.
    return (await readFile(file, "utf8")).replaceAll("\r\n", "\n");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read`, {
      hint: "A policy folder holds bundle.yaml, schema.cedarschema and policy.cedar.",
      cause,
    });
  }
}
