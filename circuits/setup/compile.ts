import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

export const root = join(import.meta.dirname, "../..");

export interface CompiledCircuit {
  readonly r1cs: string;
  readonly wasm: string;
  readonly sym: string;
}

/**
 * Compiles one circuit with the flags that its keys were made for. `--O2` decides which constraints there are: another
 * level is another circuit, with other keys. The compiler runs from the root of the repository, because its WASI file
 * system sees only what lies below the working directory and its parents.
 *
 * @param source path of the circuit, relative to the root
 * @param into absolute path of a folder below the root
 * @throws AffiantError ERR_INPUT_FILE with the compiler's words
 */
export async function compileCircuit(source: string, into: string): Promise<CompiledCircuit> {
  await mkdir(into, { recursive: true });
  const circom = createRequire(import.meta.url).resolve("circom2/cli.js");
  const flags = ["--r1cs", "--wasm", "--sym", "--O2", "-l", "node_modules", "-o", relative(root, into)];
  try {
    await promisify(execFile)(process.execPath, [circom, source, ...flags], { cwd: root, maxBuffer: 64 << 20 });
  } catch (cause) {
    const words = (cause as { stderr?: string; stdout?: string }).stderr ?? "";
    throw new AffiantError("ERR_INPUT_FILE", `circom rejects ${source}:\n${words}`, { cause });
  }
  const name = basename(source, ".circom");
  return {
    r1cs: join(into, `${name}.r1cs`),
    wasm: join(into, `${name}_js`, `${name}.wasm`),
    sym: join(into, `${name}.sym`),
  };
}
