import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type KeyDid, parseKeyDidText } from "../../../protocol/did/key.ts";
import { formatContractFile, parseContractFile } from "../../../protocol/ucan/contractFile.ts";
import type { Delegation } from "../../../protocol/ucan/delegation.ts";
import { nameOfGrant } from "./grant.ts";

/**
 * `<data>/contracts/`: how the shop's agents hand each other their public keys and contracts. Nothing in it is secret:
 * a contract is of use only to the holder of the key that it is made out to.
 */
export class ContractFolder {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, "contracts");
    mkdirSync(this.#path, { recursive: true });
  }

  publishKey(agent: string, key: KeyDid): void {
    this.#write(`${agent}.key`, `${key}\n`);
  }

  /** @returns undefined if the agent has not started yet */
  keyOf(agent: string): KeyDid | undefined {
    const text = this.#read(`${agent}.key`);
    return text === undefined ? undefined : parseKeyDidText(text.trim());
  }

  publish(holder: string, command: string, contract: Delegation): void {
    this.#write(fileOf(holder, command), formatContractFile([contract]));
  }

  /** The contract that lets `holder` do `command`. @returns undefined if nobody has granted it */
  find(holder: string, command: string): Delegation | undefined {
    const text = this.#read(fileOf(holder, command));
    return text === undefined ? undefined : parseContractFile(text)[0];
  }

  /** Whole or not at all: another process may be reading. */
  #write(name: string, text: string): void {
    writeFileSync(join(this.#path, `${name}.new`), text);
    renameSync(join(this.#path, `${name}.new`), join(this.#path, name));
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.#path, name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

function fileOf(holder: string, command: string): string {
  return `${nameOfGrant(command)}.${holder}.json`;
}
