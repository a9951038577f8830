/**
 * The journal's schema, one element a version. An element is never edited once released: files of that version exist.
 *
 * entries: what the agent signed, in its order. A row is on disk before its leaf leaves the machine.
 * disclosures: the payloads behind the digests; rows may be deleted (erasure) without touching the entries.
 * calls: signed requests to registries that are on their way, so that a crash sends the same bytes again.
 * facts: single values, such as the newest checkpoint this agent has seen.
 */
export const migrations = [
  `
  CREATE TABLE entries (
    seq             INTEGER PRIMARY KEY CHECK (seq >= 0),
    entry_id        TEXT NOT NULL UNIQUE,
    leaf            TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    log_index       INTEGER,
    status          TEXT CHECK (status IN ('sequenced', 'anchored', 'final')),
    receipt         TEXT,
    CHECK ((status IS NULL) = (receipt IS NULL) AND (status IS NULL) = (log_index IS NULL))
  ) STRICT;
  CREATE INDEX entries_unsent ON entries (seq) WHERE status IS NULL;
  CREATE TABLE disclosures (
    seq     INTEGER NOT NULL REFERENCES entries (seq),
    name    TEXT NOT NULL,
    encoded TEXT NOT NULL,
    PRIMARY KEY (seq, name)
  ) STRICT;
  CREATE TABLE calls (
    purpose         TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL,
    target          TEXT NOT NULL,
    data            TEXT NOT NULL,
    valid_until_sec INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
] as const;
