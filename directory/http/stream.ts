import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Service } from "./operation.ts";

/** How often the store is looked at for readers that wait, and how many lines it is asked for at once. */
const lookEveryMs = 500;
const linesAtOnce = 200;
/** A comment line keeps proxies from closing a stream in which nothing happens. */
const quietLooks = 30;
const mostStreams = 256;
let streams = 0;

/**
 * Server-sent events: `block` for each block with events of ours, `undo` for blocks that were taken back, with the block that is
 * the newest again. Each has an id; a reader that comes back with it (`Last-Event-ID`, or `after`) misses nothing, the
 * un-deliveries included.
 */
export async function streamChanges(
  { store, chainId: usual }: Service,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const chainId = wholeOf(url.searchParams.get("chain"), "chain") ?? usual;
  const last = request.headers["last-event-id"];
  const after = typeof last === "string" ? last : url.searchParams.get("after");
  let cursor = wholeOf(after, "after") ?? (await store.feedEnd(chainId));
  if (streams >= mostStreams) throw new AffiantError("ERR_LIMIT_RATE", "too many are listening");
  streams++;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const signal = AbortSignal.any([stopping, gone.signal]);
  try {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": here\n\n");
    for (let quiet = 0; !signal.aborted; quiet++) {
      const lines = await store.feed(chainId, cursor, linesAtOnce);
      for (const { sequence, kind, number, hash, takenBack } of lines) {
        const data = kind === "block" ? { chainId, number, hash } : { chainId, number, hash, takenBack };
        response.write(`id: ${sequence}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
        cursor = sequence;
        quiet = 0;
      }
      if (quiet >= quietLooks) {
        response.write(": still here\n\n");
        quiet = 0;
      }
      // A reader that does not read is waited for, up to when its connection ends.
      if (response.writableNeedDrain) await Promise.race([drained(response), ended(signal)]);
      else if (lines.length < linesAtOnce) await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    streams--;
    response.end();
  }
}

function drained(response: ServerResponse): Promise<unknown> {
  return new Promise((resolve) => response.once("drain", resolve));
}

function ended(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function wholeOf(text: string | null, name: string): number | undefined {
  if (text === null) return undefined;
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) throw new AffiantError("ERR_INPUT_MALFORMED", `${name} is no whole number`);
  return Number(text);
}
