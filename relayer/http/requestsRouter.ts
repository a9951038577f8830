import { Router } from "express";

import type { SponsoredCall } from "../../protocol/api/types.ts";
import type { Requests } from "../requests/requests.ts";

/** Sponsored calls: agents hold no ether. */
export function requestsRouter(requests: Requests): Router {
  const router = Router();

  router.post("/v1/requests", async (request, response) => {
    const call = request.body as SponsoredCall; // held to the OpenAPI document, as is the header
    const key = request.get("idempotency-key") ?? "";
    const status = await requests.submit(call, key, request.get("admission-ticket"));
    response.status(202).json({ ...status, statusUrl: `/v1/requests/${status.id}` });
  });

  router.get("/v1/requests/:id", (request, response) => {
    response.json(requests.status(request.params.id));
  });

  return router;
}
