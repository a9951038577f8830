/**
 * `node scripts/contracts/slither.ts`: Slither over the contracts as they were compiled last. Prints what
 * `scripts/contracts/slitherAccepted.ts` has no reason for, and each reason that nothing needs any more; exit code 1 if there is
 * any, or if Slither is not there. It is a Python program (`pip install slither-analyzer==0.11.6`), so it runs at night, and
 * `SLITHER` may name it. Its compiler is the npm package's, behind a script that speaks like the native one.
 */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { acceptedBySlither } from "./slitherAccepted.ts";

interface CompilerInput {
  readonly sources: Readonly<Record<string, { readonly content: string }>>;
  readonly settings: Record<string, unknown>;
}
interface Found {
  readonly check: string;
  readonly description: string;
}

const root = join(import.meta.dirname, "../..");
/** What Slither takes for the native compiler. */
const compilerScript = `#!${process.execPath}
const solc = require("node:module").createRequire(${JSON.stringify(join(root, "package.json"))})("solc");
if (process.argv.includes("--version")) console.log("solc\\nVersion: " + solc.version());
else {
  let text = "";
  process.stdin.on("data", (part) => (text += part));
  process.stdin.on("end", () => process.stdout.write(solc.compile(text)));
}
`;
const input = await newestInput(join(root, "artifacts/build-info"));
input.settings["outputSelection"] = {
  "*": { "*": ["abi", "metadata", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode"], "": ["ast"] },
};
const folder = await mkdtemp(join(tmpdir(), "affiant-slither-"));
try {
  const found = await runSlither(folder, input);
  const open = found.filter((one) => !acceptedBySlither.some((known) => isAccepted(one, known)));
  const stale = acceptedBySlither.filter((known) => !found.some((one) => isAccepted(one, known)));
  for (const { check, description } of open) console.error(`${check}: ${description.trim()}`);
  for (const { check, place } of stale) console.error(`no ${check} is found at ${place.source} any more: take it out`);
  console.log(`slither: ${found.length} findings, ${open.length} without a reason`);
  if (open.length > 0 || stale.length > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

function isAccepted({ check, description }: Found, known: (typeof acceptedBySlither)[number]): boolean {
  return check === known.check && known.place.test(description);
}

/** The compiler's input of the last build that has all of our contracts. */
async function newestInput(buildInfos: string): Promise<CompilerInput> {
  const sources = await readdir(join(root, "contracts"), { recursive: true });
  const ours = sources.filter((name) => name.endsWith(".sol")).map((name) => `project/contracts/${name}`);
  const names = (await readdir(buildInfos)).filter((name) => /^(?!.*\.output).*\.json$/.test(name));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(buildInfos, name))).mtimeMs })),
  );
  for (const { name } of dated.sort((a, b) => b.at - a.at)) {
    const info = JSON.parse(await readFile(join(buildInfos, name), "utf8")) as { input: CompilerInput };
    const built = Object.keys(info.input.sources);
    // A compilation of tests has what they import, and the tests.
    if (ours.every((file) => built.includes(file)) && !built.some((file) => /^project\/test\//.test(file)))
      return info.input;
  }
  throw new Error("nothing is compiled: run npm run build");
}

async function runSlither(folder: string, { sources, ...rest }: CompilerInput): Promise<readonly Found[]> {
  for (const [name, { content }] of Object.entries(sources)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  await writeFile(join(folder, "input.json"), JSON.stringify({ ...rest, sources }));
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/solc"), compilerScript);
  await chmod(join(folder, "bin/solc"), 0o755);
  const words = ["input.json", "--compile-force-framework", "solc-json", "--filter-paths", "npm/"];
  const program = process.env["SLITHER"] ?? "slither";
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
  const quiet = ["--exclude-informational", "--exclude-optimization", "--json", "found.json"];
  // It ends with another exit code than 0 when it finds something; what counts is what it wrote.
  const ran = promisify(execFile)(program, [...words, ...quiet], { cwd: folder, env, maxBuffer: 2 ** 26 });
  const problem: unknown = await ran.then(
    () => undefined,
    (error: unknown) => error,
  );
  const text = await readFile(join(folder, "found.json"), "utf8").catch(() => "{}");
  const { success, results } = JSON.parse(text) as { success?: boolean; results?: { detectors?: readonly Found[] } };
  if (success !== true)
    throw new Error(`${program} did not run: pip install slither-analyzer==0.11.6`, { cause: problem });
  return results?.detectors ?? [];
}
