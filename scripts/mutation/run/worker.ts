/** The process that compiles and tests mutants in its work folder. Started by `testBench.ts`; it ends with its parent. */
import { createHash } from "node:crypto";
import { join } from "node:path";

import hre from "hardhat";

import { type CompiledContract, CompileError, Compiler } from "../compiler.ts";
import type { Subject } from "../subjects.ts";
import { Artifacts } from "./artifacts.ts";
import type { Answer, Request } from "./messages.ts";
import { runMocha } from "./mochaRun.ts";
import { runSolidity } from "./solidityRun.ts";

const folder = process.cwd();
const settings: object = hre.config.solidity.profiles["default"]?.compilers[0]?.settings ?? {};
const compiler = new Compiler(folder, { ...settings });
const artifacts = new Artifacts(join(folder, "artifacts"));
/** Hashes of the code without any change, by the tests that were compiled with it. */
const originals = new Map<string, string>();
let subject: Subject | undefined;
let code: ReadonlyMap<string, CompiledContract> = new Map();

async function answerTo(request: Request): Promise<Answer> {
  switch (request.ask) {
    case "prepare":
      subject = request.subject;
      await build(subject);
      return compile(subject, new Map());
    case "control":
      return compile(prepared(), new Map(), new Compiler(folder, { ...settings, metadata: { appendCBOR: false } }));
    case "compile":
      return compile(prepared(), new Map([[request.file, request.text]]));
    case "test":
      return test(prepared());
  }
}

function prepared(): Subject {
  if (!subject) throw new Error("no contract was named");
  return subject;
}

function solidityTests({ tests }: Subject): readonly string[] {
  return tests.flatMap(({ runner, files }) => (runner === "solidity" ? files : []));
}

async function build(subject: Subject): Promise<void> {
  await hre.tasks.getTask("build").run({ quiet: true, noTests: true });
  const files = [...solidityTests(subject), ...subject.support];
  if (files.length > 0) await hre.tasks.getTask("build").run({ quiet: true, files });
}

function compile(subject: Subject, changed: ReadonlyMap<string, string>, by = compiler): Answer {
  const tests = [...changed.keys()].flatMap((file) => testsWith(file, subject));
  try {
    code = codeWith(subject, tests, changed, by);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { answer: "notCompiled", why: error.message };
  }
  const original = originals.get(tests.join()) ?? hashOf(codeWith(subject, tests, new Map(), compiler));
  originals.set(tests.join(), original);
  const codeHash = hashOf(code);
  return { answer: "compiled", codeHash, changed: codeHash !== original };
}

function codeWith(subject: Subject, tests: readonly string[], changed: ReadonlyMap<string, string>, by: Compiler) {
  const contracts = by.code(subject.entries, changed);
  return tests.length === 0 ? contracts : new Map([...contracts, ...by.code(tests, changed, tests)]);
}

/** Solidity tests that have the code of a library in their own: they have to be compiled with it. */
function testsWith(file: string, subject: Subject): readonly string[] {
  if (!/^library /m.test(compiler.read(file))) return [];
  return solidityTests(subject).filter((test) => compiler.read(test).includes(`/${file}"`));
}

function hashOf(contracts: ReadonlyMap<string, CompiledContract>): string {
  const hash = createHash("sha256");
  for (const [name, { bytecode }] of [...contracts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}:${bytecode.object};`);
  }
  return hash.digest("hex");
}

async function test({ tests }: Subject): Promise<Answer> {
  await artifacts.replace(code);
  for (const { runner, files } of tests) {
    const failed = runner === "mocha" ? await runMocha(files) : await runSolidity(hre, files);
    if (failed !== undefined) return { answer: "tested", failed };
  }
  return { answer: "tested", failed: undefined };
}

process.on("disconnect", () => process.exit());
process.on("message", (request: Request) => {
  answerTo(request).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ answer: "broken", why } satisfies Answer);
    },
  );
});
