import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** One JSON value of a file, still as text. */
export interface JsonPiece {
  readonly text: string;
  /** Which top-level array it is an element of, counted from 0; null for a value that stands by itself. */
  readonly array: number | null;
  /** Character position in the file, for messages. */
  readonly offset: number;
  /** Of JSON Lines: which line, from 1. */
  readonly line?: number;
}

/** One piece is one conversation; more than this is not a transcript, and memory has an end. */
const maxPieceChars = 64 << 20;

/**
 * Cuts a stream of JSON text into the elements of its top-level arrays and the values beside them, so that a file larger
 * than memory can be read. JSON Lines, one array, or one object all come out as pieces. It only finds where pieces begin
 * and end: whoever parses them judges their inside.
 * @throws AffiantError ERR_INPUT_FILE for text between pieces that is not JSON, and for a file that ends early
 */
export class JsonSplitter {
  #piece = "";
  #offset = 0;
  #pieceOffset = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #array: number | null = null;
  #arrays = 0;
  /** Inside of an array, what may come next. */
  #expects: "value" | "value or end" | "comma or end" = "value or end";

  *push(chunk: string): Generator<JsonPiece> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++, this.#offset++) {
      const char = chunk.charAt(i);
      if (this.#depth === 0) {
        if (!this.#opens(char)) continue;
        start = i;
        this.#pieceOffset = this.#offset;
      }
      if (!this.#closes(char)) continue;
      yield this.#take(chunk.slice(start, i + 1));
    }
    if (this.#depth > 0) this.#piece += chunk.slice(start);
    if (this.#piece.length > maxPieceChars)
      fail(`a record of more than ${maxPieceChars} characters`, this.#pieceOffset);
  }

  end(): void {
    if (this.#depth > 0 || this.#array !== null) fail("the file ends in the middle of a value", this.#offset);
  }

  /** Between pieces: true when `char` begins one. */
  #opens(char: string): boolean {
    if (/\s/.test(char) || (char === "\uFEFF" && this.#offset === 0)) return false;
    if (this.#array === null) {
      if (char === "{") return true;
      if (char !== "[") fail(`expected an object or a list, found ${JSON.stringify(char)}`, this.#offset);
      this.#array = this.#arrays++;
      this.#expects = "value or end";
      return false;
    }
    if (char === "]" && this.#expects !== "value") this.#array = null;
    else if (char === "," && this.#expects === "comma or end") this.#expects = "value";
    else if ((char === "{" || char === "[") && this.#expects !== "comma or end") return true;
    else fail(`expected ${this.#expects}, found ${JSON.stringify(char)}`, this.#offset);
    return false;
  }

  /** Inside a piece: true when `char` ends it. */
  #closes(char: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === "\\") this.#escaped = true;
      else if (char === '"') this.#inString = false;
      return false;
    }
    if (char === '"') this.#inString = true;
    else if (char === "{" || char === "[") this.#depth++;
    else if (char === "}" || char === "]") return --this.#depth === 0;
    return false;
  }

  #take(rest: string): JsonPiece {
    const piece = { text: this.#piece + rest, array: this.#array, offset: this.#pieceOffset };
    this.#piece = "";
    this.#expects = "comma or end";
    return piece;
  }
}

function fail(what: string, offset: number): never {
  throw new AffiantError("ERR_INPUT_FILE", `not JSON that holds conversations: ${what}, at character ${offset}`, {
    details: { offset },
  });
}
