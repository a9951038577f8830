/**
 * `npm run check:contracts`: what usual static analysers ask of contracts, by the compiler's own tree. Prints each finding that
 * `scripts/contracts/accepted.ts` has no reason for, each reason that nothing needs any more, and each warning of the compiler;
 * exit code 1 if there is any.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { accepted, isAccepted } from "../contracts/accepted.ts";
import { CallGraph } from "../contracts/callGraph.ts";
import { findingsIn, rules } from "../contracts/findings.ts";
import { Compiler } from "../mutation/compiler.ts";
import type { AstNode } from "../mutation/mutants/ast.ts";

const root = join(import.meta.dirname, "../..");
const sources = readdirSync(join(root, "contracts"), { recursive: true, encoding: "utf8" });
const files = sources.filter((name) => name.endsWith(".sol")).map((name) => `contracts/${name}`);
const compiler = new Compiler(root);
const asts = compiler.asts(files);
const warnings = compiler.warnings(files, "contracts/");
const ours = new Set(files.flatMap((file) => (asts.get(file)?.["nodes"] ?? []) as readonly AstNode[]));
const findings = findingsIn(new CallGraph(asts.values()), (node) => ours.has(node));

const open = findings.filter((finding) => !accepted.some((known) => isAccepted(finding, known)));
const stale = accepted.filter((known) => !findings.some((finding) => isAccepted(finding, known)));
for (const warning of warnings) console.error(warning);
for (const { rule, place, detail } of open) console.error(`${place}: ${rules[rule]}${detail && ` (${detail})`}`);
for (const { rule, place } of stale)
  console.error(`no ${rule} is found at ${place.source} any more: take the reason out`);
console.log(`contracts: ${findings.length} findings, ${open.length} without a reason, ${warnings.length} warnings`);
if (warnings.length > 0 || open.length > 0 || stale.length > 0) process.exitCode = 1;
