import { type Document, isCollection, isNode, isScalar, LineCounter, parseDocument } from "yaml";

/** Where in the document, from its root. */
export type Path = readonly (string | number)[];

/** What is wrong at a place of a descriptor. Codes are stable; messages are for people. */
export interface DescriptorProblem {
  readonly code: ProblemCode;
  readonly path: Path;
  /** Counts from 1. Absent if the place is not in the file. */
  readonly line?: number;
  readonly message: string;
}

export type ProblemCode =
  | "syntax"
  | "schema"
  | "missing-field"
  | "unknown-field"
  | "duplicate-name"
  | "unknown-agent"
  | "unknown-site"
  | "unknown-command"
  | "self-reference"
  | "cycle"
  | "contradiction"
  | "missing-file"
  | "capacity";

/** A descriptor's text with the line of each of its places. */
export class DescriptorSource {
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
  }

  /** What keeps it from being YAML, or makes it ambiguous. */
  syntaxProblems(): readonly DescriptorProblem[] {
    return [...this.#document.errors, ...this.#document.warnings].map(({ message, linePos }) => ({
      code: "syntax",
      path: [],
      ...(linePos ? { line: linePos[0].line } : {}),
      message: (message.split("\n")[0] ?? "").replace(/ at line \d+.*$/, ""),
    }));
  }

  /** The document as plain values. Aliases are expanded within limits: a descriptor is small. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 }) as unknown;
  }

  problem(code: ProblemCode, path: Path, message: string): DescriptorProblem {
    const line = this.#lineOf(path);
    return { code, path, ...(line === undefined ? {} : { line }), message };
  }

  /** The line of a key or of an item; of the nearest place above it that is in the file. */
  #lineOf(path: Path): number | undefined {
    for (let length = path.length; length >= 0; length--) {
      const offset = this.#offsetOf(path.slice(0, length));
      if (offset !== undefined) return this.#lines.linePos(offset).line;
    }
    return undefined;
  }

  #offsetOf(path: Path): number | undefined {
    const last = path.at(-1);
    const parent = path.length === 0 ? undefined : this.#document.getIn(path.slice(0, -1), true);
    if (typeof last === "string" && isCollection(parent)) {
      for (const item of parent.items) {
        const { key } = item as { key?: unknown };
        if (isScalar(key) && key.value === last) return key.range?.[0];
      }
    }
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    return isNode(node) ? node.range?.[0] : undefined;
  }
}

/** `agents.1.name`, or `the descriptor` for its root. */
export function formatPath(path: Path): string {
  return path.length === 0 ? "the descriptor" : path.join(".");
}
