import { Router } from "express";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Requests } from "../requests/requests.ts";

/** Sponsored calls: agents hold no ether. */
export function requestsRouter(requests: Requests): Router {
  const router = Router();

  router.post("/v1/requests", async (request, response) => {
    const { target, data } = (request.body ?? {}) as Record<string, unknown>;
    const key = request.get("idempotency-key");
    if (typeof target !== "string" || typeof data !== "string" || key === undefined) {
      throw new AffiantError("ERR_INPUT_MALFORMED", "target, data and the header Idempotency-Key are needed");
    }
    const status = await requests.submit({ target, data }, key);
    response.status(202).json({ ...status, statusUrl: `/v1/requests/${status.id}` });
  });

  router.get("/v1/requests/:id", (request, response) => {
    response.json(requests.status(request.params.id));
  });

  return router;
}
