import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import type { Anchorer } from "../anchor/anchorer.ts";
import type { Chain } from "../chain/connectChain.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Sequencer } from "../ingest/sequencer.ts";
import { jobStates } from "../journal/job.ts";
import type { Log } from "../log/log.ts";
import type { Sending } from "../openSending.ts";
import type { Guard } from "./guards.ts";

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Counts requests and times them. */
  readonly observe: Guard;
}

export interface Measured {
  readonly chain: Chain;
  readonly sending: Sending;
  /** A worker takes no entries and anchors nothing: its scrapes have no such metrics. */
  readonly log: MeasuredLog | undefined;
}

export interface MeasuredLog {
  readonly log: Log;
  readonly ingest: Ingest;
  readonly sequencer: Sequencer;
  readonly anchorer: Anchorer;
}

/** What Prometheus scrapes. Gauges are read when asked for; docs/relayer.md says what each alert means. */
export function createMetrics(measured: Measured): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "affiant_" });
  if (measured.log) measureLog(registry, measured.log);
  measureChain(registry, measured);
  measureQueue(registry, measured.sending);
  return {
    contentType: registry.contentType,
    text: sharedFor(1_000, () => registry.metrics()),
    observe: observer(registry),
  };
}

/** What took work is given to all who ask within a time: sums over the journal are for the operator, and anybody may ask. */
function sharedFor<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let made: { readonly atMs: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (!made || performance.now() - made.atMs > ms) made = { atMs: performance.now(), value: make() };
    return made.value;
  };
}

function measureLog(registry: Registry, { log, ingest, sequencer, anchorer }: MeasuredLog): void {
  gauge(registry, "affiant_log_size", "Entries in the log", () => log.size);
  gauge(registry, "affiant_entries_under_way", "Entries that wait for their receipt", () => ingest.underWay);
  gauge(
    registry,
    "affiant_entries_unknown",
    "Entries of which it is not known yet whose they are",
    () => ingest.unknown,
  );
  gauge(registry, "affiant_commit_queue_depth", "Entries that wait for a commit", () => sequencer.depth);
  gauge(registry, "affiant_anchored_size", "Entries under the last anchor", () => anchorer.status().anchoredSize);
  gauge(registry, "affiant_anchor_lag_seconds", "Age of the oldest entry without an anchor", () => {
    return anchorer.status().lagMs / 1_000;
  });
  gauge(registry, "affiant_anchor_late", "1 if an anchor is due and has not come; /readyz says why", () => {
    return anchorer.status().lateBecause === undefined ? 0 : 1;
  });
  const causes = new Gauge({
    name: "affiant_anchor_late_cause",
    help: "1 for the reason why an anchor that is due has not come: an error's code, sender, or not-mined",
    labelNames: ["cause"],
    registers: [registry],
    collect: () => {
      causes.reset();
      const { lateCause } = anchorer.status();
      if (lateCause !== undefined) causes.set({ cause: lateCause }, 1);
    },
  });
}

function measureChain(registry: Registry, { chain, sending: { journal, sender } }: Measured): void {
  gauge(registry, "affiant_chain_head", "Number of the newest block seen", () => chain.heads.head?.number);
  gauge(registry, "affiant_chain_silence_seconds", "Since the chain last answered", () => {
    const ageMs = chain.heads.ageMs();
    return Number.isFinite(ageMs) ? ageMs / 1_000 : undefined;
  });
  gauge(registry, "affiant_chain_endpoints_down", "Endpoints out of use", () => chain.rpc.troubles().length);
  gauge(registry, "affiant_gas_spent", "Gas of all mined transactions", () => journal.spent().gas);
  gauge(registry, "affiant_fees_spent_ether", "Fees of all mined transactions", () => journal.spent().feeEther);
  gauge(registry, "affiant_sender_stuck", "1 if the sender cannot go on; /readyz says why", () =>
    sender.trouble ? 1 : 0,
  );
  const jobs = new Gauge({
    name: "affiant_journal_jobs",
    help: "Jobs in the transaction journal, by state",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      const counts = journal.counts();
      for (const state of jobStates) this.set({ state }, counts[state]);
    },
  });
  jobs.reset();
  const balance = new Gauge({
    name: "affiant_sender_balance_ether",
    help: "Balance of each lane's account",
    labelNames: ["lane"],
    registers: [registry],
    async collect() {
      for (const { address: lane } of sender.lanes) {
        try {
          const wei = BigInt(String(await chain.rpc.call("eth_getBalance", [lane, "latest"])));
          this.set({ lane }, Number(wei / 1_000_000_000n) / 1e9);
        } catch {
          this.remove({ lane }); // unknown is not zero
        }
      }
    },
  });
  balance.reset();
}

function measureQueue(registry: Registry, { queue, sender, leadership }: Sending): void {
  gauge(registry, "affiant_queue_connected", "0 while Redis does not answer; each process then goes on alone", () =>
    queue.status().connected ? 1 : 0,
  );
  const depth = new Gauge({
    name: "affiant_queue_depth",
    help: "Wakes that wait or are worked on, of the tasks this process serves",
    registers: [registry],
    async collect() {
      const found = await queue.depth();
      if (found === undefined)
        this.remove(); // unknown is not zero
      else this.set(found);
    },
  });
  depth.reset();
  const led = new Gauge({
    name: "affiant_lane_led",
    help: "1 for each lane that this process leads",
    labelNames: ["lane"],
    registers: [registry],
    collect() {
      for (const { address } of sender.lanes) this.set({ lane: address }, leadership.led.includes(address) ? 1 : 0);
    },
  });
  led.reset();
}

function gauge(registry: Registry, name: string, help: string, read: () => number | undefined): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

function observer(registry: Registry): Guard {
  const requests = new Counter({
    name: "affiant_http_requests_total",
    help: "Requests answered",
    labelNames: ["method", "status"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "affiant_http_request_seconds",
    help: "From request to answer",
    labelNames: ["method"],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  return (request, response, next) => {
    const started = performance.now();
    response.on("finish", () => {
      requests.inc({ method: request.method, status: String(response.statusCode) });
      seconds.observe({ method: request.method }, (performance.now() - started) / 1_000);
    });
    next();
  };
}
