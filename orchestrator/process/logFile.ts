import { closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Where a child's output goes. The child writes to the file itself: a pipe through the parent would break with the
 * parent, and the last words of a crash are the ones that matter.
 */
export class LogFile {
  readonly path: string;
  /** Where the output of the present run begins. */
  readonly #start: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.#start = withFile(path, "a", () => statSync(path).size);
  }

  /** Lends the open file, for a child to inherit. */
  lend<T>(use: (fd: number) => T): T {
    return withFile(this.path, "a", use);
  }

  /** What the present run has written: its first megabyte. */
  head(): string {
    return this.#read(this.#start, 1 << 20);
  }

  /** The last lines of the present run, for an error message. */
  tail(lineCount: number): readonly string[] {
    const from = Math.max(this.#start, statSync(this.path).size - 16_384);
    return this.#read(from, 16_384).trimEnd().split("\n").slice(-lineCount);
  }

  #read(from: number, maxBytes: number): string {
    const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, statSync(this.path).size - from)));
    const length = withFile(this.path, "r", (fd) => readSync(fd, buffer, 0, buffer.length, from));
    return buffer.toString("utf8", 0, length);
  }
}

function withFile<T>(path: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
