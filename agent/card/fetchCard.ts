import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { checkCardUri } from "../../protocol/card/cardUri.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

export interface FetchCardOptions {
  /** Headers and body together. Default 10 s. */
  readonly timeoutMs?: number;
  /** Also from this machine and private networks. Default false: an agent's URI leads nobody into a network that is not its own. */
  readonly allowPrivate?: boolean;
  /** An IPFS gateway that the user chose, for `ipfs://` cards; what it gives, the hash on chain judges. */
  readonly ipfsGateway?: string;
}

const maxCardBytes = 1 << 20;
const maxRedirects = 5;

/** Where a card can be: a web address, a name by content, or in the URI itself. */
export const cardSchemes: readonly string[] = ["http:", "https:", "ipfs:", "data:"];

/**
 * Fetches what is at a card's URI. It may come from anywhere that is public, redirects included: what it is worth, its hash says.
 * @throws AffiantError ERR_INPUT_CARD_URI, ERR_INPUT_MALFORMED for a URI of another scheme; ERR_AUTH_PRIVATE_ADDRESS; ERR_UNAVAILABLE_CARD if
 * nothing comes, or more than 1 MiB
 */
export async function fetchCard(uri: string, options: FetchCardOptions = {}): Promise<Uint8Array> {
  const { timeoutMs = 10_000, allowPrivate = false } = options;
  checkCardUri(uri);
  const scheme = URL.canParse(uri) ? new URL(uri).protocol : "";
  if (!cardSchemes.includes(scheme)) {
    throw new AffiantError(
      "ERR_INPUT_MALFORMED",
      `the card's URI is not one of ${cardSchemes.join(" ")}: ${shortened(uri)}`,
    );
  }
  if (scheme === "data:") return bytesOfDataUri(uri);
  const at = scheme === "ipfs:" ? ipfsAddress(uri, options.ipfsGateway) : uri;
  const limits = { timeoutMs, allowPrivate, maxBytes: maxCardBytes, maxRedirects };
  const { ok, status, body } = await guardedFetch(at, limits).catch((cause: unknown) => throwFor(uri, cause));
  if (!ok) throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} answers with status ${status}`);
  return body;
}

/** RFC 2397. */
function bytesOfDataUri(uri: string): Uint8Array {
  const [, isBase64, data] = /^data:[^,]*?(;base64)?,(.*)$/is.exec(uri) ?? [];
  if (data === undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "the card's data: URI holds no data");
  if (uri.length > 2 * maxCardBytes) throw new AffiantError("ERR_UNAVAILABLE_CARD", "the card is larger than 1 MiB");
  try {
    return isBase64 === undefined
      ? new Uint8Array(Buffer.from(decodeURIComponent(data), "utf8"))
      : new Uint8Array(Buffer.from(decodeURIComponent(data), "base64"));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the card's data: URI cannot be read", { cause });
  }
}

/** Under a gateway's path (IPFS, Path Gateway). @throws AffiantError ERR_UNAVAILABLE_CARD where the user named no gateway */
function ipfsAddress(uri: string, gateway: string | undefined): string {
  const path = uri.slice("ipfs://".length).replace(/^ipfs\//, "");
  if (!/^ipfs:\/\/[A-Za-z0-9]/i.test(uri) || path.split("/").includes("..")) {
    throw new AffiantError("ERR_INPUT_MALFORMED", `the card's URI names no content: ${shortened(uri)}`);
  }
  if (gateway === undefined) {
    throw new AffiantError("ERR_UNAVAILABLE_CARD", "the card is on IPFS, and no gateway to it is named", {
      hint: "AFFIANT_IPFS_GATEWAY names one, such as http://127.0.0.1:8080.",
    });
  }
  return `${gateway.replace(/\/+$/, "")}/ipfs/${path}`;
}

function shortened(uri: string): string {
  return uri.length > 120 ? `${uri.slice(0, 120)}…` : uri;
}

function throwFor(uri: string, cause: unknown): never {
  if (isAffiantError(cause, "ERR_LIMIT_BODY_SIZE")) {
    throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} gives more than ${maxCardBytes} bytes`, { cause });
  }
  if (isAffiantError(cause)) throw cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  throw new AffiantError("ERR_UNAVAILABLE_CARD", `${uri} cannot be reached (${code ?? message})`, { cause });
}
