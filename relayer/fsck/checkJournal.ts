import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

import { keccak256, Transaction } from "ethers";

import { toHex } from "../../protocol/encoding/hex.ts";
import type { Findings } from "./findings.ts";

interface JobRow {
  readonly id: string;
  readonly dedupe_key: string;
  readonly kind: string;
  readonly target: string;
  readonly data: Uint8Array;
  readonly state: string;
  readonly lane: string | null;
  readonly nonce: number | null;
  readonly tx_hash: string | null;
}

interface AttemptRow {
  readonly hash: string;
  readonly job: string;
  readonly lane: string;
  readonly nonce: number;
  readonly raw: string;
  readonly max_fee_wei: string;
  readonly priority_fee_wei: string;
  /** Of its job; null where there is none. */
  readonly target: string | null;
  readonly data: Uint8Array | null;
}

const count = (checked: Record<string, number>, what: string) => (checked[what] = (checked[what] ?? 0) + 1);

/**
 * What of the journal follows from itself, with no key: a request's key is the digest of its call, a signed transaction is
 * its job's call by its lane under its nonce, the lane's next nonce is beyond all of them.
 * @param checked counts what was looked at
 */
export function checkJournal(sql: DatabaseSync, findings: Findings, checked: Record<string, number>): void {
  for (const row of sql.prepare("SELECT * FROM job NOT INDEXED").iterate() as unknown as Iterable<JobRow>) {
    count(checked, "job");
    checkJob(sql, row, findings);
  }
  checkAttempts(sql, findings, checked);
  checkReferences(sql, findings);
}

/**
 * Each signed transaction is its job's call.
 * @param of SQL over `job` and `attempt`: which ones
 */
export function checkAttempts(sql: DatabaseSync, findings: Findings, checked: Record<string, number>, of = "1"): void {
  const attempts = sql.prepare(
    `SELECT hash, job, attempt.lane, attempt.nonce, raw, max_fee_wei, priority_fee_wei, target, data
     FROM attempt NOT INDEXED LEFT JOIN job ON job.id = attempt.job WHERE ${of}`,
  );
  for (const row of attempts.iterate() as unknown as Iterable<AttemptRow>) {
    count(checked, "attempt");
    const wrong = wrongIn(row);
    if (wrong !== undefined) findings.fault(`attempt ${row.hash}`, wrong, "ERR_CONFLICT_ROW_ALTERED");
  }
}

function checkJob(sql: DatabaseSync, row: JobRow, findings: Findings): void {
  const place = `job ${row.id}`;
  const expected = dedupeKeyOf(row);
  // What made room for a later job of the same call bears its own id behind the key.
  const isRight = row.dedupe_key === expected || row.dedupe_key === `${expected}#${row.id}`;
  if (expected !== undefined && !isRight) findings.fault(place, "its key is not that of its call");
  if (!["signed", "broadcast", "mined", "final"].includes(row.state)) return;
  const attempt = sql.prepare("SELECT 1 FROM attempt WHERE job = ? AND lane = ? AND nonce = ?");
  if (!attempt.get(row.id, row.lane, row.nonce)) findings.fault(place, "no transaction of it is signed for its nonce");
  if (row.tx_hash === null) return;
  const mined = sql.prepare("SELECT 1 FROM attempt WHERE job = ? AND hash = ?");
  if (!mined.get(row.id, row.tx_hash)) findings.fault(place, "it was mined as a transaction that is not its own");
}

/** Undefined where the key holds more than the job says. */
function dedupeKeyOf({ id, kind, target, data }: JobRow): string | undefined {
  if (kind === "noop") return `noop:${id}`;
  if (kind !== "request") return undefined;
  return `request:${createHash("sha256").update(String(target).toLowerCase()).update(data).digest("hex")}`;
}

function wrongIn(row: AttemptRow): string | undefined {
  if (!/^0x([0-9a-f]{2})+$/.test(row.raw) || keccak256(row.raw) !== row.hash)
    return "its signed bytes have another hash";
  let transaction: Transaction;
  try {
    transaction = Transaction.from(row.raw);
  } catch (error) {
    return `its signed bytes are no transaction: ${(error as Error).message}`;
  }
  const { from, to, nonce, data, maxFeePerGas, maxPriorityFeePerGas } = transaction;
  if (row.target === null || row.data === null) return "there is no job that it was signed for";
  if (from !== row.lane) return `it was signed by ${from ?? "nobody"}, not by its lane`;
  if (nonce !== row.nonce) return `it was signed for nonce ${nonce}, kept for ${row.nonce}`;
  if (to?.toLowerCase() !== String(row.target).toLowerCase() || data !== toHex(row.data))
    return "it is not its job's call";
  const fees = [String(maxFeePerGas), String(maxPriorityFeePerGas)];
  return fees[0] === row.max_fee_wei && fees[1] === row.priority_fee_wei ? undefined : "its fees are others";
}

function checkReferences(sql: DatabaseSync, findings: Findings): void {
  const lanes = sql.prepare(
    `SELECT address, next_nonce AS next, ifnull((SELECT max(nonce) FROM attempt WHERE lane = address), -1) AS used FROM lane`,
  );
  for (const { address, next, used } of lanes.iterate() as Iterable<{ address: string; next: number; used: number }>) {
    if (next <= used) findings.fault(`lane ${address}`, `nonce ${next} is to be next, but ${used} is signed`);
  }
  const keys = sql.prepare(
    `SELECT key, idempotency.dedupe_key AS asked, job.dedupe_key AS kept FROM idempotency LEFT JOIN job ON job.id = job`,
  );
  for (const { key, asked, kept } of keys.iterate() as Iterable<{ key: string; asked: string; kept: string | null }>) {
    if (kept?.split("#")[0] !== asked) findings.fault(`idempotency ${key}`, "it does not stand for a job of its call");
  }
}
