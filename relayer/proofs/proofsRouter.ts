import { Router } from "express";

import { readKeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import type { KeyOwnershipProofs } from "./keyOwnershipProofs.ts";

/** Proofs on their way to the chain. The status is that of the request which carries them. */
export function proofsRouter(keyOwnership: KeyOwnershipProofs): Router {
  const router = Router();

  router.post("/v1/proofs/key-ownership", async (request, response) => {
    const ticket = request.get("admission-ticket");
    const status = await keyOwnership.submit(readKeyOwnershipSubmission(request.body), ticket);
    response.status(202).json({ ...status, statusUrl: `/v1/requests/${status.id}` });
  });

  return router;
}
