import { Agent, request } from "node:http";

export interface LoadResult {
  readonly entries: number;
  readonly seconds: number;
  /** Milliseconds from request to answer, one a request. */
  readonly latenciesMs: Float64Array;
}

interface Call {
  readonly path: string;
  readonly body: Buffer;
  readonly entries: number;
}

/**
 * Sends each lane's calls one after the other, all lanes at once, over one kept connection a lane.
 * @throws Error if an answer is not 2xx, or a batch holds an entry that was not taken
 */
export async function drive(url: string, lanes: readonly (readonly Call[])[]): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes.length });
  const latencies: number[] = [];
  const started = performance.now();
  await Promise.all(
    lanes.map(async (calls) => {
      for (const call of calls) {
        const sent = performance.now();
        await post(agent, url, call);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  agent.destroy();
  const entries = lanes.flat().reduce((sum, call) => sum + call.entries, 0);
  return { entries, seconds, latenciesMs: Float64Array.from(latencies).sort() };
}

export function batchCall(leaves: readonly string[]): Call {
  const body = Buffer.from(JSON.stringify({ entries: leaves.map((leaf) => ({ leaf })) }));
  return { path: "/v1/entries:batch", body, entries: leaves.length };
}

export function singleCall(leaf: string): Call {
  return { path: "/v1/entries", body: Buffer.from(JSON.stringify({ leaf })), entries: 1 };
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function post(agent: Agent, url: string, { path, body, entries }: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const outgoing = request(url + path, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const answer = Buffer.concat(chunks);
        const taken = response.statusCode === 201 || (response.statusCode === 200 && allTaken(answer, entries));
        if (taken) resolve();
        else reject(new Error(`${response.statusCode}: ${answer.toString("utf8", 0, 600)}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Counts without parsing: the reader must not take the relayer's share of the machine. */
function allTaken(answer: Buffer, entries: number): boolean {
  let count = 0;
  for (let at = answer.indexOf('"status":201'); at >= 0; at = answer.indexOf('"status":201', at + 1)) count++;
  return count === entries;
}
