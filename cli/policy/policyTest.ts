import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Command } from "commander";
import { isMap, isSeq, LineCounter, parseDocument } from "yaml";

import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { builtInRules } from "../../protocol/policy/types.ts";
import { compilePolicy, type CompiledPolicy } from "../../protocol/policy/compile.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { type ExampleAct, judgeExample, readExampleAct, wrong } from "./judgeExample.ts";

interface Example extends ExampleAct {
  readonly name: string;
  readonly expect: "conforms" | "violates" | "undecidable";
  /** Rules that must not hold, and no others. */
  readonly rules?: readonly string[];
  /** Where it stands in the file. */
  readonly line: number;
}

interface Flags extends CommonFlags {
  readonly examples?: string;
}

const verdicts: readonly unknown[] = ["conforms", "violates", "undecidable"];

export function policyTestCommand(): Command {
  return command(
    "test",
    "Judge the examples of a policy (examples.yaml in its folder) and compare: a list of { name, act, input, output, context, " +
      "before, expect: conforms | violates | undecidable, rules: [ids] }. Rules that no example breaks are named.",
    "local",
    ["affiant policy test ./policy", "affiant policy test ./policy --examples more.yaml"],
  )
    .argument("<folder>")
    .option("--examples <file>", "another file of examples")
    .action(
      run<Flags, [string]>(async (_session, flags, folder) => {
        const policy = compilePolicy(await loadPolicyBundle(folder));
        const file = flags.examples ?? join(folder, "examples.yaml");
        const examples = await readExamples(file, policy);
        const broken = new Set<string>();
        const results = [];
        for (const example of examples) {
          const { outcome, findings } = await judgeExample(policy, example);
          for (const { ruleId, outcome: found } of findings) if (found === "violated") broken.add(ruleId);
          const found = findings.map(({ ruleId }) => ruleId).sort();
          const isRight =
            outcome === example.expect &&
            (example.rules === undefined || [...example.rules].sort().join("\n") === found.join("\n"));
          results.push({
            name: example.name,
            line: example.line,
            isRight,
            expected: example.expect,
            outcome,
            findings,
          });
        }
        const wrongs = results.filter(({ isRight }) => !isRight);
        const untried = [...policy.rules.values()].filter(({ id, effect }) => effect === "forbid" && !broken.has(id));
        return {
          ok: wrongs.length === 0,
          data: { examples: results, wrong: wrongs.length, neverBroken: untried.map(({ id }) => id) },
          lines: [
            ...wrongs.flatMap(({ name, line, expected, outcome, findings }) => [
              `${file}, line ${line}: ${name}: ${outcome}, not ${expected}`,
              ...findings.map((found) => `  ${found.outcome}: ${found.rule} (${found.ruleId}; ${found.detail})`),
            ]),
            `${results.length} examples, ${wrongs.length} wrong`,
            ...(untried.length === 0 ? [] : [`no example breaks ${untried.map(({ id }) => id).join(", ")}`]),
          ],
        };
      }),
    );
}

/** @throws AffiantError ERR_INPUT_FILE with line and column */
async function readExamples(file: string, policy: CompiledPolicy): Promise<readonly Example[]> {
  const lines = new LineCounter();
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw wrong(`${file} cannot be read`, cause);
  }
  const document = parseDocument(text, { schema: "core", lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) throw wrong(`${file}: ${fault.message}`, fault);
  if (!isSeq(document.contents) || document.contents.items.length === 0) throw wrong(`${file} is no list of examples`);
  const known = new Set([...policy.rules.keys(), ...Object.keys(builtInRules)]);
  return document.contents.items.map((item, at) => {
    const { line, col } = lines.linePos(isMap(item) ? (item.range?.[0] ?? 0) : 0);
    const where = `${file}, line ${line}, column ${col}`;
    const value = (item as { toJSON(): unknown }).toJSON();
    const act = readExampleAct(value, where, ["name", "expect", "rules"]);
    const { name = `example ${at + 1}`, expect, rules } = value as Record<string, unknown>;
    if (typeof name !== "string") throw wrong(`${where}: \`name\` is no text`);
    if (!verdicts.includes(expect)) throw wrong(`${where}: \`expect\` is none of ${verdicts.join(", ")}`);
    if (rules !== undefined && !Array.isArray(rules)) throw wrong(`${where}: \`rules\` is no list of rules`);
    const stranger = ((rules ?? []) as unknown[]).find((rule) => !known.has(rule as string));
    if (stranger !== undefined) throw wrong(`${where}: the policy has no rule ${JSON.stringify(stranger)}`);
    return { ...act, name, expect, line, ...(rules === undefined ? {} : { rules }) } as Example;
  });
}
