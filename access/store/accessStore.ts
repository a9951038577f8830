import { DatabaseSync } from "node:sqlite";

import { makePrivate } from "../../host/files/privateFile.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS model (
    kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
    consumed_at_sec INTEGER, expires_at_sec INTEGER NOT NULL, PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS model_grant ON model (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_uid ON model (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_user_code ON model (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_expires ON model (expires_at_sec);
  CREATE TABLE IF NOT EXISTS login_session (
    id TEXT PRIMARY KEY, statement TEXT NOT NULL, commitment TEXT, proof_of_key INTEGER NOT NULL, expires_at_sec INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS login_session_expires ON login_session (expires_at_sec);
  CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, grant_id TEXT, client_id TEXT NOT NULL, subject TEXT NOT NULL, claims TEXT NOT NULL,
    revoked_at_sec INTEGER, expires_at_sec INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS token_grant ON token (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS token_expires ON token (expires_at_sec);
  CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, at_sec INTEGER NOT NULL, event TEXT NOT NULL, entered INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS audit_open ON audit (number) WHERE entered = 0;
`;

/** Opens the authorization server's own database, for its owner alone. Codes, challenges and tokens are durable when they are out. */
export function openAccessStore(path: string): DatabaseSync {
  makePrivate(path);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
  db.exec(schema);
  return db;
}

/** Runs `work` in one transaction. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
