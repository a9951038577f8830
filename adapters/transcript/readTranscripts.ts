import { stat } from "node:fs/promises";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { actsOfRecord, type Occurrences } from "./actsOfRecord.ts";
import { readPieces } from "./readPieces.ts";
import { RecordGatherer, type TranscriptRecord } from "./records.ts";
import type { TranscriptConversation } from "./types.ts";

export interface ReadOptions {
  /** Called as the file is read, for a progress bar. */
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
  /**
   * Called for a conversation, or a line, that cannot be read; the others are read all the same. Without it, the first
   * one ends the reading.
   */
  readonly onProblem?: (error: AffiantError) => void;
}

/**
 * Reads a file of transcripts, one conversation at a time, whatever tool wrote it (`README.md` lists the shapes): a JSON
 * list of conversations, one conversation, a list of messages, or JSON Lines of any of these.
 * @throws AffiantError ERR_INPUT_FILE with the place, after it has yielded the conversations before it
 */
export async function* readTranscripts(
  file: string,
  options: ReadOptions = {},
): AsyncGenerator<TranscriptConversation> {
  const totalBytes = await sizeOf(file);
  const problems: AffiantError[] = [];
  const seen: Occurrences = new Map();
  const gatherer = new RecordGatherer((error) => problems.push(error));
  let found = false;

  function* read(records: Iterable<TranscriptRecord>): Generator<TranscriptConversation> {
    for (const record of records) {
      found = true;
      try {
        yield actsOfRecord(record, seen);
      } catch (error) {
        if (!isAffiantError(error, "ERR_INPUT_FILE")) throw error;
        problems.push(error);
      }
    }
  }
  const report = (): void => {
    const [first] = problems;
    if (first !== undefined && options.onProblem === undefined) throw first;
    for (const problem of problems.splice(0)) options.onProblem?.(problem);
  };
  const onRead = (readBytes: number): void => options.onProgress?.(readBytes, totalBytes);
  for await (const piece of readPieces(file, onRead)) {
    yield* read(gatherer.push(piece));
    report();
  }
  yield* read(gatherer.end());
  const nothing = !found && problems.length === 0;
  report();
  if (nothing) throw new AffiantError("ERR_INPUT_FILE", `${file} holds no conversation`);
}

async function sizeOf(file: string): Promise<number> {
  try {
    const { size } = await stat(file);
    return size;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read`, { cause });
  }
}
