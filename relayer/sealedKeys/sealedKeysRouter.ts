import { Router } from "express";

import type { SealedKeyAnswer, SealedKeysAnswer, SealedKeysUpload } from "../../protocol/api/sealedKeys.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { readAddress, readHash } from "../http/read.ts";
import type { KeyName, SealedKeys } from "./sealedKeys.ts";

/** Where publishers leave sealed keys, and each member fetches its own. */
export function sealedKeysRouter(keys: SealedKeys): Router {
  const router = Router();
  const named = (params: { group: string; keyCommitment: string }): KeyName => ({
    group: toHex(readHash(params.group)),
    keyCommitment: toHex(readHash(params.keyCommitment)),
  });

  router.put("/v1/groups/:group/keys/:keyCommitment", async (request, response) => {
    const added = await keys.put(named(request.params), request.body as SealedKeysUpload);
    response.status(added > 0 ? 201 : 200).json({ added } satisfies SealedKeysAnswer);
  });

  router.post("/v1/groups/:group/keys/:keyCommitment/:holder\\:read", async (request, response) => {
    const answer = await keys.read(named(request.params), readAddress(at(request.params, "holder")), request.body);
    response.setHeader("cache-control", "no-store");
    response.json(answer satisfies SealedKeyAnswer);
  });

  router.post("/v1/groups/:group/keys/:keyCommitment/recovery/:requestId\\:read", async (request, response) => {
    const requestId = toHex(readHash(at(request.params, "requestId")));
    const answer = await keys.readForRecovery(named(request.params), requestId, request.body);
    response.setHeader("cache-control", "no-store");
    response.json(answer satisfies SealedKeyAnswer);
  });

  return router;
}

/** The types of Express take the action after a parameter for a part of its name. */
function at(params: object, name: string): unknown {
  return (params as Readonly<Record<string, unknown>>)[name];
}
