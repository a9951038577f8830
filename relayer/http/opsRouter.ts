import { Router } from "express";

/** A reason why the relayer should get no traffic. Empty list = ready. */
export type ReadinessCheck = () => { readonly reasons: string[]; readonly details: Record<string, unknown> };

export function opsRouter(readiness: ReadinessCheck): Router {
  const router = Router();
  router.get("/healthz", (_request, response) => {
    response.json({ status: "alive" });
  });
  router.get("/readyz", (_request, response) => {
    const { reasons, details } = readiness();
    response.status(reasons.length === 0 ? 200 : 503).json({ ready: reasons.length === 0, reasons, ...details });
  });
  return router;
}
