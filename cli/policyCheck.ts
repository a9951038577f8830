import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { columns } from "./output.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
import { absenceRemarks, factsLookingBack } from "../protocol/policy/absence.ts";
import { compilePolicy, type CompiledPolicy } from "../protocol/policy/compile.ts";
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
        const compiled = compilePolicy(bundle);
        const rules = [...compiled.rules.values()].map(({ id, rule }) => ({ id, rule }));
        const warnings = warningsOf(compiled);
        return {
          data: { name: bundle.name, policyHash, rules, undecidable: bundle.undecidable, warnings },
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
            ...(warnings.length > 0 ? ["warnings"] : []),
            ...warnings.map((warning) => `  ${warning}`),
          ],
        };
      }),
    );
}

/** What is allowed and seldom meant. */
function warningsOf(policy: CompiledPolicy): readonly string[] {
  const looking = factsLookingBack(policy);
  const noThread =
    policy.thread === undefined && looking.length > 0
      ? [`no thread is named: rules that look at ${looking.join(", ")} can be broken, and never be called kept`]
      : [];
  const byPlace = Map.groupBy(absenceRemarks(policy), ({ operator, operand }) => `${operand} ${operator}`);
  const absences = [...byPlace.values()].flatMap((remarks) => {
    const [first] = remarks;
    if (!first) return [];
    const { operator, operand } = first;
    const facts = remarks.map(({ fact }) => fact).join(", ");
    const where = operator === "?" ? "the condition of ? :" : `"${operator}"`;
    return [
      `${where} is false where ${operand} is absent, and @needs does not see it; ask $exists(${operand}) first (${facts})`,
    ];
  });
  return [...noThread, ...absences];
}
