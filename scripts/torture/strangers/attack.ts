import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";

import type { StrangersCase, StrangersRequest } from "./endpoints.ts";

export interface Outcome {
  /** CPU of the process, its threads included, a request. */
  readonly cpuSec: number;
  readonly statuses: readonly number[];
  /** Of `/healthz`, asked all the while: the slowest answer, and how many were none. */
  readonly slowestMs: number;
  readonly unanswered: number;
}

/** Requests of a case, so many at a time: the kernel counts CPU in hundredths of a second. */
const requests = 24;
const atOnce = 4;

export async function attack(url: string, pid: number, { request }: StrangersCase): Promise<Outcome> {
  const prepared = Array.from({ length: requests }, (_, i) => request(i));
  const health = watchHealth(url);
  const before = cpuSecOf(pid);
  const statuses: number[] = [];
  const queue = [...prepared];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) statuses.push(await send(url, next));
    }),
  );
  const cpuSec = (cpuSecOf(pid) - before) / requests;
  return { cpuSec, statuses, ...(await health.end()) };
}

/** @returns the status; 0 where the connection was cut off */
export function send(url: string, { method, path, headers, body }: StrangersRequest): Promise<number> {
  return new Promise((resolve) => {
    const sent = httpRequest(`${url}${path}`, { method, headers: { ...headers, connection: "close" } }, (response) => {
      // A stream of events has no end of its own.
      if (response.headers["content-type"] === "text/event-stream") response.destroy();
      response.on("data", () => undefined);
      response.on("close", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", () => resolve(0));
    sent.setTimeout(60_000, () => sent.destroy());
    sent.end(body);
  });
}

function watchHealth(url: string) {
  let ended = false;
  let slowestMs = 0;
  let unanswered = 0;
  const loop = (async () => {
    while (!ended) {
      const started = performance.now();
      if ((await send(url, { method: "GET", path: "/healthz" })) !== 200) unanswered++;
      slowestMs = Math.max(slowestMs, performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    async end() {
      ended = true;
      await loop;
      return { slowestMs, unanswered };
    },
  };
}

/** User and system time of a process and all its threads, from /proc: hundredths of a second, summed over threads. */
function cpuSecOf(pid: number): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
