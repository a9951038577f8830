import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { isPublicAddress } from "./publicAddress.ts";

export interface GuardedFetchOptions {
  /** Default GET. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For everything: names, connections, redirects, headers and body together. */
  readonly timeoutMs: number;
  /** Of the answer's body. */
  readonly maxBytes: number;
  /** Redirects that are followed, each checked like the first address; default 0: a redirect is the answer. GET only. */
  readonly maxRedirects?: number;
  /** Also addresses of this machine and of private networks. Default false. */
  readonly allowPrivate?: boolean;
  readonly signal?: AbortSignal;
  /** How names become addresses; a test puts its own in place of the system's. */
  readonly resolve?: Resolve;
  /** Likewise which addresses are public. */
  readonly isPublic?: (address: string) => boolean;
}

/** All addresses of a name. */
export type Resolve = (name: string, then: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void;

export interface FetchedAnswer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Where it came from, after redirects. */
  readonly url: string;
}

/**
 * Fetches a URL that somebody else chose. Without `allowPrivate` it goes to public addresses only: the name is resolved here,
 * every address it has is checked, and the connection goes to one that was checked, not to what the name says a moment later.
 * @throws AffiantError ERR_INPUT_MALFORMED for what is no http(s) URL, or one with a user name; ERR_AUTH_PRIVATE_ADDRESS;
 * ERR_LIMIT_BODY_SIZE if more than `maxBytes` come. What the system or the time-out says is passed on as it is.
 */
export async function guardedFetch(url: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let at = readUrl(url);
  for (let redirects = 0; ; redirects++) {
    const response = await send(at, options, signal);
    const next = redirectOf(response, options, redirects);
    if (next === undefined) {
      const status = response.statusCode ?? 0;
      const body = await readAtMost(response, options.maxBytes, at.host);
      return { status, ok: status >= 200 && status < 300, headers: response.headers, body, url: at.href };
    }
    response.destroy();
    at = readUrl(next, at);
  }
}

function readUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new AffiantError("ERR_INPUT_MALFORMED", "the URI is not http(s)");
  if (url.username !== "" || url.password !== "") {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the URI has a user name or a password in it");
  }
  return url;
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, options: GuardedFetchOptions, done: number) {
  const follows = [301, 302, 303, 307, 308].includes(statusCode) && (options.method ?? "GET") === "GET";
  return follows && done < (options.maxRedirects ?? 0) ? headers.location : undefined;
}

function send(url: URL, options: GuardedFetchOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = "GET", headers = {}, body, resolve = resolveAll } = options;
  const mayGo = options.allowPrivate === true ? () => true : (options.isPublic ?? isPublicAddress);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // The URL parser has made one form of every spelling of an address (decimal, octal, short): no name is asked for it.
  if (isIP(host) !== 0 && !mayGo(host)) return Promise.reject(isPrivate(url.host));
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((done, fail) => {
    const sent: ClientRequest = request(url, {
      method,
      headers: { "accept-encoding": "identity", ...headers },
      // Without an agent: a connection that was opened for somebody else was not checked.
      agent: false,
      signal,
      lookup: checkedLookup(url.host, mayGo, resolve),
    });
    sent.once("response", done);
    sent.once("error", (error) => fail(signal.aborted ? (signal.reason as Error) : error));
    sent.end(body);
  });
}

/** Every address must be public: of several, the system would choose. */
function checkedLookup(host: string, mayGo: (address: string) => boolean, resolve: Resolve): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name, (error, addresses) => {
      const [first] = addresses;
      if (error || !first) callback(error ?? new Error("the name has no address"), []);
      else if (!addresses.every(({ address }) => mayGo(address))) callback(isPrivate(host), []);
      else if (all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

const resolveAll: Resolve = (name, then) => {
  systemLookup(name, { all: true }, (error, addresses) => then(error, error ? [] : addresses));
};

function isPrivate(host: string): AffiantError {
  return new AffiantError("ERR_AUTH_PRIVATE_ADDRESS", `${host} is on this machine or in a private network`, {
    hint: "Nobody else's URL leads there unless you allow it.",
  });
}

async function readAtMost(response: IncomingMessage, limit: number, host: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) {
      response.destroy();
      throw new AffiantError("ERR_LIMIT_BODY_SIZE", `${host} gives more than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
