import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { bytesEqual } from "../../../protocol/encoding/bytes.ts";
import { nextKeyFile, putNextKey, swapKeyFiles } from "../keyFiles.ts";
import { createJournalKey, type JournalKey, readJournalKey } from "./journalKey.ts";
import { altered, RowGuard } from "./rowGuard.ts";
import { schemaDifferences } from "./schema.ts";
import { sameSum, SumChange, type Sums } from "./sums.ts";
import { guardedTables, jobsNotOver, rowArguments } from "./tables.ts";

/**
 * Puts the rows of a database under guard. One that was never under a seal (a new one, or one from before there were seals) gets
 * a key and its digests now; one that was must open under the key, have the schema that it should have, and hold the very jobs
 * that are not over.
 * @param isNew the database was empty before it was opened
 * @throws AffiantError ERR_CONFLICT_JOURNAL_KEY, ERR_CONFLICT_DATABASE_ALTERED, ERR_INPUT_FILE
 */
export function openRows(sql: DatabaseSync, keyFile: string, isNew: boolean): RowGuard {
  sql.exec("BEGIN IMMEDIATE");
  try {
    const [difference] = schemaDifferences(sql);
    if (difference !== undefined) throw altered(difference);
    const keyId = sealedUnder(sql);
    const key = keyId ? keyOfSeal(keyFile, keyId) : firstKey(keyFile, isNew);
    const guard = new RowGuard(sql, key);
    if (keyId) assertOpenJobs(sql, guard, key);
    else sealAsIs(sql, guard, key);
    sql.exec("COMMIT");
    // From here on the next key is the key. A crash before this is gone on from by the next start.
    finishSwap(keyFile, key);
    return guard;
  } catch (error) {
    if (sql.isTransaction) sql.exec("ROLLBACK");
    throw error;
  }
}

/** Of two processes that open a database at once, one renames the file. */
export function finishSwap(keyFile: string, key: JournalKey): void {
  try {
    if (!readJournalKey(nextKeyFile(keyFile))?.id.equals(key.id)) return;
    const retired = readJournalKey(keyFile);
    if (retired) swapKeyFiles(keyFile, retired.id.toString("hex"));
    else putNextKey(keyFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The id of the key that the seal is under; undefined for a database that has none. */
export function sealedUnder(sql: DatabaseSync): Uint8Array | undefined {
  const id = (sql.prepare("SELECT key_id FROM seal WHERE id = 1").get() as { key_id: unknown } | undefined)?.key_id;
  return id === undefined || id instanceof Uint8Array ? id : new Uint8Array();
}

/** @throws AffiantError ERR_CONFLICT_JOURNAL_KEY if neither the key nor the one to come is that of the seal */
export function keyOfSeal(keyFile: string, keyId: Uint8Array): JournalKey {
  for (const file of [keyFile, nextKeyFile(keyFile)]) {
    const key = readJournalKey(file);
    if (key && bytesEqual(key.id, keyId)) return key;
  }
  const what = existsSync(keyFile) ? "is not the one that the rows are sealed under" : "is missing";
  throw new AffiantError("ERR_CONFLICT_JOURNAL_KEY", `the journal's key ${keyFile} ${what}`, {
    hint: "put the key back that belongs to this database; if it is lost: affiant relayer rotate journal-key --accept",
  });
}

/**
 * A key that is there already belongs to a database that was sealed. Only a new database may take it, where an operator
 * brings a key of their own: otherwise whoever takes the seal away would have everything sealed anew as it is.
 */
function firstKey(keyFile: string, isNew: boolean): JournalKey {
  const known = readJournalKey(keyFile);
  if (!known) return readJournalKey(nextKeyFile(keyFile)) ?? createJournalKey(nextKeyFile(keyFile));
  if (isNew) return known;
  throw altered("the seal over the rows is gone: there is a key for it, and it is not a new database");
}

/** Gives every row the digest of what it says, and seals the sums. In a transaction. */
export function sealAsIs(sql: DatabaseSync, guard: RowGuard, key: JournalKey): void {
  for (const table of guardedTables(sql)) {
    // Of the digest alone: no trigger is about it.
    sql.exec(`UPDATE ${table.name} SET digest = affiant_digest('${table.name}', ${rowArguments(table, table.name)})`);
  }
  sql.prepare("INSERT OR REPLACE INTO seal (id, key_id, sealed) VALUES (1, ?, x'')").run(key.id);
  guard.writeSums(sumsOf(sql, key));
}

/** The sums of all groups, from what the rows say now. */
function sumsOf(sql: DatabaseSync, key: JournalKey): Sums {
  const change = new SumChange(key);
  for (const { name, part } of guardedTables(sql)) {
    const isIn = part?.where ?? "0";
    const rows = sql.prepare(`SELECT digest, ${isIn} AS isIn FROM ${name}`).iterate();
    for (const { digest, isIn } of rows as Iterable<{ digest: Uint8Array; isIn: number }>) {
      change.add(name, digest);
      if (part && isIn === 1) change.add(part.name, digest);
    }
  }
  return change.appliedTo({});
}

/** What is signed next comes from these: they are all there, none was put back from among those that are over. */
function assertOpenJobs(sql: DatabaseSync, guard: RowGuard, key: JournalKey): void {
  const change = new SumChange(key);
  const rows = sql.prepare(`SELECT digest FROM job WHERE ${jobsNotOver.where}`).iterate();
  for (const { digest } of rows as Iterable<{ digest: unknown }>) {
    change.add(jobsNotOver.name, digest instanceof Uint8Array ? digest : new Uint8Array());
  }
  if (sameSum(change.appliedTo({})[jobsNotOver.name], guard.sums()[jobsNotOver.name])) return;
  throw altered("the jobs that are not over are not those that were sealed");
}
