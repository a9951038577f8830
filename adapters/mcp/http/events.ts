import type { IncomingMessage, ServerResponse } from "node:http";

import { createParser } from "eventsource-parser";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";

/** Where a stream of events came to an end. */
export interface StreamEnd {
  readonly lastEventId?: string;
  /** How long the server wants to be left alone before it is asked again. */
  readonly retryMs?: number;
}

/** Reads server-sent events to their end, and hands on the data of each. @throws AffiantError ERR_LIMIT_BODY_SIZE, and as the connection breaks */
export async function readEvents(
  response: IncomingMessage,
  maxBytes: number,
  onData: (data: string) => void,
): Promise<StreamEnd> {
  let end: StreamEnd = {};
  const parser = createParser({
    onEvent: ({ data, id }) => {
      if (id !== undefined) end = { ...end, lastEventId: id };
      if (data !== "") onData(data);
    },
    onRetry: (retryMs) => (end = { ...end, retryMs }),
  });
  const decoder = new TextDecoder();
  let sinceEvent = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true });
      sinceEvent = text.includes("\n\n") || text.includes("\r\n\r\n") ? 0 : sinceEvent + text.length;
      if (sinceEvent > maxBytes)
        throw new AffiantError("ERR_LIMIT_BODY_SIZE", `an event of more than ${maxBytes} characters`);
      parser.feed(text);
    }
  } catch (error) {
    if (error instanceof AffiantError) throw error;
    // A connection that breaks ends the stream where it is; who waits goes on from there, if the server lets him.
  }
  return end;
}

/** Writes one message as an event. Line feeds in it stand between tokens, and come back as such. */
export function writeEvent(response: ServerResponse, text: string): void {
  response.write(
    `${text
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}`)
      .join("\n")}\n\n`,
  );
}
