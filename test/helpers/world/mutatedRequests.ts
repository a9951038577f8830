import { Actor } from "./actor.ts";
import type { TestChain } from "./chain.ts";
import { Dice, mutate, type RawRequest } from "./mutations.ts";
import { registerCall } from "./registerCall.ts";

export interface MutationReport {
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that were answered with 5xx or not at all, in words. */
  readonly violations: readonly string[];
}

/** Good requests of every kind that takes input. */
async function goodRequests(chain: TestChain): Promise<RawRequest[]> {
  const actor = await Actor.registered(chain);
  const entries = [await actor.sign(), await actor.sign(), await actor.sign({ input: { a: 1 } })];
  const { target, data } = await registerCall(chain);
  const hash = `0x${"11".repeat(32)}`;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): RawRequest => ({
    method: "POST",
    path,
    headers: { "content-type": "application/json", ...headers },
    body: new TextEncoder().encode(JSON.stringify(body)),
  });
  const get = (path: string): RawRequest => ({ method: "GET", path, headers: {}, body: undefined });
  const claim = { agent: target, commitment: "1", recipient: target, nonce: "0", deadline: "4000000000" };
  return [
    ...entries.map(({ leaf }) => post("/v1/entries", { leaf })),
    post("/v1/entries:batch", { entries: entries.map(({ leaf }) => ({ leaf })) }),
    post("/v1/requests", { target, data }, { "idempotency-key": "k" }),
    post("/v1/proofs/key-ownership", { claim, proof: `0x${"01".repeat(256)}`, signature: `0x${"02".repeat(65)}` }),
    { ...post(`/v1/policies/${hash}?agent=${target}`, { format: "affiant-policy/1" }), method: "PUT" },
    get(`/v1/agents/${actor.did}/entries?from=0&limit=5`),
    get("/v1/log/proof/inclusion?index=0&size=1"),
    get("/v1/log/proof/consistency?from=0&to=1"),
    get("/v1/log/tile/0/000.p/1"),
    get(`/v1/entries/${hash}/receipt`),
    get(`/v1/policies/${hash}`),
  ];
}

/**
 * Sends `count` mutated requests, 16 at a time, to a relayer that must answer every one with something below 500.
 * @param every called after each tenth of them, while none is under way
 */
export async function sendMutated(
  chain: TestChain,
  url: string,
  count: number,
  seed: number,
  every: () => Promise<void> = () => Promise.resolve(),
): Promise<MutationReport> {
  const good = await goodRequests(chain);
  const dice = new Dice(seed);
  const statuses: Record<string, number> = {};
  const violations: string[] = [];
  let sent = 0;
  async function sendUntil(end: number): Promise<void> {
    while (sent < end) {
      const nth = sent++;
      const request = mutate(good, dice);
      const outcome = await send(url, request);
      statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      if (!/^[1-4]\d\d$/.test(outcome) && outcome !== "unsendable") {
        violations.push(`#${nth} ${request.method} ${request.path.slice(0, 80)}: ${outcome}`);
      }
    }
  }
  for (let tenth = 1; tenth <= 10; tenth++) {
    const end = Math.round((count * tenth) / 10);
    await Promise.all(Array.from({ length: 16 }, () => sendUntil(end)));
    await every();
  }
  return { sent, statuses, violations };
}

async function send(url: string, { method, path, headers, body }: RawRequest): Promise<string> {
  let request: Request;
  try {
    request = new Request(url + path, { method, headers, ...(body && { body: Buffer.from(body) }) });
  } catch {
    return "unsendable"; // the client itself refuses, such as a line break in a header
  }
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(60_000) });
    await response.arrayBuffer();
    return String(response.status);
  } catch (error) {
    return `no answer: ${error instanceof Error ? String(error.cause ?? error.message) : String(error)}`;
  }
}
