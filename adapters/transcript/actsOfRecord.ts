import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { utf8 } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Json, toCanonicalJson } from "../../protocol/json/canonical.ts";
import { settle, type SettledJson } from "../json/exactJson.ts";
import type { Message, ToolCall, ToolResult } from "./message.ts";
import { readMessage } from "./readMessage.ts";
import type { TranscriptRecord } from "./records.ts";
import { wellFormed } from "./wellFormed.ts";
import type { CallContext, ImportedAct, TranscriptConversation, TranscriptWarning } from "./types.ts";

interface OpenCall {
  readonly call: ToolCall;
  readonly context: CallContext;
  /** Digest of all that came before and of the call's own message. */
  readonly digest: string;
  answer?: { readonly output: Json; readonly failed: boolean; readonly digest: string };
}

interface Tools {
  warn(text: string, message?: number): void;
  /** Plain JSON that can be signed. */
  plain(value: Json, message?: number): SettledJson;
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
  const told = new Set<string>();
  const warn = (text: string, message?: number): void => {
    if (told.has(`${message} ${text}`)) return;
    told.add(`${message} ${text}`);
    warnings.push({ conversation: record.index, ...(message === undefined ? {} : { message }), text });
  };
  for (const { text, message } of record.remarks) warn(text, message);
  const where = (message?: number): string =>
    `conversation ${record.index}${message === undefined ? "" : `, message ${message}`}`;
  const plain = (value: Json, message?: number): SettledJson => {
    const onBroken = (): void => warn("a broken character (lone surrogate) was replaced", message);
    const settled = settleAt(value, where(message));
    return { ...settled, value: wellFormed(settled.value, onBroken, where(message)) };
  };
  const calls: OpenCall[] = [];
  let digest = digestOf("", plain(record.meta).value);
  let turn = 0;
  let lastSpoken = -1;

  record.messages.forEach((raw, messageIndex) => {
    const value = plain(raw, messageIndex).value;
    const place = { where: where(messageIndex), remark: (text: string) => warn(text, messageIndex) };
    const message = readMessage(raw, place);
    digest = digestOf(digest, value);
    if (message.role === "user" && message.results.length === 0) turn++;
    if (message.results.length === 0 || message.calls.length > 0) lastSpoken = messageIndex;
    message.calls.forEach((call, callIndexInMessage) => {
      const context = contextOf(message, call, { callIndexInMessage, messageIndex, turn, calls });
      calls.push({ call, digest, context });
    });
    for (const result of message.results) answer(calls, result, digest, place.remark, message.role !== "answer");
  });

  const acts = actsOfCalls(calls, { index: record.index, lastSpoken }, seen, { warn, plain });
  return { index: record.index, messageCount: record.messages.length, acts, warnings };
}

/** @throws AffiantError ERR_INPUT_FILE for what is nested too deep */
function settleAt(value: Json, where: string): SettledJson {
  try {
    return settle(value);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${where}: ${(cause as Error).message}`, { cause });
  }
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

/**
 * Real services use an id again once its call is answered, so a result belongs to the oldest call that is open. Where
 * there are no ids, to the oldest open call of that tool, or of any where the shape does not name it.
 * @param isExpected whether a result that answers no call is worth a remark: in a protocol's log most answers do not
 */
function answer(
  calls: OpenCall[],
  { callId, name, output, failed }: ToolResult,
  digest: string,
  warn: (text: string) => void,
  isExpected: boolean,
): void {
  const isMeant = ({ call }: OpenCall): boolean =>
    callId === null ? call.id === null && (name === null || call.name === name) : call.id === callId;
  const named = calls.filter(isMeant);
  const open = named.filter((call) => call.answer === undefined);
  const [first] = open;
  const what = JSON.stringify(callId ?? name);
  if (first === undefined) {
    const why = named.length > 0 ? "which already has one" : "which nobody made";
    if (isExpected) warn(`a result for call ${what}, ${why}; it is not imported`);
    return;
  }
  if (open.length > 1 && callId !== null) warn(`${open.length} open calls have the id ${what}; the first is taken`);
  first.answer = { output, failed, digest };
}

function actsOfCalls(
  calls: readonly OpenCall[],
  { index, lastSpoken }: { readonly index: number; readonly lastSpoken: number },
  seen: Occurrences,
  { warn, plain }: Tools,
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
    const input = plain(call.input, context.messageIndex);
    const output = result === undefined ? undefined : plain(result.output, context.messageIndex);
    if (input.beyondRange.length > 0) {
      const place = `conversation ${index}, message ${context.messageIndex}`;
      const what = `${call.name} was given a number that is beyond any that can be signed`;
      throw new AffiantError("ERR_INPUT_FILE", `${place}: ${what} (at ${JSON.stringify(input.beyondRange[0])})`);
    }
    const exactNumbers = [
      ...input.exactNumbers.map((pointer) => `/input${pointer}`),
      ...(output?.exactNumbers ?? []).map((pointer) => `/output${pointer}`),
    ];
    if (exactNumbers.length > 0) {
      const text = `${call.name}: numbers that no double holds are kept digit by digit, as text (${exactNumbers.join(", ")})`;
      warn(text, context.messageIndex);
    }
    acts.push({
      act: call.name,
      input: input.value,
      ...(output === undefined ? {} : { output: output.value }),
      context: {
        ...context,
        ...(result?.failed === true ? { failed: true } : {}),
        ...(exactNumbers.length > 0 ? { exactNumbers } : {}),
      },
      thread,
      idempotencyKey: `transcript-${digestOf(key, occurrence(seen, key))}`,
    });
  }
  return acts;
}

function occurrence(seen: Occurrences, key: string): number {
  const count = seen.get(key) ?? 0;
  seen.set(key, count + 1);
  return count;
}

function digestOf(before: string, value: Json): string {
  return bytesToHex(sha256(utf8(`${before}\n${toCanonicalJson(value)}`)));
}
