import { Router } from "express";

import type { LogInfo } from "../../protocol/api/types.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Anchorer } from "../anchor/anchorer.ts";
import { anchorInfo, type Log } from "../log/log.ts";
import { operatorOnly } from "./operatorToken.ts";
import { readWhole } from "./read.ts";

export interface LogPlace {
  readonly chainId: number;
  readonly contract: string;
  readonly logId: Hex;
}

/** The log as everybody may read it: checkpoint, proofs, anchors. */
export function logRouter(log: Log, anchorer: Anchorer, place: LogPlace, operatorToken: string): Router {
  const router = Router();

  router.get("/v1/log", (_request, response) => {
    const { note, operatorVkey } = log.keys;
    const info: LogInfo = { origin: note.signer.name, size: log.size, vkey: note.vkey, ...place };
    response.json({ ...info, operatorVkey });
  });

  router.get("/v1/log/checkpoint", (request, response) => {
    const size = readWhole(request.query["size"], "size", log.size);
    response.type("text/plain; charset=utf-8").send(log.checkpointOf(size).note);
  });

  router.get("/v1/log/proof/inclusion", (request, response) => {
    const size = readWhole(request.query["size"], "size", log.size);
    const index = readWhole(request.query["index"], "index");
    log.assertReached(size);
    const proof = log.tree.inclusion(index, size);
    response.json({ index, size, root: toHex(log.tree.rootAt(size)), proof: proof.map(toHex) });
  });

  router.get("/v1/log/proof/consistency", (request, response) => {
    const from = readWhole(request.query["from"], "from");
    const to = readWhole(request.query["to"], "to", log.size);
    log.assertReached(to);
    const proof = log.tree.consistency(from, to);
    response.json({
      from,
      to,
      fromRoot: toHex(log.tree.rootAt(from)),
      toRoot: toHex(log.tree.rootAt(to)),
      proof: proof.map(toHex),
    });
  });

  router.get("/v1/log/entries/:index", (request, response) => {
    const index = readWhole(request.params.index, "index");
    const entry = log.entries.byIndex(index);
    if (!entry || index >= log.size) throw new AffiantError("ERR_NOT_FOUND_ENTRY", `the log has ${log.size} entries`);
    response.json({ leaf: entry.leaf, index });
  });

  router.get("/v1/log/anchors", (request, response) => {
    const from = readWhole(request.query["from"], "from", 0);
    const limit = readWhole(request.query["limit"], "limit", 1_000, 1_000);
    const anchors = log.store.anchors(from, limit).map((anchor) => ({
      ...anchorInfo(anchor),
      status: log.isFinal(anchor.blockNumber) ? "final" : "anchored",
    }));
    response.json({ anchors });
  });

  router.post("/v1/log/anchor", operatorOnly(operatorToken), (_request, response) => {
    anchorer.request();
    response.status(202).json(anchorer.status());
  });

  return router;
}
