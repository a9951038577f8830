import { checkCardUri } from "../../protocol/card/cardUri.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface FetchCardOptions {
  /** Headers and body together. Default 10 s. */
  readonly timeoutMs?: number;
}

const maxCardBytes = 1 << 20;

/**
 * Fetches what is at a card's URI. It may come from anywhere, redirects included: what it is worth, its hash says.
 * @throws AffiantError ERR_INPUT_CARD_URI, ERR_INPUT_MALFORMED for a URI that is not http(s); ERR_UNAVAILABLE_CARD if
 * nothing comes, or more than 1 MiB
 */
export async function fetchCard(uri: string, { timeoutMs = 10_000 }: FetchCardOptions = {}): Promise<Uint8Array> {
  checkCardUri(uri);
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `the card's URI is not http(s): ${uri}`);
  }
  let response: Response;
  try {
    response = await fetch(uri, { signal: AbortSignal.timeout(timeoutMs) });
    if (response.ok && response.body) return await readAtMost(response.body, maxCardBytes, uri);
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    const inner = (cause as { cause?: { code?: string; message?: string } }).cause;
    throw new AffiantError(
      "ERR_UNAVAILABLE_CARD",
      `${uri} cannot be reached (${inner?.code ?? inner?.message ?? (cause as Error).message})`,
      {
        cause,
      },
    );
  }
  throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} answers with status ${response.status}`);
}

async function readAtMost(body: ReadableStream<Uint8Array>, limit: number, uri: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} gives more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
