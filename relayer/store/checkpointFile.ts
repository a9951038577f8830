import { closeSync, constants, fdatasync, fdatasyncSync, openSync, readFileSync, write, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { storageError } from "./database.ts";

const slotBytes = 4096;
const writeAt = promisify(write);
const syncData = promisify(fdatasync);

/**
 * The last signed checkpoint, outside the database, so that a database put back from a backup is caught: what was
 * signed once can never be signed otherwise. Two slots are written in turn and synced before anybody sees the note; a
 * torn write spoils one slot (its signature no longer verifies), never both.
 */
export class CheckpointFile {
  readonly #fds: readonly [number, number];
  #turn: 0 | 1 = 0;

  constructor(dir: string) {
    const open = (slot: number) =>
      openSync(join(dir, `checkpoint.${slot}`), constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#fds = [open(0), open(1)];
  }

  /** The text of both slots, empty or torn ones included: the caller verifies. For the start only. */
  read(): [string, string] {
    const text = (fd: number) => readFileSync(fd, "utf8").replace(/\0+$/, "");
    return [text(this.#fds[0]), text(this.#fds[1])];
  }

  /** @param slot index of the slot that must survive, e.g. the one that held the newest note at the start */
  keep(slot: 0 | 1): void {
    this.#turn = slot === 0 ? 1 : 0;
  }

  /** One at a time. @throws AffiantError ERR_UNAVAILABLE_STORAGE */
  async write(note: string): Promise<void> {
    const fd = this.#fds[this.#turn];
    try {
      const { bytesWritten } = await writeAt(fd, slotOf(note), 0, slotBytes, 0);
      assertWhole(bytesWritten);
      await syncData(fd);
    } catch (cause) {
      throw storageError(cause);
    }
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  /** {@link write}, for the start. */
  writeNow(note: string): void {
    const fd = this.#fds[this.#turn];
    try {
      assertWhole(writeSync(fd, slotOf(note), 0, slotBytes, 0));
      fdatasyncSync(fd);
    } catch (cause) {
      throw storageError(cause);
    }
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

function slotOf(note: string): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  if (bytes.write(note, "utf8") !== Buffer.byteLength(note)) throw new Error("note exceeds its slot");
  return bytes;
}

function assertWhole(bytesWritten: number): void {
  if (bytesWritten !== slotBytes) throw new Error("the disk took a part of the note");
}
