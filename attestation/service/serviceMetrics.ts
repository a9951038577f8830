import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

import { alertKinds, type ServiceAlert } from "./attestationService.ts";
import type { Introductions } from "./introductions.ts";
import type { RoundWatch } from "./roundWatch.ts";

export interface ServiceMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  count(alert: ServiceAlert): void;
}

/** What Prometheus scrapes: whether rounds keep pace, and what there was to be alarmed about. */
export function serviceMetrics(watch: RoundWatch, introductions: () => Introductions | undefined): ServiceMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "affiant_" });
  const alerts = new Counter({
    name: "affiant_attestation_alerts_total",
    help: "Alerts, by kind",
    labelNames: ["kind"],
    registers: [registry],
  });
  // A series that is not there yet cannot be compared with a later value.
  for (const kind of alertKinds) alerts.inc({ kind }, 0);
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name: `affiant_attestation_${name}`,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  gauge("rounds_late", "1 if rounds are behind; /readyz says why", () => (watch.report().late.length > 0 ? 1 : 0));
  gauge("round", "Number of the last round", () => watch.report().round?.number);
  gauge("round_size", "Agents in the last round", () => watch.report().round?.size);
  gauge("round_settled", "Agents of the last round that have a result", () => watch.report().round?.settled);
  gauge("roster_size", "Agents in the roster", () => watch.report().rosterSize);
  gauge("chain_head", "Number of the newest block seen", () => watch.report().block ?? undefined);
  gauge("introductions_waiting", "Agents that wait to be verified for the first time", () => {
    return introductions()?.waiting.length;
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    count: ({ kind }) => alerts.inc({ kind }),
  };
}
