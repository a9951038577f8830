/** A node of the compiler's AST: Solidity, or the Yul in an assembly block. */
export interface AstNode {
  readonly nodeType: string;
  /** Offset and length in bytes of UTF-8, and the number of the source: `120:14:3`. */
  readonly src: string;
  readonly name?: string;
  readonly operator?: string;
  readonly kind?: string;
  readonly value?: string;
  readonly prefix?: boolean;
  readonly subdenomination?: string | null;
  readonly [child: string]: unknown;
}

/** Where a node stands: what it is in, from the outermost to its parent. */
export type Ancestors = readonly AstNode[];

/** A source, addressed as the compiler addresses it: by bytes. */
export class SourceText {
  readonly file: string;
  readonly #bytes: Buffer;

  /** @param file as the compiler knows it, such as `contracts/LogAnchor.sol` */
  constructor(file: string, text: string) {
    this.file = file;
    this.#bytes = Buffer.from(text, "utf8");
  }

  slice(start: number, end: number): string {
    return this.#bytes.subarray(start, end).toString("utf8");
  }

  /** The whole text with one part replaced. */
  replaced(start: number, end: number, by: string): string {
    return `${this.slice(0, start)}${by}${this.slice(end, this.#bytes.length)}`;
  }

  /** Counted from 1. */
  lineOf(start: number): number {
    return this.slice(0, start).split("\n").length;
  }

  /** What stands before and behind a part on the lines where it begins and ends. */
  aroundOnItsLines(start: number, end: number): { before: string; after: string } {
    const before = this.slice(0, start).split("\n").at(-1) ?? "";
    const after = this.slice(end, this.#bytes.length).split("\n")[0] ?? "";
    return { before, after };
  }

  /** Offset behind the next `;`, if nothing but space comes before it. */
  behindSemicolon(end: number): number | undefined {
    const found = /^\s*;/.exec(this.slice(end, Math.min(end + 100, this.#bytes.length)));
    return found ? end + found[0].length : undefined;
  }
}

export function rangeOf(node: AstNode): { start: number; end: number } {
  const [start = NaN, length = NaN] = node.src.split(":").map(Number);
  return { start, end: start + length };
}

export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "nodeType" in value && "src" in value;
}

/** Calls `visit` for every node, outer ones first. */
export function walk(node: AstNode, visit: (node: AstNode, ancestors: Ancestors) => void, ancestors: AstNode[] = []) {
  visit(node, ancestors);
  const inside = [...ancestors, node];
  const enter = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(enter);
    else if (isNode(value)) walk(value, visit, inside);
  };
  Object.values(node).forEach(enter);
}
