import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** An answer is never larger: evidence and verdicts are a few kilobytes. */
const maxAnswerBytes = 65_536;

export interface PostOptions {
  readonly timeoutMs: number;
  /** Also to this machine and to private networks: the URL is its wrapper's own word. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal;
}

/**
 * @param fields of the JSON object that is sent
 * @returns the answer's JSON
 * @throws AffiantError ERR_UNAVAILABLE_TARGET for everything but a 2xx answer with JSON; a redirect is none
 */
export async function postJson(url: string, fields: unknown, options: PostOptions): Promise<unknown> {
  try {
    const { ok, status, body } = await guardedFetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fields),
      maxBytes: maxAnswerBytes,
      ...options,
    });
    if (!ok) throw new Error(`status ${status}`);
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch (cause) {
    const { host } = new URL(url);
    const why = cause instanceof AffiantError && cause.code === "ERR_AUTH_PRIVATE_ADDRESS" ? `: ${cause.message}` : "";
    throw new AffiantError("ERR_UNAVAILABLE_TARGET", `${host} gives no answer${why}`, { cause });
  }
}
