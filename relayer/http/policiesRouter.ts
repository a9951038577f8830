import { createHash } from "node:crypto";

import express, { Router } from "express";

import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCanonicalJson } from "../../protocol/json/canonical.ts";
import type { PolicyCheck } from "../policies/policyCheck.ts";
import type { Database } from "../store/database.ts";
import type { PolicyStore } from "../store/policyStore.ts";
import { readHash } from "./read.ts";

const maxBundleBytes = 1_000_000;

/**
 * A place for policy bundles, so that auditors find what agents committed to. The hash in the address decides what is
 * stored: nobody can put other bytes there. A bundle that no auditor could evaluate is refused; whether it is a good
 * policy is for its readers.
 */
export function policiesRouter(policies: PolicyStore, database: Database, policyCheck: PolicyCheck): Router {
  const router = Router();

  router.put(
    "/v1/policies/:hash",
    express.raw({ type: () => true, limit: maxBundleBytes }),
    async (request, response) => {
      const hash = readHash(request.params["hash"]);
      const text = readBundle(request.body);
      if (!bytesEqual(createHash("sha256").update(text, "utf8").digest(), hash)) {
        throw new AffiantError("ERR_INPUT_POLICY", "the bundle has another hash");
      }
      if (policies.get(hash) === undefined) await policyCheck.check(text);
      const isNew = database.transaction("policy.put", () => policies.put(hash, text));
      response.status(isNew ? 201 : 200).json({ hash: request.params["hash"] });
    },
  );

  router.get("/v1/policies/:hash", (request, response) => {
    const bundle = policies.get(readHash(request.params.hash));
    if (bundle === undefined) throw new AffiantError("ERR_NOT_FOUND_POLICY", "no bundle of this hash is kept here");
    response.type("application/json").send(bundle);
  });

  return router;
}

function readBundle(body: unknown): string {
  if (!Buffer.isBuffer(body)) throw new AffiantError("ERR_INPUT_POLICY", "the body must be the bundle's bytes");
  parseCanonicalJson(body);
  return body.toString("utf8");
}
