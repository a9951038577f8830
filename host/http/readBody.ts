import type { IncomingMessage } from "node:http";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Reads a request's body. It holds what has arrived and not what was announced.
 * @throws AffiantError ERR_LIMIT_BODY_SIZE as soon as it is announced or found to be larger, ERR_INPUT_MALFORMED if the connection
 * ends before the body does
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AffiantError) throw error;
    throw new AffiantError("ERR_INPUT_MALFORMED", "the request ended before its body did", { cause: error });
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/** @throws AffiantError ERR_INPUT_MALFORMED, and as {@link readBody} */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readBody(request, maxBytes);
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is not JSON", { cause });
  }
}

function tooLarge(maxBytes: number): AffiantError {
  return new AffiantError("ERR_LIMIT_BODY_SIZE", `at most ${maxBytes} bytes`);
}
