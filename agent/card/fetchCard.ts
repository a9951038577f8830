import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { checkCardUri } from "../../protocol/card/cardUri.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

export interface FetchCardOptions {
  /** Headers and body together. Default 10 s. */
  readonly timeoutMs?: number;
  /** Also from this machine and private networks. Default false: an agent's URI leads nobody into a network that is not its own. */
  readonly allowPrivate?: boolean;
}

const maxCardBytes = 1 << 20;
const maxRedirects = 5;

/**
 * Fetches what is at a card's URI. It may come from anywhere that is public, redirects included: what it is worth, its hash says.
 * @throws AffiantError ERR_INPUT_CARD_URI, ERR_INPUT_MALFORMED for a URI that is not http(s); ERR_AUTH_PRIVATE_ADDRESS; ERR_UNAVAILABLE_CARD if
 * nothing comes, or more than 1 MiB
 */
export async function fetchCard(uri: string, options: FetchCardOptions = {}): Promise<Uint8Array> {
  const { timeoutMs = 10_000, allowPrivate = false } = options;
  checkCardUri(uri);
  if (!URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `the card's URI is not http(s): ${uri}`);
  }
  const limits = { timeoutMs, allowPrivate, maxBytes: maxCardBytes, maxRedirects };
  const { ok, status, body } = await guardedFetch(uri, limits).catch((cause: unknown) => throwFor(uri, cause));
  if (!ok) throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} answers with status ${status}`);
  return body;
}

function throwFor(uri: string, cause: unknown): never {
  if (isAffiantError(cause, "ERR_LIMIT_BODY_SIZE")) {
    throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} gives more than ${maxCardBytes} bytes`, { cause });
  }
  if (isAffiantError(cause)) throw cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} cannot be reached (${code ?? message})`, { cause });
}
