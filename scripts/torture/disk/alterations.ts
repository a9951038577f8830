import { DatabaseSync } from "node:sqlite";

import { openDatabase } from "../../../relayer/store/database.ts";
import { columnsOf, derivedTables, tableNames } from "../../../relayer/store/rows/tables.ts";

/** Changes a database's file as somebody else would. Throws where SQLite refuses it. */
export interface Alteration {
  readonly kind: string;
  readonly name: string;
  apply(file: string): void;
}

const raw = (file: string, work: (sql: DatabaseSync) => void): void => {
  const sql = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    work(sql);
  } finally {
    sql.close();
  }
};

/** New values for what stands in a column, by its class. */
const changes: readonly (readonly [name: string, sql: (column: string) => string])[] = [
  [
    "another value",
    (c) => `CASE typeof(${c}) WHEN 'integer' THEN ${c} + 1 WHEN 'null' THEN x'00' WHEN 'text' THEN
     substr(${c}, 1, length(${c}) - 1) || CASE substr(${c}, -1) WHEN '1' THEN '2' ELSE '1' END
     ELSE CAST(substr(${c}, 1, length(${c}) - 1) || CASE substr(${c}, -1) WHEN x'01' THEN x'02' ELSE x'01' END AS BLOB) END`,
  ],
  [
    "another class",
    (c) => `CASE typeof(${c}) WHEN 'text' THEN CAST(${c} AS BLOB) WHEN 'blob' THEN CAST(hex(${c}) AS TEXT)
     WHEN 'null' THEN 0 ELSE 'x' || ${c} END`,
  ],
  ["more behind a zero", (c) => `CASE typeof(${c}) WHEN 'text' THEN ${c} || char(0) || 'x' ELSE ${c} || x'0078' END`],
  ["nothing", (c) => `CASE WHEN ${c} IS NULL THEN '' ELSE NULL END`],
];

/** Each column of each table that the schema has, each in several ways. */
export function columnAlterations(file: string): Alteration[] {
  const all: Alteration[] = [];
  raw(file, (sql) => {
    for (const { name: table } of tableNames(sql)) {
      const columns = columnsOf(sql, table);
      const where = pick(sql, table, "DESC");
      for (const { name: column } of columns) {
        for (const [how, value] of changes) {
          all.push({
            kind: "column",
            name: `${table}.${column}: ${how}`,
            apply: (copy) =>
              raw(copy, (opened) => opened.exec(`UPDATE ${table} SET ${column} = ${value(column)} WHERE ${where}`)),
          });
        }
      }
    }
  });
  return all;
}

/** Rows gone, copied, exchanged, put back as they were. */
export function rowAlterations(file: string): Alteration[] {
  const all: Alteration[] = [];
  const add = (name: string, apply: (copy: string) => void) => all.push({ kind: "row", name, apply });
  raw(file, (sql) => {
    for (const { name: table } of tableNames(sql)) {
      const columns = columnsOf(sql, table);
      const key = columns.filter(({ isKey }) => isKey).at(-1)?.name ?? "";
      const [first, last] = [pick(sql, table, "ASC"), pick(sql, table, "DESC")];
      const names = columns.map(({ name }) => name);
      add(`${table}: one gone`, (copy) => raw(copy, (opened) => opened.exec(`DELETE FROM ${table} WHERE ${last}`)));
      const bumped = `CASE typeof(${key}) WHEN 'integer' THEN ${key} + 100000 WHEN 'text' THEN ${key} || 'x' ELSE CAST(${key} || x'01' AS BLOB) END`;
      const copied = names.map((name) => (name === key ? bumped : name)).join(", ");
      add(`${table}: one copied`, (copy) =>
        raw(copy, (opened) =>
          opened.exec(`INSERT INTO ${table} (${names.join(", ")}) SELECT ${copied} FROM ${table} WHERE ${last}`),
        ),
      );
      const others = columns.filter(({ isKey }) => !isKey).map(({ name }) => name);
      if (first !== last && others.length > 0) {
        const from = `(SELECT ${others.join(", ")} FROM ${table} WHERE ${first})`;
        add(`${table}: one with what another says`, (copy) =>
          raw(copy, (opened) => opened.exec(`UPDATE ${table} SET (${others.join(", ")}) = ${from} WHERE ${last}`)),
        );
      }
      const own = others.find((name) => name !== "digest");
      if (own !== undefined && !derivedTables.includes(table)) {
        add(`${table}: one put back as it was`, (copy) => putBack(copy, table, own, last, others));
      }
    }
  });
  return all;
}

