import type { IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { ActDesk } from "../acts/actDesk.ts";
import { actNameOfTool, threadNameOf } from "../acts/actName.ts";
import type { OtlpSpan, OtlpTraces } from "./otlpTypes.ts";
import { readProtobufTraces } from "./protobufTraces.ts";
import { readToolSpan, type ToolSpan } from "./toolSpan.ts";

const maxUnpackedBytes = 32 << 20;

/** What a receiver answers, in the encoding that it was asked in. */
export interface OtlpAnswer {
  readonly type: "application/json" | "application/x-protobuf";
  readonly answer: string | Uint8Array;
}

/**
 * Takes OpenTelemetry's traces by OTLP/HTTP and enters each tool's execution once. It comes after the act: nothing is judged, nothing is
 * claimed, and what the span does not show is named in the entry (`telemetry.missing`).
 */
export class TraceReceiver {
  readonly #desk: ActDesk;

  constructor(desk: ActDesk) {
    this.#desk = desk;
  }

  /** @throws AffiantError ERR_INPUT_MALFORMED, ERR_LIMIT_BODY_SIZE; ERR_UNAVAILABLE_* where nothing can be entered now: exporters try again */
  async take(bytes: Buffer, headers: IncomingHttpHeaders): Promise<OtlpAnswer> {
    const body = headers["content-encoding"] === "gzip" ? unpacked(bytes) : bytes;
    const isJson = /^application\/json\b/i.test(headers["content-type"] ?? "");
    const rejected = await this.#enter(isJson ? readJsonTraces(body) : readProtobufTraces(body));
    if (!isJson) return { type: "application/x-protobuf", answer: partialSuccess(rejected) };
    const partial = rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: noIds } };
    return { type: "application/json", answer: JSON.stringify(partial) };
  }

  /** @returns how many tool spans could not be taken */
  async #enter({ resourceSpans = [] }: OtlpTraces): Promise<number> {
    let rejected = 0;
    for (const { scopeSpans = [], schemaUrl: outer } of resourceSpans) {
      for (const { spans = [], schemaUrl = outer } of scopeSpans) {
        for (const span of spans) {
          const tool = readToolSpan(span);
          if (tool === undefined) continue;
          if (await this.#enterSpan(tool, span, schemaUrl)) continue;
          rejected += 1;
        }
      }
    }
    return rejected;
  }

  async #enterSpan(told: ToolSpan, span: OtlpSpan, schemaUrl: string | undefined): Promise<boolean> {
    const { traceId = "", spanId = "" } = span;
    if (!/^[0-9a-f]{32}$/i.test(traceId) || !/^[0-9a-f]{16}$/i.test(spanId)) return false;
    const idempotencyKey = `otlp:${traceId}:${spanId}`.toLowerCase();
    if (this.#desk.agent.journal.byIdempotencyKey(idempotencyKey) !== null) return true;
    const { tool, input = null, output, error, conversation = traceId } = told;
    const act = {
      act: actNameOfTool(tool),
      input,
      inputText: JSON.stringify(span),
      thread: threadNameOf(conversation),
      context: { tool, protocol: "otlp", telemetry: telemetryOf(told, span, schemaUrl) },
      idempotencyKey,
    };
    await this.#desk.ledger.enterDone(act, error ?? output ?? null, JSON.stringify(span));
    return true;
  }
}

const noIds = "a tool's span without the ids of its trace and itself";

/** Where the entry comes from, and what a span did not give. */
function telemetryOf(told: ToolSpan, span: OtlpSpan, schemaUrl: string | undefined): Json {
  const { traceId = "", spanId = "", startTimeUnixNano, endTimeUnixNano } = span;
  const missing = [
    ...(told.input === undefined ? ["arguments"] : []),
    ...(told.output === undefined && told.error === undefined ? ["result"] : []),
    ...(told.conversation === undefined ? ["conversation"] : []),
    ...(told.callId === undefined ? ["call id"] : []),
    // Of every span: it is told when all is over.
    "verdict before the act",
    "claim before the act",
  ];
  return {
    convention: told.convention,
    ...(schemaUrl !== undefined && { schemaUrl }),
    traceId,
    spanId,
    ...(told.callId !== undefined && { callId: told.callId }),
    ...(startTimeUnixNano !== undefined && { startTimeUnixNano: String(startTimeUnixNano) }),
    ...(endTimeUnixNano !== undefined && { endTimeUnixNano: String(endTimeUnixNano) }),
    missing,
  };
}

function readJsonTraces(body: Buffer): OtlpTraces {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is no JSON", { cause });
  }
  if (!isOfForm(value)) throw new AffiantError("ERR_INPUT_MALFORMED", "the body is no OTLP trace request in JSON");
  return value;
}

/** Lists where lists are read, all the way down to the spans and their attributes. */
function isOfForm(value: unknown): value is OtlpTraces {
  const isList = (list: unknown): list is readonly Record<string, unknown>[] =>
    list === undefined || (Array.isArray(list) && list.every((item) => typeof item === "object" && item !== null));
  const within = (list: unknown, test: (item: Record<string, unknown>) => boolean): boolean =>
    isList(list) && (list ?? []).every(test);
  const isSpan = (span: Record<string, unknown>): boolean =>
    isList(span["attributes"]) && within(span["events"], ({ attributes }) => isList(attributes));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return within((value as Record<string, unknown>)["resourceSpans"], ({ scopeSpans }) =>
    within(scopeSpans, ({ spans }) => within(spans, isSpan)),
  );
}

function unpacked(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxUnpackedBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new AffiantError("ERR_LIMIT_BODY_SIZE", `at most ${maxUnpackedBytes} bytes, unpacked`);
    }
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is not gzip", { cause });
  }
}

/** ExportTraceServiceResponse: nothing, or field 1 with the count (1) and the reason (2). */
function partialSuccess(rejected: number): Uint8Array {
  if (rejected === 0) return new Uint8Array();
  const reason = Buffer.from(noIds);
  const inner = [0x08, ...varint(rejected), 0x12, ...varint(reason.length), ...reason];
  return Uint8Array.from([0x0a, ...varint(inner.length), ...inner]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
