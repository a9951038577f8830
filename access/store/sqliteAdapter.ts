import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

import { type Adapter, type AdapterPayload, errors } from "oidc-provider";

/** Of those that have no end of their own (grants, sessions of the provider): a day. */
const longestSec = 86_400;

interface Row {
  readonly payload: string;
  readonly consumed_at_sec: number | null;
}

/**
 * Where oidc-provider keeps its things. What is presented by somebody to get something (codes, pushed requests) is stored under a
 * hash: who reads the database holds nothing that could be presented.
 */
export function sqliteAdapter(db: DatabaseSync, nowSec: () => number): (kind: string) => Adapter {
  const upsert = db.prepare(
    "INSERT INTO model (kind, id, payload, grant_id, uid, user_code, expires_at_sec) VALUES (?, ?, ?, ?, ?, ?, ?) " +
      "ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, " +
      "user_code = excluded.user_code, expires_at_sec = excluded.expires_at_sec",
  );
  const find = db.prepare(
    "SELECT payload, consumed_at_sec FROM model WHERE kind = ? AND id = ? AND expires_at_sec > ?",
  );
  const findByUid = db.prepare(
    "SELECT payload, consumed_at_sec FROM model WHERE kind = ? AND uid = ? AND expires_at_sec > ?",
  );
  const findByCode = db.prepare(
    "SELECT payload, consumed_at_sec FROM model WHERE kind = ? AND user_code = ? AND expires_at_sec > ?",
  );
  const consume = db.prepare(
    "UPDATE model SET consumed_at_sec = ? WHERE kind = ? AND id = ? AND consumed_at_sec IS NULL",
  );
  const destroy = db.prepare("DELETE FROM model WHERE kind = ? AND id = ?");
  const revoke = db.prepare("DELETE FROM model WHERE grant_id = ?");
  const revokeTokens = db.prepare("UPDATE token SET revoked_at_sec = ? WHERE grant_id = ? AND revoked_at_sec IS NULL");
  const prune = db.prepare(
    "DELETE FROM model WHERE (kind, id) IN (SELECT kind, id FROM model WHERE expires_at_sec <= ? LIMIT 8)",
  );
  const read = (row: unknown, id?: string): AdapterPayload | undefined => {
    if (!row) return undefined;
    const { payload, consumed_at_sec: consumed } = row as Row;
    const stored = JSON.parse(payload) as AdapterPayload;
    return { ...stored, ...(id === undefined ? {} : { jti: id }), ...(consumed === null ? {} : { consumed }) };
  };
  return (kind) => {
    // Sessions are also found by their uid, and then have to know their own id.
    const isSecret = kind === "AuthorizationCode" || kind === "PushedAuthorizationRequest" || kind === "RefreshToken";
    const keyOf = (id: string) => (isSecret ? createHash("sha256").update(id).digest("base64url") : id);
    return {
      async upsert(id, payload, expiresIn) {
        prune.run(nowSec());
        const { grantId = null, uid = null, userCode = null } = payload;
        const text = JSON.stringify(isSecret ? { ...payload, jti: undefined } : payload);
        upsert.run(kind, keyOf(id), text, grantId, uid, userCode, nowSec() + (expiresIn || longestSec));
      },
      async find(id) {
        return read(find.get(kind, keyOf(id), nowSec()), isSecret ? id : undefined);
      },
      async findByUid(uid) {
        return read(findByUid.get(kind, uid, nowSec()));
      },
      async findByUserCode(userCode) {
        return read(findByCode.get(kind, userCode, nowSec()));
      },
      async consume(id) {
        // Of two that present it at once one only is first; the other is told as one who comes later is.
        if (consume.run(nowSec(), kind, keyOf(id)).changes !== 1)
          throw new errors.InvalidGrant("it was presented before");
      },
      async destroy(id) {
        destroy.run(kind, keyOf(id));
      },
      async revokeByGrantId(grantId) {
        revoke.run(grantId);
        revokeTokens.run(nowSec(), grantId);
      },
    };
  };
}
