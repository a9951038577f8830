import { Router } from "express";

import type { Metrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";

/** For operators and their machines. */
export function opsRouter(readiness: () => Readiness, metrics: Metrics): Router {
  const router = Router();

  router.get("/healthz", (_request, response) => {
    response.json({ status: "alive" });
  });

  router.get("/readyz", (_request, response) => {
    const { reasons, details } = readiness();
    response.status(reasons.length === 0 ? 200 : 503).json({ ready: reasons.length === 0, reasons, ...details });
  });

  router.get("/metrics", async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });

  return router;
}
