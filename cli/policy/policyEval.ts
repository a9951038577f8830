import { readFile } from "node:fs/promises";

import type { Command } from "commander";
import { parse } from "yaml";

import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { compilePolicy } from "../../protocol/policy/compile.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { columns } from "../output.ts";
import { judgeExample, readExampleAct, wrong } from "./judgeExample.ts";

export function policyEvalCommand(): Command {
  return command(
    "eval",
    "Judge one act by a policy, and show the facts: an act is { act, input, output, context, before: [acts] }, JSON or YAML.",
    "local",
    ["affiant policy eval examples/airline/policy act.json"],
  )
    .argument("<folder>")
    .argument("<file>", "the act; - for standard input")
    .action(
      run<CommonFlags, [string, string]>(async (_session, _flags, folder, file) => {
        const policy = compilePolicy(await loadPolicyBundle(folder));
        const act = readExampleAct(await readValue(file), file);
        const { outcome, findings, facts } = await judgeExample(policy, act);
        const unknown = Object.fromEntries(facts.unknown);
        const declared = [...(policy.acts.get(act.act)?.keys() ?? [])];
        const absent = declared.filter((name) => !Object.hasOwn(facts.context, name) && !facts.unknown.has(name));
        return {
          ok: outcome === "conforms",
          data: { act: act.act, outcome, findings, facts: facts.context, unknown, absent },
          lines: [
            ...columns([
              ["act", act.act],
              ["verdict", outcome],
            ]),
            ...findings.map((found) => `  ${found.outcome}: ${found.rule} (${found.ruleId}; ${found.detail})`),
            ...(declared.length === 0 ? [] : ["facts"]),
            ...Object.entries(facts.context).map(([name, value]) => `  ${name} = ${JSON.stringify(value)}`),
            ...Object.entries(unknown).map(([name, why]) => `  ${name} is unknown: ${why}`),
            ...absent.map((name) => `  ${name} is absent`),
          ],
        };
      }),
    );
}

async function readValue(file: string): Promise<unknown> {
  try {
    const text = await (file === "-" ? readStandardInput() : readFile(file, "utf8"));
    return parse(text, { schema: "core", maxAliasCount: 0 }) as unknown;
  } catch (cause) {
    throw wrong(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
