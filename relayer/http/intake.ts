import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import type { EntrySubmission } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { batchAnswer, singleAnswer } from "../ingest/answer.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { type LeafRun, readPlainBatch, readPlainEntry, toLeafRun } from "../ingest/leafRun.ts";
import type { AddressOf } from "./rateLimit.ts";
import { isBounded } from "./jsonBounds.ts";
import { complaint, findOperation } from "./operations.ts";
import { type Guard, passGuards } from "./guards.ts";

export interface IntakeOptions {
  readonly ingest: Ingest;
  readonly bodyLimitBytes: number;
  /** The same ones, in the same order, that all other requests pass. */
  readonly guards: readonly Guard[];
  /** Whom a request is charged to. */
  readonly addressOf: AddressOf;
  /** Headers of every answer. */
  readonly headers: readonly (readonly [string, string])[];
  readonly answerProblem: (thrown: unknown, request: IncomingMessage, response: ServerResponse) => void;
  /** Takes every request that this does not. */
  readonly otherwise: RequestListener;
}

/** Hands pieces of ASCII JSON out as the answer to a request. */
type Send = (status: number, pieces: readonly Buffer[]) => void;

/**
 * The two routes that take entries in, ahead of Express: a request costs a third there of what its signature costs. It
 * takes only what is written the usual way (the exact path, JSON in UTF-8 of a stated length, not compressed); anything
 * else goes to Express, whose routes of the same paths answer the same. Limits, headers, metrics and problems are those
 * of every other route.
 */
export function takeEntries(options: IntakeOptions): RequestListener {
  const { guards, otherwise, answerProblem } = options;
  return (request, response) => {
    const length = plainBodyLength(request);
    if (length === undefined || length > options.bodyLimitBytes) {
      otherwise(request, response);
      return;
    }
    for (const [name, value] of options.headers) response.setHeader(name, value);
    const send: Send = (status, pieces) => sendJson(response, status, pieces);
    const fail = (error: unknown) => {
      if (response.headersSent) response.destroy();
      else answerProblem(error, request, response);
    };
    passGuards(guards, request, response, (refusal) => {
      if (refusal !== undefined) fail(refusal);
      else answer(options, request, length, send).catch(fail);
    });
  };
}

const paths: ReadonlySet<string | undefined> = new Set(["/v1/entries", "/v1/entries:batch"]);
const contentTypes: ReadonlySet<string | undefined> = new Set(["application/json", "application/json; charset=utf-8"]);

/** Bytes of the body of a request that is taken here; undefined for all others. */
function plainBodyLength({ method, url, headers }: IncomingMessage): number | undefined {
  if (method !== "POST" || !paths.has(url) || !contentTypes.has(headers["content-type"])) return undefined;
  if (headers["content-encoding"] !== undefined || headers["transfer-encoding"] !== undefined) return undefined;
  const length = Number(headers["content-length"]);
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}

/** @throws AffiantError ERR_INPUT_MALFORMED if the connection ends before the body does */
function readBody(request: IncomingMessage, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // What has arrived is held, not what was announced: many may say "two megabytes" and send nothing.
    let only: Buffer | undefined;
    let body: Buffer | undefined;
    let at = 0;
    request.on("data", (chunk: Buffer) => {
      if (at === 0 && chunk.length >= length) only = chunk;
      else at += chunk.copy((body ??= Buffer.allocUnsafeSlow(length)), at);
    });
    request.on("end", () => resolve(only ?? body ?? Buffer.alloc(0)));
    request.on("close", () => {
      if (!request.complete) reject(new AffiantError("ERR_INPUT_MALFORMED", "the request cannot be read"));
    });
    request.on("error", () => undefined); // "close" follows
  });
}

async function answer(
  { ingest, addressOf }: IntakeOptions,
  request: IncomingMessage,
  length: number,
  send: Send,
): Promise<void> {
  const path = String(request.url);
  const source = addressOf(request);
  const body = await readBody(request, length);
  if (path === "/v1/entries") {
    const run = readPlainEntry(body) ?? toLeafRun([parse(path, body) as EntrySubmission]);
    const { status, text } = singleAnswer(await ingest.submitRunOfOne(run, source));
    send(status, [text]);
  } else {
    const run = readPlainBatch(body) ?? parseBatch(path, body);
    send(200, batchAnswer(await ingest.submitRun(run, source)));
  }
}

function parseBatch(path: string, body: Buffer): LeafRun {
  const { entries } = parse(path, body) as { entries: readonly EntrySubmission[] };
  return toLeafRun(entries);
}

/** Parses a body and holds it to the OpenAPI document. @throws AffiantError ERR_INPUT_MALFORMED */
function parse(path: string, body: Buffer): unknown {
  if (!isBounded(body))
    throw new AffiantError("ERR_INPUT_MALFORMED", "the request is nested too deep, or has too many parts");
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body)); // without a byte order mark
  } catch {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the request cannot be read");
  }
  const validate = findOperation("POST", path)?.compiled.body;
  if (validate && !validate(parsed)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `body ${complaint(validate.errors)}`);
  }
  return parsed;
}

/** Sends pieces of JSON text that is all ASCII. */
export function sendJson(response: ServerResponse, status: number, pieces: readonly Buffer[]): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": pieces.reduce((sum, piece) => sum + piece.length, 0),
  });
  response.cork();
  for (const piece of pieces) response.write(piece);
  response.uncork();
  response.end();
}
