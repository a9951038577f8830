import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import type { AstNode } from "./mutants/ast.ts";

/** Code of one contract, as the compiler gives it. */
export interface Code {
  readonly object: string;
  readonly immutableReferences?: Readonly<Record<string, unknown>>;
}

export interface CompiledContract {
  readonly bytecode: Code;
  readonly deployedBytecode: Code;
}

interface SolcOutput {
  readonly errors?: readonly {
    readonly severity: string;
    readonly formattedMessage: string;
    readonly sourceLocation?: { readonly file: string };
  }[];
  readonly sources?: Readonly<Record<string, { readonly ast: AstNode }>>;
  readonly contracts?: Readonly<
    Record<string, Record<string, { readonly evm: { bytecode: Code; deployedBytecode: Code } }>>
  >;
}

/** The compiler's words are its message. */
export class CompileError extends Error {}

/**
 * The compiler on the sources of a folder, with the settings of `hardhat.config.ts` that matter to code. It runs in this
 * thread and keeps nothing between two compilations.
 */
export class Compiler {
  readonly #root: string;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #require: NodeJS.Require;

  constructor(root: string, settings: Readonly<Record<string, unknown>> = {}) {
    this.#root = root;
    // A hash of the source in the code would make every mutant another code.
    this.#settings = { ...settings, metadata: { ...(settings["metadata"] as object), bytecodeHash: "none" } };
    this.#require = createRequire(join(root, "package.json"));
  }

  /** @returns the analysed ASTs of these sources and of all that they import */
  asts(files: readonly string[]): ReadonlyMap<string, AstNode> {
    const { sources = {} } = this.#compile(files, { "*": { "": ["ast"] } }, new Map());
    return new Map(Object.entries(sources).map(([file, { ast }]) => [file, ast]));
  }

  /** @returns what the compiler warns of in files whose path begins with `start` */
  warnings(files: readonly string[], start: string): readonly string[] {
    const { errors = [] } = this.#compile(files, { "*": { "": ["ast"] } }, new Map());
    return errors
      .filter((error) => error.sourceLocation?.file.startsWith(start))
      .map((error) => error.formattedMessage);
  }

  /**
   * @param changed sources that are other than on disk
   * @returns code of every contract that has any, in files whose path begins with one of `inFiles`, by `file:Contract`
   * @throws CompileError
   */
  code(
    files: readonly string[],
    changed: ReadonlyMap<string, string>,
    inFiles: readonly string[] = ["contracts/"],
  ): ReadonlyMap<string, CompiledContract> {
    const wanted = ["evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"];
    const { contracts = {} } = this.#compile(files, { "*": { "*": wanted } }, changed);
    const found = new Map<string, CompiledContract>();
    for (const [file, byName] of Object.entries(contracts)) {
      if (!inFiles.some((start) => file.startsWith(start))) continue;
      for (const [name, { evm }] of Object.entries(byName)) {
        if (evm.bytecode.object !== "") found.set(`${file}:${name}`, evm);
      }
    }
    return found;
  }

  /** The text of a source as on disk. */
  read(file: string): string {
    return readFileSync(this.#pathOf(file), "utf8");
  }

  #compile(files: readonly string[], outputSelection: unknown, changed: ReadonlyMap<string, string>): SolcOutput {
    const solc = this.#require("solc") as {
      compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string;
    };
    const contentOf = (file: string): string => changed.get(file) ?? this.read(file);
    const input = {
      language: "Solidity",
      sources: Object.fromEntries(files.map((file) => [file, { content: contentOf(file) }])),
      settings: { ...this.#settings, outputSelection },
    };
    const importFile = (file: string) => {
      try {
        return { contents: contentOf(file) };
      } catch {
        return { error: `${file} is not there` };
      }
    };
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importFile })) as SolcOutput;
    const faults = (output.errors ?? []).filter(({ severity }) => severity === "error");
    if (faults.length > 0) throw new CompileError(faults.map((fault) => fault.formattedMessage).join("\n"));
    return output;
  }

  #pathOf(file: string): string {
    return file.startsWith("@") ? this.#require.resolve(file) : join(this.#root, file);
  }
}
