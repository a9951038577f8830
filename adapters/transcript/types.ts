import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";

/** A tool call with its result, ready to become one entry. */
export interface ImportedAct {
  /** The tool's name. */
  readonly act: string;
  /** The arguments as JSON; as the raw text when they are none (then `context.inputIsText` is true). */
  readonly input: Json;
  /** The result as JSON when it is JSON, else its text; absent when the conversation went on without one. */
  readonly output?: Json;
  readonly context: CallContext;
  /** The same for all acts of a conversation, also after it grew. */
  readonly thread: string;
  /** The same whenever this call is read again, also from a longer transcript of the conversation. */
  readonly idempotencyKey: string;
}

/** Where in the conversation a call stands. */
export type CallContext = {
  /** Among all calls of the conversation, from 0. */
  readonly callIndex: number;
  /** Among the calls of its message, from 0, and how many there are. */
  readonly callIndexInMessage: number;
  readonly callsInMessage: number;
  readonly messageIndex: number;
  /** User messages before the call. */
  readonly turn: number;
  /** What the agent told the user in the very message of the call; null when it said nothing. */
  readonly reply: string | null;
  readonly toolCallId: string | null;
  readonly inputIsText: boolean;
  /** The tool said that it failed; absent when it did not. */
  readonly failed?: true;
  /** Where in `/input` and `/output` a number stands as text, since no double holds it (RFC 6901); absent when nowhere. */
  readonly exactNumbers?: readonly string[];
};

/** Something in a transcript that a person should know of; the import goes on. */
export interface TranscriptWarning {
  /** Counted from 0, as in the file. */
  readonly conversation: number;
  /** Counted from 0; absent when it concerns the whole conversation. */
  readonly message?: number;
  readonly text: string;
}

export interface TranscriptConversation {
  readonly index: number;
  readonly messageCount: number;
  readonly acts: readonly ImportedAct[];
  readonly warnings: readonly TranscriptWarning[];
}

/** A conversation, or a line, that could not be read. */
export interface TranscriptProblem {
  /** ERR_INPUT_FILE; its message names conversation and message. */
  readonly error: AffiantError;
}
