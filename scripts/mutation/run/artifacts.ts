import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { CompiledContract } from "../compiler.ts";

/** The compiled contracts of a work folder, from which both test runners take what they deploy. */
export class Artifacts {
  readonly #folder: string;
  /** Texts as the build wrote them, of all that was ever replaced. */
  readonly #built = new Map<string, string>();

  /** @param folder where the build writes */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Puts this code in the place of the built one. What an earlier call replaced and this one does not name is as built again. */
  async replace(code: ReadonlyMap<string, CompiledContract>): Promise<void> {
    for (const [name, built] of this.#built) {
      if (!code.has(name)) await writeFile(this.#pathOf(name), built);
    }
    for (const [name, { bytecode, deployedBytecode }] of code) {
      const built = this.#built.get(name) ?? (await readFile(this.#pathOf(name), "utf8"));
      this.#built.set(name, built);
      const artifact = {
        ...(JSON.parse(built) as object),
        bytecode: `0x${bytecode.object}`,
        deployedBytecode: `0x${deployedBytecode.object}`,
        immutableReferences: deployedBytecode.immutableReferences ?? {},
      };
      await writeFile(this.#pathOf(name), JSON.stringify(artifact));
    }
  }

  /** @param name `file:Contract` */
  #pathOf(name: string): string {
    return join(this.#folder, `${name.replace(":", "/")}.json`);
  }
}
