import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { checkAttempts } from "../fsck/checkJournal.ts";
import { Findings } from "../fsck/findings.ts";
import { checkRows, checkSchema } from "../fsck/checkRows.ts";
import { migrate, openSql } from "../store/database.ts";
import { lockFolder } from "../store/folderLock.ts";
import { nextKeyFile } from "../store/keyFiles.ts";
import { createJournalKey, readJournalKey } from "../store/rows/journalKey.ts";
import { finishSwap, sealAsIs, sealedUnder } from "../store/rows/openRows.ts";
import { RowGuard } from "../store/rows/rowGuard.ts";
import { rowAltered } from "../store/rows/rowAltered.ts";
import { guardedTables, holdsExpression } from "../store/rows/tables.ts";

export interface JournalKeyRotation {
  readonly keyFile: string;
  /** Rows that are digested under the new key. */
  readonly rows: number;
  /** What was taken as it is: the first ten places, and how many there were. */
  readonly accepted: readonly string[];
  readonly acceptedCount: number;
  /** Requests that nobody vouches for any more: they failed, and may be asked for again. */
  readonly failed: number;
}

/**
 * Digests and seals all rows of a stopped relayer under a new key. Rows that do not hold under the old one stop it, unless the
 * operator takes them as they are: that is also the way on when the key is lost. Even then nothing is signed from a request
 * that was not signed yet and does not hold: it fails, and its client asks again.
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_DATA_FOLDER, ERR_CONFLICT_DATABASE_ALTERED, ERR_CONFLICT_JOURNAL_KEY
 */
export function rotateJournalKey(dataDir: string, keyFile: string, accept: boolean): JournalKeyRotation {
  const file = join(dataDir, "relayer.db");
  if (!existsSync(file)) throw new AffiantError("ERR_INPUT_DATA_FOLDER", `there is no relayer.db in ${dataDir}`);
  const lock = lockFolder(dataDir);
  try {
    const sql = openSql(file);
    try {
      migrate(sql);
      return rotate(sql, keyFile, accept);
    } finally {
      sql.close();
    }
  } finally {
    lock.release();
  }
}

function rotate(sql: DatabaseSync, keyFile: string, accept: boolean): JournalKeyRotation {
  sql.exec("BEGIN IMMEDIATE");
  try {
    // Another schema is nothing that could be taken as it is: what is in it would run.
    assertNone(schemaFindings(sql));
    const findings = new Findings();
    const isVouchedFor = checkRows(sql, keyFile, findings) > 0;
    if (!accept) assertNone(findings);
    // Of what is signed and on its way another one may be signed, for a higher fee: it must be the call that was signed.
    const underWay = new Findings();
    checkAttempts(sql, underWay, {}, "job.state IN ('signed', 'broadcast')");
    assertNone(underWay);
    const failed = failUnvouched(sql, isVouchedFor);
    const key = nextKey(sql, keyFile);
    sealAsIs(sql, new RowGuard(sql, key), key);
    sql.exec("COMMIT");
    finishSwap(keyFile, key);
    const rows = guardedTables(sql).reduce((sum, { name }) => sum + countOf(sql, name), 0);
    const accepted = findings.faults.slice(0, 10).map(({ place, what }) => `${place}: ${what}`);
    return { keyFile, rows, accepted, acceptedCount: findings.count, failed };
  } catch (error) {
    if (sql.isTransaction) sql.exec("ROLLBACK");
    throw error;
  }
}

function schemaFindings(sql: DatabaseSync): Findings {
  const findings = new Findings();
  checkSchema(sql, findings);
  return findings;
}

function assertNone({ faults: [first] }: Findings): void {
  if (!first) return;
  throw new AffiantError(first.code ?? "ERR_CONFLICT_DATABASE_ALTERED", `${first.place}: ${first.what}`, {
    hint: "affiant log fsck names them all; --accept takes rows (not a schema) as they are",
  });
}

/** A key to come that the seal is not under yet; one that it is under is left of a rotation that ended after its commit. */
function nextKey(sql: DatabaseSync, keyFile: string) {
  const next = readJournalKey(nextKeyFile(keyFile));
  const sealed = sealedUnder(sql);
  if (!next) return createJournalKey(nextKeyFile(keyFile));
  if (!sealed || !next.id.equals(sealed)) return next;
  finishSwap(keyFile, next);
  return createJournalKey(nextKeyFile(keyFile));
}

/** @param hasKey false: the key is lost, and with it every word for what is to be signed */
function failUnvouched(sql: DatabaseSync, hasKey: boolean): number {
  const holds = hasKey ? holdsExpression(sql, "job") : "0";
  const rows = sql.prepare(`SELECT id FROM job WHERE state IN ('accepted', 'simulated') AND NOT ${holds}`).all();
  const fail = sql.prepare("UPDATE job SET state = 'failed', error = ? WHERE id = ?");
  for (const { id } of rows as { id: string }[]) fail.run(JSON.stringify(toProblem(rowAltered("job", id))), id);
  return rows.length;
}

function countOf(sql: DatabaseSync, table: string): number {
  return (sql.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
}
