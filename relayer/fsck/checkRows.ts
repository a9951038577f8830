import type { DatabaseSync } from "node:sqlite";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { JournalKey } from "../store/rows/journalKey.ts";
import { readJournalKey } from "../store/rows/journalKey.ts";
import { keyOfSeal, sealedUnder } from "../store/rows/openRows.ts";
import { defineDigest } from "../store/rows/rowGuard.ts";
import { schemaDifferences } from "../store/rows/schema.ts";
import { decodeSums, sameSum, SumChange, type Sums } from "../store/rows/sums.ts";
import { columnsOf, derivedTables, type GuardedTable, guardedTables, rowArguments } from "../store/rows/tables.ts";
import type { Findings } from "./findings.ts";

/** The schema is the one that the migrations make: no trigger, view or table of somebody else, no check taken out. */
export function checkSchema(sql: DatabaseSync, findings: Findings): void {
  for (const difference of schemaDifferences(sql)) {
    findings.fault("schema", difference, "ERR_CONFLICT_DATABASE_ALTERED");
  }
}

/**
 * Every row of the guarded tables bears the digest of what it says, and no row is missing, added, or put back as it once
 * was: the sums of the digests are those under the seal.
 * @returns how many rows were looked at
 */
export function checkRows(sql: DatabaseSync, keyFile: string, findings: Findings): number {
  const key = keyOf(sql, keyFile, findings);
  if (!key) return 0;
  defineDigest(sql, key);
  const sealed = readSums(sql, key, findings);
  let count = 0;
  for (const table of guardedTables(sql)) {
    const change = new SumChange(key);
    count += checkTable(sql, table, findings, change);
    const found = change.appliedTo({});
    for (const group of [table.name, ...(table.part ? [table.part.name] : [])]) {
      if (!sealed || sameSum(found[group], sealed[group])) continue;
      const [got, wanted] = [found[group]?.count ?? 0, sealed[group]?.count ?? 0];
      const what = got === wanted ? "rows were exchanged or put back as they once were" : `${wanted} rows were written`;
      findings.fault(`table ${group}`, `${got} rows, ${what}`, "ERR_CONFLICT_DATABASE_ALTERED");
    }
  }
  return count;
}

/** Text that is stored as bytes compares unlike text in every query, and is read here as if it were the same. */
export function checkClasses(sql: DatabaseSync, findings: Findings): void {
  for (const table of derivedTables) {
    for (const { name } of columnsOf(sql, table).filter(({ type }) => type === "TEXT")) {
      const query = `SELECT count(*) AS count FROM ${table} NOT INDEXED WHERE typeof(${name}) <> 'text'`;
      const { count } = sql.prepare(query).get() as { count: number };
      if (count > 0) findings.fault(`table ${table}`, `${count} values of ${name} are no text`);
    }
  }
}

function keyOf(sql: DatabaseSync, keyFile: string, findings: Findings): JournalKey | undefined {
  try {
    const keyId = sealedUnder(sql);
    if (keyId) return keyOfSeal(keyFile, keyId);
    throw readJournalKey(keyFile)
      ? new AffiantError("ERR_CONFLICT_DATABASE_ALTERED", "the seal over the rows is gone: there is a key for it")
      : new AffiantError("ERR_CONFLICT_JOURNAL_KEY", "the rows were never sealed: the relayer does it when it starts");
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    findings.fault("journal key", error.message, error.code);
    return undefined;
  }
}

function readSums(sql: DatabaseSync, key: JournalKey, findings: Findings): Sums | undefined {
  const rows = sql.prepare("SELECT id, sealed FROM seal").all() as { id: unknown; sealed: unknown }[];
  const [row] = rows;
  const plain = row?.sealed instanceof Uint8Array ? key.unseal(row.sealed) : undefined;
  if (rows.length === 1 && row?.id === 1 && plain) return decodeSums(plain);
  findings.fault("seal", "it is not one that was made under the journal's key", "ERR_CONFLICT_DATABASE_ALTERED");
  return undefined;
}

function checkTable(sql: DatabaseSync, table: GuardedTable, findings: Findings, change: SumChange): number {
  const { name, keys, part } = table;
  const place = keys.map((column) => `quote(${name}.${column})`).join(" || ' ' || ");
  const holds = `affiant_holds('${name}', ${rowArguments(table, name)}, ${name}.digest)`;
  const rows = sql
    .prepare(
      `SELECT ${place} AS place, digest, ${holds} AS holds, ${part?.where ?? "0"} AS isIn FROM ${name} NOT INDEXED`,
    )
    .iterate() as Iterable<{ place: string; digest: unknown; holds: number; isIn: number }>;
  let count = 0;
  for (const { place, digest, holds, isIn } of rows) {
    count++;
    if (holds !== 1)
      findings.fault(`${name} ${place}`, "it is not what this relayer wrote", "ERR_CONFLICT_ROW_ALTERED");
    const stored = digest instanceof Uint8Array ? digest : new Uint8Array();
    change.add(name, stored);
    if (part && isIn === 1) change.add(part.name, stored);
  }
  return count;
}
