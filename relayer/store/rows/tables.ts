import type { DatabaseSync } from "node:sqlite";

/** Tables whose every column follows from the signed leaves and the signed roots over them; the seal has its own tag. */
export const derivedTables: readonly string[] = ["entry", "agent", "tile", "seal"];

/** A part of a table whose rows are summed on their own, so that a start need not read the whole table. */
export interface Part {
  readonly name: string;
  /** SQL over the columns. */
  readonly where: string;
}

/** Jobs that are not over decide what is signed next: a start looks at all of them. */
export const jobsNotOver: Part = { name: "job not over", where: "state NOT IN ('final', 'failed')" };

/** A table whose rows are digested. */
export interface GuardedTable {
  readonly name: string;
  /** All but the digest, in the order of the schema. */
  readonly columns: readonly string[];
  readonly keys: readonly string[];
  readonly hasRowid: boolean;
  readonly part: Part | undefined;
}

export interface TableColumn {
  readonly name: string;
  /** INTEGER, TEXT or BLOB. */
  readonly type: string;
  /** Whether it belongs to the primary key. */
  readonly isKey: boolean;
}

/** Every table of the database but SQLite's own. */
export function tableNames(sql: DatabaseSync): { readonly name: string; readonly hasRowid: boolean }[] {
  const rows = sql.prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").all();
  const own = (rows as { name: string; wr: number }[]).filter(({ name }) => !name.startsWith("sqlite_"));
  return own.map(({ name, wr }) => ({ name, hasRowid: wr === 0 })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function columnsOf(sql: DatabaseSync, table: string): TableColumn[] {
  const rows = sql.prepare("SELECT name, type, pk FROM pragma_table_xinfo(?)").all(table);
  return (rows as { name: string; type: string; pk: number }[]).map(({ name, type, pk }) => ({
    name,
    type,
    isKey: pk > 0,
  }));
}

/** The tables whose rows bear a digest. */
export function guardedTables(sql: DatabaseSync): GuardedTable[] {
  return tableNames(sql).flatMap(({ name, hasRowid }) => {
    const columns = columnsOf(sql, name);
    if (!columns.some((column) => column.name === "digest")) return [];
    const own = columns.filter((column) => column.name !== "digest");
    return {
      name,
      hasRowid,
      columns: own.map((column) => column.name),
      keys: own.filter(({ isKey }) => isKey).map((column) => column.name),
      part: name === "job" ? jobsNotOver : undefined,
    };
  });
}

/**
 * All tables are guarded that are not known to be derived: a column that is added is guarded by itself, a table must be.
 * @throws Error for a table that is neither derived nor has a digest: a fault of the migrations
 */
export function assertAllGuarded(sql: DatabaseSync): void {
  const guarded = new Set(guardedTables(sql).map(({ name }) => name));
  const bare = tableNames(sql).find(({ name }) => !guarded.has(name) && !derivedTables.includes(name));
  if (bare) throw new Error(`table ${bare.name} has no digest, and is not among those that follow from the log`);
}

/**
 * A row as arguments of a function: where it stands, and of each column the storage class and the very bytes. SQLite hands
 * text on only up to a zero byte, and repairs what is no UTF-8; the bytes are all there.
 * @param of `NEW`, `OLD`, or the table's name
 */
export function rowArguments({ columns, hasRowid }: GuardedTable, of: string): string {
  const place = hasRowid ? `CAST(${of}.rowid AS TEXT)` : "''";
  return [place, ...columns.flatMap((column) => [`typeof(${of}.${column})`, `CAST(${of}.${column} AS BLOB)`])].join(
    ", ",
  );
}

/** SQL that is 1 where a row of the table bears the digest of what it says. */
export function holdsExpression(sql: DatabaseSync, name: string): string {
  const table = guardedTables(sql).find((one) => one.name === name);
  if (!table) throw new Error(`${name} is no guarded table`);
  return `affiant_holds('${name}', ${rowArguments(table, name)}, ${name}.digest)`;
}
