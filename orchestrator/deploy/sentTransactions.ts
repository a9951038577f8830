import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** A transaction of the deployment. Two with one nonce differ in their fees alone; one of them is mined. */
export interface SentTransaction {
  readonly nonce: number;
  readonly hash: string;
  /** The signed bytes, hex; absent if the node holds the key and signed by itself. */
  readonly raw?: string;
}

/**
 * What was signed, written down before it is sent: whatever a crash, a node or a reorganisation loses is sent again byte
 * for byte. An account and its nonce decide a contract's address, so that the same bytes make the same contracts.
 */
export class SentTransactions {
  readonly #path: string | undefined;
  readonly #all: SentTransaction[];

  /** @param path undefined = in memory alone */
  constructor(path?: string) {
    this.#path = path;
    this.#all = path === undefined ? [] : read(path);
  }

  get all(): readonly SentTransaction[] {
    return this.#all;
  }

  add(sent: SentTransaction): void {
    this.#all.push(sent);
    if (this.#path === undefined) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const file = openSync(this.#path, "a", 0o600);
    try {
      writeSync(file, `${JSON.stringify(sent)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  withNonce(nonce: number): readonly SentTransaction[] {
    return this.#all.filter((sent) => sent.nonce === nonce);
  }

  /** All that compete for the nonce of a hash, that one among them; empty if it is not ours. */
  rivalsOf(hash: string): readonly SentTransaction[] {
    const found = this.#all.find((sent) => sent.hash === hash);
    return found ? this.withNonce(found.nonce) : [];
  }

  /** Ascending, each once. */
  nonces(): readonly number[] {
    return [...new Set(this.#all.map(({ nonce }) => nonce))].sort((a, b) => a - b);
  }
}

function read(path: string): SentTransaction[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  // A last line without its end is one that a crash cut off: it was not sent, since sending comes after the fsync.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      try {
        return JSON.parse(line) as SentTransaction;
      } catch (cause) {
        throw new AffiantError("ERR_INPUT_FILE", `${path} is damaged`, { cause });
      }
    });
}
