import type { Logger } from "pino";

import { noTraces, type Traces } from "./traces.ts";
import type { TraceSettings } from "../config.ts";

export async function openTraces(settings: TraceSettings | undefined, logger: Logger): Promise<Traces> {
  if (!settings) return noTraces;
  // Loaded only where it is used: a relayer without a collector pays nothing.
  const { otlpTraces } = await import("./otlpTraces.ts");
  return otlpTraces(settings, logger);
}
