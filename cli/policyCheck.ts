import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { columns } from "./output.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
import { compilePolicy } from "../protocol/policy/compile.ts";
import { policyHashOf } from "../protocol/policy/policyHash.ts";

export function policyCheckCommand(): Command {
  return command(
    "check",
    "Check a policy folder (bundle.yaml, schema.cedarschema, policy.cedar) with Cedar's validator and show its hash.",
    "local",
    ["affiant policy check examples/airline/policy"],
  )
    .argument("<folder>")
    .action(
      run<CommonFlags, [string]>(async (_session, _flags, folder) => {
        const bundle = await loadPolicyBundle(folder);
        const policyHash = policyHashOf(bundle);
        const rules = [...compilePolicy(bundle).rules.values()].map(({ id, rule }) => ({ id, rule }));
        return {
          data: { name: bundle.name, policyHash, rules, undecidable: bundle.undecidable },
          lines: [
            ...columns([
              ["policy", bundle.name],
              ["hash", policyHash],
              ["facts", Object.keys(bundle.facts).length],
              ["rules", rules.length],
            ]),
            ...rules.map(({ id, rule }) => `  ${id}: ${rule}`),
            ...(bundle.undecidable.length > 0 ? ["not decidable from a log of acts"] : []),
            ...bundle.undecidable.map(({ rule, why }) => `  ${rule} (${why})`),
          ],
        };
      }),
    );
}
