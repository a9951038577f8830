import { type Anchorer } from "../anchor/anchorer.ts";
import { type Chain } from "../chain/connectChain.ts";
import { type RelayerConfig } from "../config.ts";
import { type Ingest } from "../ingest/ingest.ts";

export interface Readiness {
  /** Why the relayer should get no traffic now; empty = ready. */
  readonly reasons: readonly string[];
  /** What is wrong without stopping the work, and how things stand. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Without the chain for this long, entries cannot be checked any more. */
const chainSilenceMs = 30_000;

export function readiness(chain: Chain, anchorer: Anchorer, ingest: Ingest, config: RelayerConfig): Readiness {
  const reasons: string[] = [];
  const anchoring = anchorer.status();
  if (chain.heads.ageMs() > Math.max(chainSilenceMs, config.pollIntervalMs * 10)) {
    reasons.push("the chain does not answer");
  }
  if (ingest.underWay >= config.queueLimit) reasons.push("the queue is full");
  // A late anchor is told but does not take the relayer out of service: entries are durable without it.
  return {
    reasons,
    details: {
      anchoring,
      chain: { headBlockNumber: chain.heads.head?.number ?? null, troubles: chain.rpc.troubles() },
    },
  };
}
