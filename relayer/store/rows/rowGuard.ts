import type { DatabaseSync, StatementSync } from "node:sqlite";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { digestBytes, type JournalKey } from "./journalKey.ts";
import { schemaDifferences } from "./schema.ts";
import { decodeSums, encodeSums, SumChange, type Sums } from "./sums.ts";
import { assertAllGuarded, type GuardedTable, guardedTables, rowArguments } from "./tables.ts";

type Value = string | number | null | Uint8Array;

/**
 * Keeps a digest under the journal's key in every row of the guarded tables, and their sums under a seal: what was written
 * by anybody who has not the key is told apart, a row that is gone, was added, or put back as it was.
 *
 * It hangs on triggers of this connection (TEMP: the file knows nothing of them, so nobody can take them out of it), made from
 * the schema as it is. A row that does not bear the digest of what it says when it is changed does not get a good one by the change.
 */
export class RowGuard {
  readonly #sql: DatabaseSync;
  readonly #key: JournalKey;
  readonly #change: SumChange;
  readonly #readSeal: StatementSync;
  readonly #writeSeal: StatementSync;
  readonly #readVersion: StatementSync;
  #schemaVersion: number | undefined;
  #isWriting = false;
  /** What the last seal that was read or written holds. */
  #known: { readonly sealed: Buffer; readonly sums: Sums } | undefined;

  constructor(sql: DatabaseSync, key: JournalKey) {
    this.#sql = sql;
    this.#key = key;
    this.#change = new SumChange(key);
    this.#readSeal = sql.prepare("SELECT sealed FROM seal WHERE id = 1");
    this.#writeSeal = sql.prepare("UPDATE seal SET sealed = ? WHERE id = 1");
    this.#readVersion = sql.prepare("PRAGMA schema_version");
    defineDigest(sql, key);
    this.#defineChanges();
    // A trigger or a view of the file must not reach what has the key.
    sql.exec("PRAGMA trusted_schema = OFF");
    assertAllGuarded(sql);
    for (const table of guardedTables(sql)) sql.exec(triggersOf(table));
  }

  /**
   * To be called when a transaction that may write has begun.
   * @throws AffiantError ERR_CONFLICT_DATABASE_ALTERED if the schema is not the one that the migrations make
   */
  begin(): void {
    const { schema_version: version } = this.#readVersion.get() as { schema_version: number };
    if (version !== this.#schemaVersion) {
      const [difference] = schemaDifferences(this.#sql);
      if (difference !== undefined) throw altered(difference);
      this.#schemaVersion = version;
    }
    this.#isWriting = true;
  }

  /** To be called before the commit: puts what was changed under the seal. @throws AffiantError ERR_CONFLICT_DATABASE_ALTERED */
  end(): void {
    this.#isWriting = false;
    if (this.#change.isEmpty) return;
    this.writeSums(this.#change.appliedTo(this.sums()));
    this.#change.clear();
  }

  /** To be called when a transaction was rolled back, or may have been. */
  forget(): void {
    this.#isWriting = false;
    this.#change.clear();
  }

  /** What is under the seal. @throws AffiantError ERR_CONFLICT_DATABASE_ALTERED if the seal is broken */
  sums(): Sums {
    const sealed = (this.#readSeal.get() as { sealed: unknown } | undefined)?.sealed;
    if (!(sealed instanceof Uint8Array)) throw altered("the seal over the rows is gone");
    if (this.#known?.sealed.equals(sealed)) return this.#known.sums;
    const plain = this.#key.unseal(sealed);
    if (!plain) throw altered("the seal over the rows is broken");
    this.#known = { sealed: Buffer.from(sealed), sums: decodeSums(plain) };
    return this.#known.sums;
  }

  writeSums(sums: Sums): void {
    const sealed = this.#key.seal(encodeSums(sums));
    this.#writeSeal.run(sealed);
    this.#known = { sealed, sums };
  }

  #defineChanges(): void {
    const options = { varargs: true } as const;
    this.#sql.function("affiant_inserted", options, (table, part, isIn, ...row) => {
      const digest = this.#key.digest(encodeRow(String(table), row as Value[], 0, row.length));
      this.#count("add", String(table), isIn === 1 ? String(part) : undefined, digest);
      return digest;
    });
    // Old row, its digest, new row: both rows have as many arguments.
    this.#sql.function("affiant_updated", options, (table, part, wasIn, isIn, ...rows) => {
      const size = (rows.length - 1) / 2;
      const stored = digestOf(rows[size] as Value);
      const before = this.#key.digest(encodeRow(String(table), rows as Value[], 0, size));
      const isRight = before.equals(stored);
      const digest = isRight
        ? this.#key.digest(encodeRow(String(table), rows as Value[], size + 1, rows.length))
        : stored;
      this.#count("take", String(table), wasIn === 1 ? String(part) : undefined, stored);
      this.#count("add", String(table), isIn === 1 ? String(part) : undefined, digest);
      return digest;
    });
    this.#sql.function("affiant_deleted", options, (table, part, wasIn, digest) => {
      this.#count("take", String(table), wasIn === 1 ? String(part) : undefined, digestOf(digest as Value));
      return null;
    });
  }

  #count(how: "add" | "take", table: string, part: string | undefined, digest: Uint8Array): void {
    if (!this.#isWriting) throw new Error(`a row of ${table} is written outside of Database.transaction`);
    this.#change[how](table, digest);
    if (part !== undefined) this.#change[how](part, digest);
  }
}

