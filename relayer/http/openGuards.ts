import { MemoryStore } from "express-rate-limit";

import { hostCheck } from "../../host/http/hostCheck.ts";
import type { Closers } from "../closers.ts";
import type { RelayerConfig } from "../config.ts";
import type { Sending } from "../openSending.ts";
import { clientAddress } from "./clientAddress.ts";
import type { Guard } from "./guards.ts";
import type { Metrics } from "./metrics.ts";
import { type AddressOf, limitRate } from "./rateLimit.ts";

export interface OpenGuards {
  readonly guards: readonly Guard[];
  readonly addressOf: AddressOf;
}

/** What every request passes first, in a relayer and in a worker: metrics, traces, `Host`, the limit of its address. */
export async function openGuards(
  config: RelayerConfig,
  metrics: Metrics,
  traces: { readonly guard?: Guard | undefined },
  { shared }: Pick<Sending, "shared">,
  closers: Closers,
): Promise<OpenGuards> {
  const check = hostCheck({ host: config.host, names: config.allowedHosts });
  const addressed: Guard = (request, _response, next) => {
    check(request.headers);
    next();
  };
  // Loaded only where it is used, as the rest of what speaks to Redis.
  const store = shared
    ? new (await import("./sharedCounts.ts")).SharedCounts(shared.redis, `${shared.prefix}rate:`)
    : new MemoryStore();
  closers.add(() => store.shutdown());
  const addressOf = clientAddress(config.trustedProxies);
  const limit = limitRate({ perMinute: config.rateLimitPerMinute, store, addressOf });
  return { guards: [metrics.observe, ...(traces.guard ? [traces.guard] : []), addressed, limit], addressOf };
}
