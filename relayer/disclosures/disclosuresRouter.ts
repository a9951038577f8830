import { type Request, Router } from "express";

import {
  type DisclosureCommand,
  disclosureCommands,
  type DisclosuresAnswer,
  type ErasureAnswer,
} from "../../protocol/api/disclosures.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { AgentAccess } from "../access/agentAccess.ts";
import { readHash } from "../http/read.ts";
import type { Log } from "../log/log.ts";
import type { DisclosureStore } from "../store/disclosureStore.ts";

/**
 * Reading and erasing what agents left with their entries: for the agent, and for whom it allows.
 * @param logId of this log: a call made for another one is refused
 */
export function disclosuresRouter(log: Log, store: DisclosureStore, access: AgentAccess, logId: string): Router {
  const router = Router();

  async function admitted(command: DisclosureCommand, request: Request<{ entryId: string }>): Promise<Uint8Array> {
    const entryId = readHash(request.params.entryId);
    const entry = log.entries.byId(entryId);
    if (!entry) throw new AffiantError("ERR_NOT_FOUND_ENTRY", "the log has no entry of this id");
    const owner = decodeLeaf(entry.leaf).claims.iss;
    const args = { entryId: toHex(entryId), logId };
    await access.check(request.body, { command: disclosureCommands[command], args, owner });
    return entryId;
  }

  router.post("/v1/entries/:entryId/disclosures\\:read", async (request, response) => {
    const disclosures = store.read(await admitted("read", request));
    if (!disclosures) throw new AffiantError("ERR_NOT_FOUND_DISCLOSURE", "no disclosures of this entry are kept here");
    response.setHeader("cache-control", "no-store");
    response.json({ disclosures } satisfies DisclosuresAnswer);
  });

  router.post("/v1/entries/:entryId/disclosures\\:erase", async (request, response) => {
    const erased = store.erase(await admitted("erase", request));
    response.json({ erased } satisfies ErasureAnswer);
  });

  return router;
}
