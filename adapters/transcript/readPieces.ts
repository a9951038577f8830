import { createReadStream } from "node:fs";
import { TextDecoder } from "node:util";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type JsonPiece, JsonSplitter } from "./splitJson.ts";

/**
 * The JSON values of a file. JSON Lines are taken line by line, so that a line that was cut spoils no other; whatever else
 * it is, JSON is cut where its values end.
 * @throws AffiantError ERR_INPUT_FILE
 */
export async function* readPieces(file: string, onRead: (readBytes: number) => void): AsyncGenerator<JsonPiece> {
  const form = await formOf(file);
  if (form === "lines") {
    yield* lines(file, onRead);
    return;
  }
  let isSound = false;
  try {
    for await (const piece of split(file, onRead)) {
      if (!isSound && !isDocument(piece.text) && (await hasReadableLine(file))) break;
      isSound = true;
      yield piece;
    }
    if (isSound) return;
  } catch (error) {
    const isSplit = isAffiantError(error, "ERR_INPUT_FILE") && error.details["offset"] !== undefined;
    if (isSound || !isSplit || !(await hasReadableLine(file))) throw error;
  }
  // The first line is the one that was cut: the others can be read.
  yield* lines(file, onRead);
}

/** JSON Lines when the first line is a whole value and another line follows. */
async function formOf(file: string): Promise<"lines" | "other"> {
  let first: string | undefined;
  for await (const { text } of textLines(file, () => undefined)) {
    if (text.trim() === "") continue;
    if (first !== undefined) return "lines";
    first = text;
    if (!isDocument(text)) return "other";
  }
  return "other";
}

async function hasReadableLine(file: string): Promise<boolean> {
  for await (const { text } of textLines(file, () => undefined))
    if (/^[{[]./.test(text) && isDocument(text)) return true;
  return false;
}

async function* lines(file: string, onRead: (readBytes: number) => void): AsyncGenerator<JsonPiece> {
  let arrays = 0;
  for await (const { text, line, offset } of textLines(file, onRead)) {
    if (text.trim() === "") continue;
    if (!text.trimStart().startsWith("[") || !isDocument(text)) {
      yield { text, array: null, offset, line };
      continue;
    }
    const splitter = new JsonSplitter();
    const array = arrays++;
    for (const piece of splitter.push(text)) yield { ...piece, array, offset: offset + piece.offset, line };
  }
}

async function* split(file: string, onRead: (readBytes: number) => void): AsyncGenerator<JsonPiece> {
  const splitter = new JsonSplitter();
  for await (const text of textOf(file, onRead)) yield* splitter.push(text);
  splitter.end();
}

/** Longer lines are no JSON Lines: they are read in the other way, or refused there. */
const maxLineChars = 64 << 20;

interface TextLine {
  readonly text: string;
  readonly line: number;
  readonly offset: number;
}

async function* textLines(file: string, onRead: (readBytes: number) => void): AsyncGenerator<TextLine> {
  let rest = "";
  let line = 1;
  let offset = 0;
  for await (const chunk of textOf(file, onRead)) {
    const found = `${rest}${chunk}`.split("\n");
    rest = found.pop() ?? "";
    if (rest.length > maxLineChars)
      throw new AffiantError("ERR_INPUT_FILE", `line ${line} is longer than ${maxLineChars}`);
    for (const text of found) {
      yield { text, line, offset };
      line += 1;
      offset += text.length + 1;
    }
  }
  yield { text: rest, line, offset };
}

async function* textOf(file: string, onRead: (readBytes: number) => void): AsyncGenerator<string> {
  // A byte that is no UTF-8 must not quietly become a replacement character in signed evidence.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let readBytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    readBytes += chunk.length;
    yield decode(decoder, file, chunk);
    onRead(readBytes);
  }
  yield decode(decoder, file);
}

function decode(decoder: TextDecoder, file: string, chunk?: Buffer): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} is not UTF-8`, { cause });
  }
}

function isDocument(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
