/**
 * The schema, one step a version; `PRAGMA user_version` says how many were taken. A step that was released is never
 * changed: what it made stands on operators' disks.
 */
export const migrations: readonly string[] = [
  `
  -- The log. idx is the leaf index: contiguous from 0, never reused, never deleted.
  CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    agent INTEGER NOT NULL REFERENCES agent (id),
    seq INTEGER NOT NULL,
    entry_id BLOB NOT NULL,
    leaf TEXT NOT NULL,
    leaf_hash BLOB NOT NULL
  );
  CREATE UNIQUE INDEX entry_agent_seq ON entry (agent, seq);
  CREATE UNIQUE INDEX entry_by_id ON entry (entry_id);

  CREATE TABLE agent (
    id INTEGER PRIMARY KEY,
    did TEXT NOT NULL UNIQUE,
    next_seq INTEGER NOT NULL,
    head_entry_id BLOB,
    last_block INTEGER NOT NULL
  );

  -- Full tiles of 256 hashes: level 0 holds leaf hashes, level k the roots of 256 tiles of level k - 1.
  CREATE TABLE tile (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    root BLOB NOT NULL,
    PRIMARY KEY (level, idx)
  );

  -- Every checkpoint that was signed, so that an entry sent again gets the receipt it got first.
  CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL
  );

  -- What an agent signed under a number that was taken: proof that it tells two stories.
  CREATE TABLE equivocation (
    agent INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    entry_id BLOB NOT NULL,
    leaf TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent, seq, entry_id)
  ) WITHOUT ROWID;

  CREATE TABLE policy (
    hash BLOB PRIMARY KEY,
    bundle TEXT NOT NULL
  );

  -- What the chain says was anchored; a copy that is thrown away and read again after a reorg.
  CREATE TABLE anchor (
    idx INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    tx_hash TEXT
  );
  CREATE INDEX anchor_size ON anchor (size);

  -- The transaction journal. A job is one thing to be done on chain, whatever it takes.
  CREATE TABLE job (
    id TEXT PRIMARY KEY,
    dedupe_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    agent TEXT,
    target TEXT NOT NULL,
    data BLOB NOT NULL,
    state TEXT NOT NULL,
    lane TEXT,
    nonce INTEGER,
    gas_limit INTEGER,
    tx_hash TEXT,
    block_number INTEGER,
    block_hash TEXT,
    gas_used INTEGER,
    fee_wei TEXT,
    error TEXT,
    accepted_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL
  );
  CREATE INDEX job_state ON job (state);
  CREATE INDEX job_agent ON job (agent, accepted_at_ms);

  -- Every transaction ever signed. A nonce has one job, a job may have several attempts at its nonce.
  CREATE TABLE attempt (
    hash TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES job (id),
    lane TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw TEXT NOT NULL,
    purpose TEXT NOT NULL,
    max_fee_wei TEXT NOT NULL,
    priority_fee_wei TEXT NOT NULL,
    signed_at_ms INTEGER NOT NULL,
    sent_at_block INTEGER
  );
  CREATE INDEX attempt_job ON attempt (job);
  CREATE UNIQUE INDEX job_slot ON job (lane, nonce) WHERE nonce IS NOT NULL;

  -- Which job an Idempotency-Key stands for.
  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    dedupe_key TEXT NOT NULL,
    job TEXT NOT NULL
  );

  CREATE TABLE lane (
    address TEXT PRIMARY KEY,
    next_nonce INTEGER NOT NULL
  );
  `,
  `
  -- Payloads left with entries: ciphertext under the key in a slot of disclosures.key. Without both: erased, and never kept again.
  CREATE TABLE disclosure (
    entry_id BLOB PRIMARY KEY,
    slot INTEGER,
    sealed BLOB
  ) WITHOUT ROWID;
  `,
  `
  -- Several sender keys. fence: the highest fencing token that wrote to the lane; a lower one is refused.
  ALTER TABLE lane ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
  -- The head when the call was last run without being sent; NULL: not yet.
  ALTER TABLE job ADD COLUMN simulated_at_block INTEGER;
  DROP INDEX job_state;
  CREATE INDEX job_state ON job (state, lane);
  `,
  `
  -- Keys of epochs, sealed to their holders, until they fetch them. A commitment names one draft of one epoch.
  CREATE TABLE sealed_key (
    escrow_group BLOB NOT NULL,
    commitment BLOB NOT NULL,
    holder BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    root BLOB NOT NULL,
    sealed BLOB NOT NULL,
    proof BLOB NOT NULL,
    PRIMARY KEY (escrow_group, commitment, holder)
  ) WITHOUT ROWID;
  `,
  `
  -- Which process leads a lane, until when, and under which fencing token: it grows with each change of the leader.
  CREATE TABLE lane_lease (
    lane TEXT PRIMARY KEY,
    holder TEXT,
    token INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- Anchors by their size: those that LogAnchor.advance made have no record on chain, and so no index.
  ALTER TABLE anchor RENAME TO recorded_anchor;
  CREATE TABLE anchor (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    tx_hash TEXT,
    record INTEGER
  );
  INSERT INTO anchor (size, root, block_number, tx_hash, record)
    SELECT size, root, block_number, tx_hash, idx FROM recorded_anchor;
  DROP TABLE recorded_anchor;
  CREATE UNIQUE INDEX anchor_record ON anchor (record) WHERE record IS NOT NULL;
  `,
  `
  -- The trace that a job belongs to (W3C traceparent), until the job is over; only where traces are made.
  CREATE TABLE job_trace (
    job TEXT PRIMARY KEY,
    trace_parent TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- A request that a node cannot run, though the node answers: tried again later and later, so that it holds up nobody.
  ALTER TABLE job ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE job ADD COLUMN not_before_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE job ADD COLUMN setback_why TEXT;
  `,
  `
  -- Digests lie anywhere in their index, so each new entry rewrites a page of it: eight bytes find an entry as well, in two
  -- fifths of the pages. No two entries are equal, since no agent has two of one number.
  DROP INDEX entry_by_id;
  CREATE INDEX entry_by_id_start ON entry (substr(entry_id, 1, 8));
  `,
  `
  -- What each row says, digested under a key that is not in the database (docs/log.md). Tables without: all in them follows
  -- from the signed leaves.
  ALTER TABLE checkpoint ADD COLUMN digest BLOB;
  ALTER TABLE equivocation ADD COLUMN digest BLOB;
  ALTER TABLE policy ADD COLUMN digest BLOB;
  ALTER TABLE anchor ADD COLUMN digest BLOB;
  ALTER TABLE job ADD COLUMN digest BLOB;
  ALTER TABLE attempt ADD COLUMN digest BLOB;
  ALTER TABLE idempotency ADD COLUMN digest BLOB;
  ALTER TABLE lane ADD COLUMN digest BLOB;
  ALTER TABLE disclosure ADD COLUMN digest BLOB;
  ALTER TABLE sealed_key ADD COLUMN digest BLOB;
  ALTER TABLE lane_lease ADD COLUMN digest BLOB;
  ALTER TABLE job_trace ADD COLUMN digest BLOB;
  -- The sums of all digests, so that no row can be gone, added or put back unseen. One row.
  CREATE TABLE seal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key_id BLOB NOT NULL,
    sealed BLOB NOT NULL
  );
  `,
  `
  -- What lets a newcomer in, once: SHA-256 of its secret. used_by: the agent that it admitted.
  CREATE TABLE admission_ticket (
    id BLOB PRIMARY KEY,
    agent TEXT,
    expires_at_ms INTEGER NOT NULL,
    used_by TEXT,
    digest BLOB
  ) WITHOUT ROWID;
  -- What was spent on everybody within a day.
  CREATE INDEX job_accepted ON job (accepted_at_ms);
  `,
];
