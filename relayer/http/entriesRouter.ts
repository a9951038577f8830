import { Router } from "express";

import type { AgentEntries, EntrySubmission } from "../../protocol/api/types.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { batchAnswer, singleAnswer } from "../ingest/answer.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { agentHeadAt } from "../log/agentHeads.ts";
import type { Log } from "../log/log.ts";
import type { StoredEntry } from "../store/entryStore.ts";
import { sendJson } from "./intake.ts";
import type { AddressOf } from "./rateLimit.ts";
import { readHash, readWhole } from "./read.ts";

/**
 * Taking entries in, and reading them by id and by agent. Bodies are held to the OpenAPI document before they come here;
 * nearly all entries are taken in by `intake.ts` and never do.
 */
export function entriesRouter(ingest: Ingest, log: Log, addressOf: AddressOf): Router {
  const router = Router();

  router.post("/v1/entries", async (request, response) => {
    const { status, text } = singleAnswer(await ingest.submit(request.body as EntrySubmission, addressOf(request)));
    sendJson(response, status, [text]);
  });

  router.post("/v1/entries\\:batch", async (request, response) => {
    const { entries } = request.body as { entries: readonly EntrySubmission[] };
    sendJson(response, 200, batchAnswer(await ingest.submitBatch(entries, addressOf(request))));
  });

  router.get("/v1/entries/:entryId", async (request, response) => {
    const { leaf, index } = await findEntry(log, request.params.entryId);
    response.json({ leaf, index });
  });

  router.get("/v1/entries/:entryId/receipt", async (request, response) => {
    response.json(log.receipt(await findEntry(log, request.params.entryId)));
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
    const entries = (head ? upToBytes(log, head.id, from, limit) : []).filter(({ index }) => index < log.size);
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
    const rivals = head ? log.entries.equivocations(head.id, maxAnswerBytes) : [];
    response.json({ rivals: rivals.map(({ seq, entryId, leaf }) => ({ seq, entryId: toHex(entryId), leaf })) });
  });

  return router;
}

/** Leaves in one answer, so that one question costs no more than it takes to read this much; who asks goes on from there. */
const maxAnswerBytes = 1 << 20;
const entriesARead = 50;

function upToBytes(log: Log, agentId: number, from: number, limit: number): StoredEntry[] {
  const found: StoredEntry[] = [];
  let bytes = 0;
  while (found.length < limit) {
    const wanted = Math.min(entriesARead, limit - found.length);
    const more = log.entries.ofAgent(agentId, from + found.length, wanted);
    for (const entry of more) {
      bytes += entry.leaf.length;
      if (bytes > maxAnswerBytes && found.length > 0) return found;
      found.push(entry);
    }
    if (more.length < wanted) break;
  }
  return found;
}

/** What is told of an entry must outlast a crash: it waits until the entry does. */
async function findEntry(log: Log, entryId: string): Promise<StoredEntry> {
  const entry = log.entries.byId(readHash(entryId));
  await log.settled();
  if (!entry) throw new AffiantError("ERR_NOT_FOUND_ENTRY", "the log has no entry of this id");
  return entry;
}

function findAgent(log: Log, did: string) {
  parseEthrDid(did);
  return log.agent(did);
}