/** `affiant_digest(table, row…)`, and `affiant_holds(table, row…, digest)` which is 1 or 0. */
export function defineDigest(sql: DatabaseSync, key: JournalKey): void {
  sql.function("affiant_digest", { varargs: true }, (table, ...row) =>
    key.digest(encodeRow(String(table), row as Value[], 0, row.length)),
  );
  sql.function("affiant_holds", { varargs: true }, (table, ...row) => {
    const digest = key.digest(encodeRow(String(table), row as Value[], 0, row.length - 1));
    return digest.equals(digestOf(row.at(-1) as Value)) ? 1 : 0;
  });
}

export function altered(what: string): AffiantError {
  return new AffiantError("ERR_CONFLICT_DATABASE_ALTERED", what, {
    hint: "stop the relayer and look: affiant log fsck; docs/relayer.md says how to go on",
  });
}

/** What stands in the place of a digest, as 16 bytes: whatever else somebody wrote there is a wrong digest. */
function digestOf(value: Value): Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(digestBytes);
}

const tags: Readonly<Record<string, number>> = { null: 0, integer: 1, real: 2, text: 3, blob: 4 };

/** One encoding a row: table, place, then class and bytes of each value, each with its length before it. */
function encodeRow(table: string, row: readonly Value[], from: number, to: number): Buffer {
  const place = String(row[from]);
  let length = table.length + place.length + 2;
  for (let i = from + 1; i < to; i += 2) length += 5 + ((row[i + 1] as Uint8Array | null)?.length ?? 0);
  const encoded = Buffer.allocUnsafe(length);
  let at = encoded.write(`${table}\0${place}\0`, "latin1");
  for (let i = from + 1; i < to; i += 2) {
    const bytes = row[i + 1] as Uint8Array | null;
    at = encoded.writeUInt8(tags[String(row[i])] ?? 255, at);
    at = encoded.writeUInt32BE(bytes?.length ?? 0, at);
    if (bytes) encoded.set(bytes, at);
    at += bytes?.length ?? 0;
  }
  return encoded;
}

function triggersOf(table: GuardedTable): string {
  const { name, columns, part } = table;
  const partName = part ? `'${part.name}'` : "NULL";
  const isIn = (of: string) => (part ? part.where.replace(/^/, `${of}.`) : "0");
  const place = table.hasRowid ? "rowid = NEW.rowid" : table.keys.map((key) => `${key} = NEW.${key}`).join(" AND ");
  const [before, after] = [rowArguments(table, "OLD"), rowArguments(table, "NEW")];
  return `
    CREATE TEMP TRIGGER affiant_insert_${name} AFTER INSERT ON main.${name} BEGIN
      UPDATE ${name} SET digest = affiant_inserted('${name}', ${partName}, ${isIn("NEW")}, ${after}) WHERE ${place};
    END;
    CREATE TEMP TRIGGER affiant_update_${name} AFTER UPDATE OF ${columns.join(", ")} ON main.${name} BEGIN
      UPDATE ${name} SET digest =
        affiant_updated('${name}', ${partName}, ${isIn("OLD")}, ${isIn("NEW")}, ${before}, OLD.digest, ${after})
      WHERE ${place};
    END;
    CREATE TEMP TRIGGER affiant_delete_${name} AFTER DELETE ON main.${name} BEGIN
      SELECT affiant_deleted('${name}', ${partName}, ${isIn("OLD")}, OLD.digest);
    END;`;
}