/** The relayer changes a row; then somebody writes the row of before, its digest with it. */
function putBack(file: string, table: string, column: string, where: string, columns: readonly string[]): void {
  let before: Record<string, null | number | string | Uint8Array> = {};
  raw(file, (sql) => (before = sql.prepare(`SELECT * FROM ${table} WHERE ${where}`).get() as typeof before));
  const database = openDatabase(file);
  database.transaction("job.trace", () => database.sql.exec(`UPDATE ${table} SET ${column} = 'later' WHERE ${where}`));
  database.close();
  raw(file, (sql) => {
    const set = columns.map((name) => `${name} = ?`).join(", ");
    sql.prepare(`UPDATE ${table} SET ${set} WHERE ${where}`).run(...columns.map((name) => before[name] ?? null));
  });
}

const schemaChanges: readonly (readonly [name: string, sql: string])[] = [
  ["a trigger", "CREATE TRIGGER t AFTER UPDATE ON job BEGIN UPDATE job SET data = x'00' WHERE id = NEW.id; END"],
  ["a view", "CREATE VIEW v AS SELECT * FROM job"],
  ["a table", "CREATE TABLE extra (x)"],
  ["an index", "CREATE INDEX extra ON job (target)"],
  ["an index gone", "DROP INDEX job_agent"],
  ["a column", "ALTER TABLE lane ADD COLUMN extra TEXT"],
  ["a unique index that is none", "DROP INDEX entry_agent_seq; CREATE INDEX entry_agent_seq ON entry (agent, seq)"],
  ["rows under no seal", "DELETE FROM seal"],
];

export const schemaAlterations: readonly Alteration[] = schemaChanges.map(([name, sql]) => ({
  kind: "schema",
  name,
  apply: (file) => raw(file, (opened) => opened.exec(sql)),
}));

/** What a reader gets of the whole file: every row without indexes, what SQLite says of the indexes, the schema. */
export function readAll(file: string): string {
  try {
    const sql = new DatabaseSync(file, { readOnly: true });
    try {
      const schema = sql.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").all();
      const check = sql.prepare("PRAGMA integrity_check").all();
      const rows = tableNames(sql).map(({ name }) => {
        const columns = columnsOf(sql, name).map(
          (column) => `quote(CAST(${column.name} AS BLOB)) || typeof(${column.name})`,
        );
        return sql.prepare(`SELECT ${columns.join(", ")} FROM ${name} NOT INDEXED`).all();
      });
      return JSON.stringify([schema, check, rows]);
    } finally {
      sql.close();
    }
  } catch (error) {
    return `unreadable: ${(error as Error).message}`;
  }
}

/** SQL that names the first or last row by its key. */
function pick(sql: DatabaseSync, table: string, order: "ASC" | "DESC"): string {
  const keys = columnsOf(sql, table).filter(({ isKey }) => isKey);
  const parts = keys.map(({ name }) => `'${name} = ' || quote(${name})`).join(` || ' AND ' || `);
  const by = keys.map(({ name }) => `${name} ${order}`).join(", ");
  const row = sql.prepare(`SELECT ${parts} AS place FROM ${table} ORDER BY ${by} LIMIT 1`).get() as
    { place: string } | undefined;
  if (!row) throw new Error(`the world has no row in ${table}`);
  return row.place;
}
