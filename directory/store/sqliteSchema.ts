/**
 * One element a version; an element is never edited once released.
 *
 * events: every log that was ever seen, by its block's hash. Triggers keep it append-only.
 * blocks: the chain that is followed now: blocks with events, the ends of ranges, and every block near the head.
 * rows: projected state, one version a block in which a row changed.
 * feed: what happened, for readers that follow.
 */
export const sqliteMigrations = [
  `
  CREATE TABLE events (
    chain     INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    log_index INTEGER NOT NULL,
    tx        BLOB NOT NULL,
    address   BLOB NOT NULL,
    topics    BLOB NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (chain, number, hash, log_index)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TABLE blocks (
    chain     INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    parent    BLOB NOT NULL,
    timestamp INTEGER NOT NULL,
    PRIMARY KEY (chain, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rows (
    chain      INTEGER NOT NULL,
    projection TEXT NOT NULL,
    key        TEXT NOT NULL,
    block      INTEGER NOT NULL,
    value      TEXT,
    PRIMARY KEY (chain, projection, key, block)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE feed (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    chain    INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('block', 'undo')),
    number   INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    detail   TEXT
  ) STRICT;
  CREATE INDEX feed_by_chain ON feed (chain, sequence);
  CREATE TABLE chains (
    chain     INTEGER PRIMARY KEY,
    number    INTEGER NOT NULL,
    safe      INTEGER,
    finalized INTEGER,
    floor     INTEGER NOT NULL,
    versions  TEXT NOT NULL
  ) STRICT;
  `,
] as const;
