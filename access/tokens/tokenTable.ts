import type { DatabaseSync } from "node:sqlite";

import type { JWTPayload } from "jose";

import { accessClaim, readAccessClaims } from "../../protocol/access/accessClaims.ts";
import { inTransaction } from "../store/accessStore.ts";
import type { Audit } from "../store/audit.ts";

interface Row {
  readonly client_id: string;
  readonly claims: string;
  readonly revoked_at_sec: number | null;
}

/** Every access token that was issued and has not ended, and which of them were revoked. The tokens themselves are nowhere. */
export class TokenTable {
  readonly #db: DatabaseSync;
  readonly #audit: Audit;
  readonly #nowSec: () => number;

  constructor(db: DatabaseSync, audit: Audit, nowSec: () => number) {
    this.#db = db;
    this.#audit = audit;
    this.#nowSec = nowSec;
  }

  /** Durable, with its audit entry, when it returns. */
  issue(payload: JWTPayload, grantId: string | undefined): void {
    const { jti = "", sub = "", exp = 0, scope, aud, acr, client_id } = payload as JWTPayload & Record<string, string>;
    const { block } = readAccessClaims(payload[accessClaim]);
    inTransaction(this.#db, () => {
      this.#db
        .prepare("DELETE FROM token WHERE id IN (SELECT id FROM token WHERE expires_at_sec <= ? LIMIT 8)")
        .run(this.#nowSec());
      this.#db
        .prepare(
          "INSERT INTO token (id, grant_id, client_id, subject, claims, expires_at_sec) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .run(jti, grantId ?? null, client_id ?? "", sub, JSON.stringify(payload), exp);
      this.#audit.enter({
        kind: "token",
        subject: sub,
        tokenId: jti,
        block,
        ...(client_id === undefined ? {} : { clientId: client_id }),
        ...(acr === undefined ? {} : { method: acr }),
        ...(scope === undefined ? {} : { scope }),
        ...(typeof aud === "string" ? { resource: aud } : {}),
      });
    });
  }

  /** The claims of a token that was issued here, has not ended and is not revoked. */
  find(id: string): { readonly clientId: string; readonly claims: JWTPayload } | undefined {
    const row = this.#db
      .prepare("SELECT client_id, claims, revoked_at_sec FROM token WHERE id = ? AND expires_at_sec > ?")
      .get(id, this.#nowSec()) as Row | undefined;
    if (!row || row.revoked_at_sec !== null) return undefined;
    return { clientId: row.client_id, claims: JSON.parse(row.claims) as JWTPayload };
  }

  revoke(id: string): void {
    this.#db
      .prepare("UPDATE token SET revoked_at_sec = ? WHERE id = ? AND revoked_at_sec IS NULL")
      .run(this.#nowSec(), id);
  }
}
