import type { Anchorer } from "../anchor/anchorer.ts";
import type { Chain } from "../chain/connectChain.ts";
import type { RelayerConfig } from "../config.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Sending } from "../openSending.ts";

export interface Readiness {
  /** Why this process should get no traffic now; empty = ready. */
  readonly reasons: readonly string[];
  /** What is wrong without stopping the work, and how things stand. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ReadinessParts {
  readonly config: RelayerConfig;
  readonly chain: Chain;
  readonly sending: Sending;
  /** A worker takes no entries and anchors nothing. */
  readonly log: { readonly anchorer: Anchorer; readonly ingest: Ingest } | undefined;
  readonly isStopping: () => boolean;
}

/** Without the chain for this long, entries cannot be checked any more. */
const chainSilenceMs = 30_000;

export function readiness({ config, chain, sending, log, isStopping }: ReadinessParts): Readiness {
  const reasons: string[] = [];
  if (isStopping()) reasons.push("it is shutting down");
  if (chain.heads.ageMs() > Math.max(chainSilenceMs, config.pollIntervalMs * 10)) {
    reasons.push("the chain does not answer");
  }
  if (log && log.ingest.underWay >= config.queueLimit) reasons.push("the queue is full");
  // A late anchor, a lane that is stuck or a Redis that is away are told but do not take it out of service: what is
  // accepted is durable without them.
  const { queue, sender, leadership } = sending;
  const led = new Set(leadership.led);
  return {
    reasons,
    details: {
      role: config.role,
      ...(log ? { anchoring: log.anchorer.status() } : {}),
      chain: { headBlockNumber: chain.heads.head?.number ?? null, troubles: chain.rpc.troubles() },
      queue: queue.status(),
      lanes: sender.lanes.map(({ address, trouble }) => ({ address, led: led.has(address), trouble })),
    },
  };
}
