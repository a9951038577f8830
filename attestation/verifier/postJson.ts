import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** An answer is never larger: evidence and verdicts are a few kilobytes. */
const maxAnswerBytes = 65_536;

/**
 * @param fields of the JSON object that is sent
 * @returns the answer's JSON
 * @throws AffiantError ERR_UNAVAILABLE_TARGET for everything but a 2xx answer with JSON
 */
export async function postJson(
  url: string,
  fields: unknown,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fields),
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    let text = "";
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString("latin1");
      if (text.length > maxAnswerBytes) throw new Error("the answer is too long");
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_TARGET", `${new URL(url).host} gives no answer`, { cause });
  }
}
