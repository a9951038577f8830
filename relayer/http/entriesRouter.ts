import { type ServerResponse } from "node:http";

import { Router } from "express";

import { type AgentEntries, type EntrySubmission } from "../../protocol/api/types.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Ingest } from "../ingest/ingest.ts";
import { agentHeadAt } from "../log/agentHeads.ts";
import { type Log } from "../log/log.ts";
import { type StoredEntry } from "../store/entryStore.ts";
import { readHash, readWhole } from "./read.ts";

/** Bodies are held to the OpenAPI document before they come here. Taking entries in, and reading them by id and by agent. */
export function entriesRouter(ingest: Ingest, log: Log): Router {
  const router = Router();

  router.post("/v1/entries", async (request, response) => {
    const { receipt, isNew } = await ingest.submit(request.body as EntrySubmission);
    sendJson(response, isNew ? 201 : 200, receipt);
  });

  router.post("/v1/entries\\:batch", async (request, response) => {
    const { entries } = request.body as { entries: readonly EntrySubmission[] };
    const results = await ingest.submitBatch(entries);
    sendJson(response, 200, `{"results":[${results.join(",")}]}`);
  });

  router.get("/v1/entries/:entryId", (request, response) => {
    const { leaf, index } = findEntry(log, request.params.entryId);
    response.json({ leaf, index });
  });

  router.get("/v1/entries/:entryId/receipt", (request, response) => {
    response.json(log.receipt(findEntry(log, request.params.entryId)));
  });

  router.get("/v1/agents/:did/head", (request, response) => {
    const { did } = request.params;
    parseEthrDid(did);
    response.json(agentHeadAt(log, did, readWhole(request.query["size"], "size", log.size)));
  });

  router.get("/v1/agents/:did/entries", (request, response) => {
    const head = findAgent(log, request.params.did);
    const from = readWhole(request.query["from"], "from", 0);
    const limit = readWhole(request.query["limit"], "limit", 100, 1_000);
    const entries = head ? log.entries.ofAgent(head.id, from, limit) : [];
    const { count, statement } = agentHeadAt(log, request.params.did, log.size);
    const answer: AgentEntries = {
      entries: entries.map(({ seq, index, entryId, leaf }) => ({ seq, index, entryId: toHex(entryId), leaf })),
      count,
      statement,
    };
    response.json(answer);
  });

  router.get("/v1/agents/:did/equivocations", (request, response) => {
    const head = findAgent(log, request.params.did);
    const rivals = head ? log.entries.equivocations(head.id) : [];
    response.json({ rivals: rivals.map(({ seq, entryId, leaf }) => ({ seq, entryId: toHex(entryId), leaf })) });
  });

  return router;
}

/** Sends JSON text that is all ASCII. */
function sendJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": text.length,
  });
  response.end(text, "latin1");
}

function findEntry(log: Log, entryId: string): StoredEntry {
  const entry = log.entries.byId(readHash(entryId));
  if (!entry) throw new AffiantError("ERR_NOT_FOUND_ENTRY", "the log has no entry of this id");
  return entry;
}

function findAgent(log: Log, did: string) {
  parseEthrDid(did);
  return log.agent(did);
}
