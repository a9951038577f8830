import { DatabaseSync } from "node:sqlite";

import { migrations } from "../migrations.ts";

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

/**
 * What a database's schema has that the migrations do not make, or lacks, or has otherwise. A trigger or a view that
 * somebody added is run by whoever writes or reads here; a check that was taken out lets pass what it kept out.
 * @returns in words, one a difference
 */
export function schemaDifferences(sql: DatabaseSync): string[] {
  const expected = new Map(expectedSchema().map((row) => [`${row.type} ${row.name}`, row]));
  const differences: string[] = [];
  for (const row of readSchema(sql)) {
    const name = `${row.type} ${row.name}`;
    const known = expected.get(name);
    expected.delete(name);
    if (!known) differences.push(`there is a ${name} that this relayer does not make`);
    else if (known.sql !== row.sql || known.tbl_name !== row.tbl_name) differences.push(`the ${name} is another one`);
  }
  return [...differences, ...[...expected.keys()].map((name) => `the ${name} is missing`)];
}

let schema: readonly SchemaRow[] | undefined;

/** As a new database has it, and one that took all the steps as well. */
function expectedSchema(): readonly SchemaRow[] {
  if (!schema) {
    const fresh = new DatabaseSync(":memory:");
    for (const step of migrations) fresh.exec(step);
    schema = readSchema(fresh);
    fresh.close();
  }
  return schema;
}

function readSchema(sql: DatabaseSync): readonly SchemaRow[] {
  return sql.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema").all() as unknown as SchemaRow[];
}
