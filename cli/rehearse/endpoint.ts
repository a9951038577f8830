import { type Fault, FaultProxy } from "./faultProxy.ts";

/** How often, in a hundred, an endpoint fails in each way. */
export interface Flakiness {
  /** The request never arrives. */
  readonly drop: number;
  /** It arrives, and its answer is lost: the worst, since the caller cannot know. */
  readonly lose: number;
  /** Half of its answer arrives. */
  readonly cut: number;
  /** "Too many requests", as public endpoints say it. */
  readonly limit: number;
}

export interface FlakyEndpoint {
  readonly url: string;
  /** Requests by what became of them. */
  readonly counts: Readonly<Record<keyof Flakiness | "passed", number>>;
  close(): Promise<void>;
}

const faults: Readonly<Record<keyof Flakiness, Fault>> = {
  drop: { kind: "drop" },
  lose: { kind: "lose" },
  cut: { kind: "cut" },
  limit: { kind: "answer", status: 429, headers: { "retry-after": "1" }, body: "Too Many Requests" },
};

/** An endpoint that stands before a node and fails the way public ones do, by a sequence that every run repeats. */
export async function startFlakyEndpoint(node: string, flakiness: Flakiness, seed: number): Promise<FlakyEndpoint> {
  const proxy = await FaultProxy.start(node);
  const counts = { drop: 0, lose: 0, cut: 0, limit: 0, passed: 0 };
  let state = seed;
  proxy.plan(() => {
    // A linear congruential generator (that of ANSI C).
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    let dice = (state / 2 ** 31) * 100;
    // Hours of requests need not be kept.
    proxy.seen.length = 0;
    for (const kind of ["drop", "lose", "cut", "limit"] as const) {
      dice -= flakiness[kind];
      if (dice >= 0) continue;
      counts[kind]++;
      return faults[kind];
    }
    counts.passed++;
    return undefined;
  });
  return { url: proxy.url, counts, close: () => proxy.close() };
}
