import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { TextDecoder } from "node:util";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { actsOfRecord, type Occurrences } from "./actsOfRecord.ts";
import { RecordGatherer } from "./records.ts";
import { JsonSplitter } from "./splitJson.ts";
import type { TranscriptConversation } from "./types.ts";

export interface ReadOptions {
  /** Called as the file is read, for a progress bar. */
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
}

/**
 * Reads a file of chat-completions transcripts, one conversation at a time: a JSON array of conversations (objects with
 * `messages` or `traj`), one conversation (such an object, or its array of messages), or JSON Lines of either.
 * @throws AffiantError ERR_INPUT_FILE with the place, after it has yielded the conversations before it
 */
export async function* readTranscripts(
  file: string,
  options: ReadOptions = {},
): AsyncGenerator<TranscriptConversation> {
  const totalBytes = await sizeOf(file);
  const seen: Occurrences = new Map();
  const splitter = new JsonSplitter();
  const gatherer = new RecordGatherer();
  // A byte that is no UTF-8 must not quietly become a replacement character in signed evidence.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let readBytes = 0;
  let found = false;

  const conversations = function* (text: string): Generator<TranscriptConversation> {
    for (const piece of splitter.push(text)) {
      for (const record of gatherer.push(piece)) yield actsOfRecord(record, seen);
    }
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    readBytes += chunk.length;
    for (const conversation of conversations(decode(decoder, file, chunk))) {
      found = true;
      yield conversation;
    }
    options.onProgress?.(readBytes, totalBytes);
  }
  yield* conversations(decode(decoder, file));
  splitter.end();
  for (const record of gatherer.end()) {
    found = true;
    yield actsOfRecord(record, seen);
  }
  if (!found) throw new AffiantError("ERR_INPUT_FILE", `${file} holds no conversation`);
}

function decode(decoder: TextDecoder, file: string, chunk?: Buffer): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} is not UTF-8`, { cause });
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    const { size } = await stat(file);
    return size;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read`, { cause });
  }
}
