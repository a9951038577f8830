import { createHash } from "node:crypto";

import express, { Router } from "express";
import { LRUCache } from "lru-cache";

import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCanonicalJson } from "../../protocol/json/canonical.ts";
import type { CommittedPolicies } from "../policies/committedPolicies.ts";
import type { PolicyCheck } from "../policies/policyCheck.ts";
import type { Database } from "../store/database.ts";
import type { PolicyStore } from "../store/policyStore.ts";
import { readAddress, readHash } from "./read.ts";

const maxBundleBytes = 1_000_000;

export interface PolicyKeeping {
  readonly policies: PolicyStore;
  readonly database: Database;
  readonly check: PolicyCheck;
  readonly committed: Pick<CommittedPolicies, "check">;
}

/** Refusals that are remembered: a bundle that takes seconds to refuse takes them once. */
const maxRefusals = 256;

/**
 * A place for policy bundles, so that auditors find what agents committed to. The hash in the address decides what is
 * stored: nobody can put other bytes there, and nothing is kept that no agent has committed to. A bundle that no auditor
 * could evaluate is refused; whether it is a good policy is for its readers.
 */
export function policiesRouter({ policies, database, check, committed }: PolicyKeeping): Router {
  const router = Router();
  const refusals = new LRUCache<string, AffiantError>({ max: maxRefusals });

  /** Reads and checks a bundle, which somebody has committed to. */
  async function checkOnce(hash: string, body: Buffer): Promise<string> {
    const known = refusals.get(hash);
    if (known) throw known;
    try {
      const text = readBundle(body);
      await check.check(text);
      return text;
    } catch (error) {
      if (isAffiantError(error) && !error.retryable) refusals.set(hash, error);
      throw error;
    }
  }

  router.put(
    "/v1/policies/:hash",
    express.raw({ type: () => true, limit: maxBundleBytes, inflate: false }),
    async (request, response) => {
      const hash = readHash(request.params["hash"]);
      const name = String(request.params["hash"]);
      const body: unknown = request.body;
      if (!Buffer.isBuffer(body)) throw new AffiantError("ERR_INPUT_POLICY", "the body must be the bundle's bytes");
      if (!bytesEqual(createHash("sha256").update(body).digest(), hash)) {
        throw new AffiantError("ERR_INPUT_POLICY", "the bundle has another hash");
      }
      if (policies.get(hash) !== undefined) {
        response.status(200).json({ hash: name });
        return;
      }
      // Who committed to it is asked before it is read: what follows takes time.
      await committed.check(readAddress(request.query["agent"]), name);
      const text = await checkOnce(name, body);
      const isNew = database.transaction("policy.put", () => policies.put(hash, text));
      response.status(isNew ? 201 : 200).json({ hash: name });
    },
  );

  router.get("/v1/policies/:hash", (request, response) => {
    const bundle = policies.get(readHash(request.params.hash));
    if (bundle === undefined) throw new AffiantError("ERR_NOT_FOUND_POLICY", "no bundle of this hash is kept here");
    response.type("application/json").send(bundle);
  });

  return router;
}

function readBundle(body: Buffer): string {
  parseCanonicalJson(body);
  return body.toString("utf8");
}
