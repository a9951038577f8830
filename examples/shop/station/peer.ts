import { setTimeout as sleep } from "node:timers/promises";

import { type Json } from "../../../protocol/json/canonical.ts";
import { type Step } from "./step.ts";

/**
 * Asks another agent to take a step, until it answers: it may be starting, or starting again after a crash. Repeating is
 * harmless, since a step is taken once.
 *
 * @throws Error if the other agent calls the request itself wrong
 */
export async function ask(
  peerUrl: string,
  path: string,
  orderId: string,
  input: Json,
  stop: AbortSignal,
): Promise<Step> {
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
    stop.throwIfAborted();
    const answer = await attempt(`${peerUrl}${path}`, { orderId, input }, stop);
    if (answer !== "later") return answer;
    await sleep(delayMs, undefined, { signal: stop });
  }
}

async function attempt(url: string, body: Json, stop: AbortSignal): Promise<Step | "later"> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([stop, AbortSignal.timeout(60_000)]),
    });
    text = await response.text();
  } catch {
    return "later";
  }
  if (response.ok) return JSON.parse(text) as Step;
  if (response.status >= 500 || response.status === 429) return "later";
  throw new Error(`${url} answers ${response.status}: ${text.slice(0, 300)}`);
}
