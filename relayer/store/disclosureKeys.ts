import { randomBytes } from "node:crypto";
import { closeSync, constants, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

import { storageError } from "./database.ts";

const keyBytes = 32;

/**
 * The keys that disclosures are sealed under, 32 bytes a slot, in a file of their own. A database cannot promise to forget:
 * its write-ahead log, and pages whose rows moved, keep copies even under `secure_delete`. Here a slot has one place, and
 * erasing is one write of zeros over it. A slot is never used twice; one whose commit failed stays unused.
 */
export class DisclosureKeys {
  readonly #fd: number;
  #next: number;

  /** @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  constructor(file: string) {
    try {
      this.#fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
      // A torn write at the end is passed over.
      this.#next = Math.ceil(fstatSync(this.#fd).size / keyBytes);
    } catch (cause) {
      throw storageError(cause);
    }
  }

  /** A fresh key, on disk when {@link sync} returned. @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  add(): { slot: number; key: Uint8Array } {
    const slot = this.#next++;
    const key = randomBytes(keyBytes);
    this.#write(slot, key);
    return { slot, key };
  }

  /** The key of a slot; undefined for one that was erased or is not there. */
  read(slot: number): Uint8Array | undefined {
    const key = Buffer.alloc(keyBytes);
    if (readSync(this.#fd, key, 0, keyBytes, slot * keyBytes) !== keyBytes) return undefined;
    return key.every((byte) => byte === 0) ? undefined : key;
  }

  /** Overwrites a key, and returns when that is on disk. @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  erase(slot: number): void {
    this.#write(slot, Buffer.alloc(keyBytes));
    this.sync();
  }

  /** @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  sync(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (cause) {
      throw storageError(cause);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(slot: number, bytes: Uint8Array): void {
    try {
      const written = writeSync(this.#fd, bytes, 0, keyBytes, slot * keyBytes);
      if (written !== keyBytes) throw new Error(`${written} of ${keyBytes} bytes were written`);
    } catch (cause) {
      throw storageError(cause);
    }
  }
}
