import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { JsonRpcProvider } from "ethers";

import { BlockWatch } from "./blockWatch.ts";
import type { SignedCall } from "./calls.ts";

export interface Driven {
  readonly perSec: number;
  /** Milliseconds from sending a request to its 202, sorted. */
  readonly acceptedMs: Float64Array;
  /** Milliseconds from sending a request until the block that holds its transaction was seen, sorted. */
  readonly minedMs: Float64Array;
}

interface Sent {
  readonly id: string;
  readonly atMs: number;
  readonly acceptedMs: number;
}

export interface Load {
  /** Requests that may be sent and not mined at once. */
  readonly outstanding: number;
  /** Milliseconds between requests; 0: as soon as there is room. */
  readonly everyMs: number;
}

/** Sends the calls to a relayer, never more under way than `outstanding`, and waits until the last one is mined. */
export async function drive(
  url: string,
  provider: JsonRpcProvider,
  calls: readonly SignedCall[],
  { outstanding, everyMs }: Load,
): Promise<Driven> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let mined = 0;
  let room: (() => void) | undefined;
  const watch = new BlockWatch(provider, (count) => {
    mined += count; // anchors among them: a few, which make room a little early
    room?.();
  });
  const started = performance.now();
  const sending: Promise<Sent>[] = [];
  for (const [i, call] of calls.entries()) {
    while (i - mined >= outstanding) await new Promise<void>((resolve) => (room = resolve));
    if (everyMs > 0) await sleep(Math.max(0, started + i * everyMs - performance.now()));
    else if (i % 16 === 15) await new Promise(setImmediate);
    sending.push(post(agent, url, call, `bench-${started}-${i}`));
  }
  const sent = await Promise.all(sending);
  const blockOf = await waitUntilMined(agent, url, sent);
  await watch.stop();
  agent.destroy();
  const minedMs = sent.map(({ atMs }, i) => (watch.blocks.get(blockOf[i] ?? -1)?.seenAtMs ?? NaN) - atMs);
  const last = Math.max(...sent.map(({ atMs }, i) => atMs + (minedMs[i] ?? 0)));
  return {
    perSec: calls.length / ((last - started) / 1_000),
    acceptedMs: Float64Array.from(sent, ({ acceptedMs }) => acceptedMs).sort(),
    minedMs: Float64Array.from(minedMs).sort(),
  };
}

/** @returns the block of each, in order. Asks for the last ones first: most others are mined when they are. */
async function waitUntilMined(agent: Agent, url: string, sent: readonly Sent[]): Promise<number[]> {
  const blocks: number[] = Array.from({ length: sent.length }, () => -1);
  for (let i = sent.length - 1; i >= 0; i--) {
    for (;;) {
      const status = JSON.parse(await get(agent, `${url}/v1/requests/${sent[i]?.id}`)) as Status;
      if (status.state === "failed") throw new Error(`a request failed: ${JSON.stringify(status)}`);
      if (status.blockNumber !== undefined) {
        blocks[i] = status.blockNumber;
        break;
      }
      await sleep(50);
    }
  }
  return blocks;
}

interface Status {
  readonly state: string;
  readonly blockNumber?: number;
}

function post(agent: Agent, url: string, call: SignedCall, key: string): Promise<Sent> {
  const atMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const outgoing = request(`${url}/v1/requests`, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode !== 202) reject(new Error(`${response.statusCode}: ${text.slice(0, 300)}`));
        else resolve({ id: (JSON.parse(text) as { id: string }).id, atMs, acceptedMs: performance.now() - atMs });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(JSON.stringify(call));
  });
}

function get(agent: Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(text));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
