import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Json, toCanonicalJson } from "../../protocol/json/canonical.ts";
import { type Message, parseOrText, readMessage, type ToolCall } from "./message.ts";
import type { TranscriptRecord } from "./records.ts";
import { wellFormed } from "./wellFormed.ts";
import type { CallContext, ImportedAct, TranscriptConversation, TranscriptWarning } from "./types.ts";

interface OpenCall {
  readonly call: ToolCall;
  readonly context: CallContext;
  /** Digest of all that came before and of the call's own message. */
  readonly digest: string;
  answer?: { readonly text: string | null; readonly digest: string };
}

interface Tools {
  warn(text: string, message?: number): void;
  mend<T extends Json>(value: T, message?: number): T;
}

/**
 * How often each digest came up in this file. Two conversations may be the same word for word and still be two; the
 * second gets other ids than the first, and the same ones when the file is read again.
 */
export type Occurrences = Map<string, number>;

/**
 * The tool calls of one conversation with their results, in the order of the calls.
 *
 * Ids come from a running digest of the meta data and the messages: they do not change when messages are added later.
 * A last call that nothing follows yet is left for the next import, with a warning: taken now without its result, it
 * would come again under another id once the result is there.
 * @throws AffiantError ERR_INPUT_FILE with the place
 */
export function actsOfRecord(record: TranscriptRecord, seen: Occurrences): TranscriptConversation {
  const warnings: TranscriptWarning[] = [];
  const warn = (text: string, message?: number): void => {
    warnings.push({ conversation: record.index, ...(message === undefined ? {} : { message }), text });
  };
  const where = `conversation ${record.index}`;
  const mend = <T extends Json>(value: T, message?: number): T =>
    wellFormed(value, () => warn("a broken character (lone surrogate) was replaced", message), where);
  const calls: OpenCall[] = [];
  let digest = digestOf("", mend(record.meta));
  let turn = 0;
  let lastSpoken = -1;

  record.messages.forEach((raw, messageIndex) => {
    const value = mend(raw, messageIndex);
    const message = readMessage(value, `${where}, message ${messageIndex}`);
    digest = digestOf(digest, value);
    if (message.role === "user") turn++;
    if (message.role === "tool") {
      answer(calls, message, digest, (text) => warn(text, messageIndex));
      return;
    }
    lastSpoken = messageIndex;
    message.calls.forEach((call, callIndexInMessage) => {
      if (call.inputIsText) warn(`the arguments of ${call.name} are not JSON and are kept as text`, messageIndex);
      calls.push({
        call,
        digest,
        context: contextOf(message, call, { callIndexInMessage, messageIndex, turn, calls }),
      });
    });
  });

  const acts = actsOfCalls(calls, lastSpoken, seen, { warn, mend });
  return { index: record.index, messageCount: record.messages.length, acts, warnings };
}

function contextOf(
  message: Message,
  call: ToolCall,
  at: { callIndexInMessage: number; messageIndex: number; turn: number; calls: readonly OpenCall[] },
): CallContext {
  return {
    callIndex: at.calls.length,
    callIndexInMessage: at.callIndexInMessage,
    callsInMessage: message.calls.length,
    messageIndex: at.messageIndex,
    turn: at.turn,
    reply: message.text === "" ? null : message.text,
    toolCallId: call.id,
    inputIsText: call.inputIsText,
  };
}

/** Real services use an id again once its call is answered, so a result belongs to the oldest call that is open. */
function answer(calls: OpenCall[], message: Message, digest: string, warn: (text: string) => void): void {
  const named = calls.filter(({ call }) => call.id === message.answers);
  const open = named.filter((call) => call.answer === undefined);
  const [first] = open;
  if (first === undefined) {
    const why = named.length > 0 ? "which already has one" : "which nobody made";
    warn(`a result for call ${JSON.stringify(message.answers)}, ${why}; it is not imported`);
    return;
  }
  if (open.length > 1)
    warn(`${open.length} open calls have the id ${JSON.stringify(message.answers)}; the first is taken`);
  first.answer = { text: message.text, digest };
}

function actsOfCalls(
  calls: readonly OpenCall[],
  lastSpoken: number,
  seen: Occurrences,
  { warn, mend }: Tools,
): readonly ImportedAct[] {
  const [firstCall] = calls;
  if (firstCall === undefined) return [];
  const earlier = occurrence(seen, `thread ${firstCall.digest}`);
  if (earlier > 0) warn(`it begins word for word like ${earlier} conversation(s) before it; it is kept as its own`);
  const thread = `t-${digestOf(firstCall.digest, earlier).slice(0, 40)}`;

  const acts: ImportedAct[] = [];
  for (const { call, context, digest, answer: result } of calls) {
    if (result === undefined && context.messageIndex === lastSpoken) {
      warn(`${call.name} has no result yet; it is left for a later import`, context.messageIndex);
      continue;
    }
    if (result === undefined) warn(`${call.name} never got a result`, context.messageIndex);
    const key = digestOf(result?.digest ?? digest, [
      context.callIndex,
      result === undefined ? "unanswered" : "answered",
    ]);
    acts.push({
      act: call.name,
      input: mend(call.input, context.messageIndex),
      ...(result === undefined ? {} : { output: mend(outputOf(result.text), context.messageIndex) }),
      context,
      thread,
      idempotencyKey: `transcript-${digestOf(key, occurrence(seen, key))}`,
    });
  }
  return acts;
}

function outputOf(text: string | null): Json {
  return text === null ? null : parseOrText(text).value;
}

function occurrence(seen: Occurrences, key: string): number {
  const count = seen.get(key) ?? 0;
  seen.set(key, count + 1);
  return count;
}

function digestOf(before: string, value: Json): string {
  return bytesToHex(sha256(utf8(`${before}\n${toCanonicalJson(value)}`)));
}
