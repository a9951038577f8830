import type { BatchResult } from "../../protocol/api/types.ts";
import type { Receipt } from "../../protocol/api/receipt.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { asciiJson, receiptOf } from "../log/receiptText.ts";

/** What became of a submission: taken now (201) or before (200), or refused. */
export type Answer =
  | {
      readonly isNew: boolean;
      /** JSON of a {@link BatchResult}, in ASCII. */
      readonly text: Buffer;
      readonly error?: undefined;
    }
  | { readonly error: unknown };

/** The answer to an entry that was in the log already. */
export function knownAnswer(receipt: Receipt): Answer {
  return { isNew: false, text: resultText({ status: 200, receipt }) };
}

/**
 * The answer to a single submission.
 * @throws what it was refused with
 */
export function singleAnswer(answer: Answer): { readonly status: number; readonly text: Buffer } {
  if (answer.error !== undefined || !("text" in answer)) throw answer.error;
  return { status: answer.isNew ? 201 : 200, text: receiptOf(answer.text) };
}

/** Pieces of JSON that are the answer to a batch when they are put one after another. */
export function batchAnswer(answers: readonly Answer[]): Buffer[] {
  const pieces: Buffer[] = [Buffer.from('{"results":[', "latin1")];
  let last: Buffer | undefined;
  for (const answer of answers) {
    const text = "text" in answer ? answer.text : refusedText(answer.error);
    if (last && isNext(last, text)) {
      // Answers of one commit lie side by side, the comma included: they leave as they were written.
      last = Buffer.from(last.buffer, last.byteOffset, last.length + 1 + text.length);
      pieces[pieces.length - 1] = last;
    } else {
      if (last) pieces.push(comma);
      pieces.push(text);
      last = text;
    }
  }
  pieces.push(Buffer.from("]}", "latin1"));
  return pieces;
}

const comma = Buffer.from(",", "latin1");

/** Whether the bytes from the start of one to the end of the other are both, with a comma between them. */
function isNext(before: Buffer, after: Buffer): boolean {
  const gap = before.byteOffset + before.length;
  return (
    before.buffer === after.buffer && after.byteOffset === gap + 1 && new Uint8Array(before.buffer, gap, 1)[0] === 0x2c
  );
}

function refusedText(error: unknown): Buffer {
  const problem = toProblem(error);
  return resultText({ status: problem.status, problem });
}

function resultText(result: BatchResult): Buffer {
  return Buffer.from(asciiJson(result), "latin1");
}
