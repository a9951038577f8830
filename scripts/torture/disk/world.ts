import { hash } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../../relayer/store/database.ts";
import { columnsOf, tableNames } from "../../../relayer/store/rows/tables.ts";
import { Actor } from "../../../test/helpers/world/actor.ts";
import { startChain } from "../../../test/helpers/world/chain.ts";
import { RelayerHome } from "../../../test/helpers/world/relayer.ts";

/** A stopped relayer's folder with rows in every table, and copies of it to spoil. */
export interface DiskWorld {
  /** The folder of a fresh copy; the one before is gone. */
  copy(): Promise<string>;
  close(): Promise<void>;
}

/** What a relayer really leaves; where that is nothing (of traces, say), two rows that it might have written. */
export async function diskWorld(): Promise<DiskWorld> {
  const chain = await startChain();
  const home = await RelayerHome.make(chain, { AFFIANT_RATE_LIMIT_PER_MINUTE: "0" });
  const relayer = await home.start();
  const actor = await Actor.registered(chain);
  const nb = await actor.block();
  const rival = actor.signAt(nb, { act: "rival" }, { seq: 0, prev: null });
  for (const count of [200, 98]) {
    const entries = Array.from({ length: count }, () => ({ leaf: actor.signAt(nb).leaf }));
    await relayer.post("/v1/entries:batch", { entries });
  }
  for (const input of ["one", "two"]) {
    const { leaf, disclosures } = actor.signAt(nb, { input });
    await relayer.post("/v1/entries", { leaf, disclosures });
  }
  await relayer.post("/v1/entries", { leaf: rival.leaf });
  await relayer.post("/v1/log/anchor");
  while ((await relayer.get("/v1/log/anchors")).body.anchors.length === 0) await chain.mine(1);
  await relayer.close();
  fillEmpty(join(home.dir, "relayer.db"));
  const folder = await mkdtemp(join(tmpdir(), "affiant-disk-"));
  const dir = join(folder, "copy");
  return {
    copy: async () => {
      await rm(dir, { recursive: true, force: true });
      await cp(home.dir, dir, { recursive: true });
      return dir;
    },
    close: async () => {
      await rm(folder, { recursive: true, force: true });
      await home.remove();
      await chain.close();
    },
  };
}

/** Written as the relayer writes: digested and sealed. */
function fillEmpty(file: string): void {
  const database = openDatabase(file);
  const { sql } = database;
  for (const { name } of tableNames(sql)) {
    const { count } = sql.prepare(`SELECT count(*) AS count FROM ${name}`).get() as { count: number };
    if (count > 0 || ["idempotency", "policy"].includes(name)) continue; // what they say is of something else
    const columns = columnsOf(sql, name).filter((column) => column.name !== "digest");
    const insert = sql.prepare(
      `INSERT INTO ${name} (${columns.map((column) => column.name).join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    const value = (type: string, row: number) =>
      type === "INTEGER" ? row : type === "TEXT" ? `made up ${row}` : Buffer.alloc(32, row);
    database.transaction("job.trace", () => {
      for (const row of [1, 2]) insert.run(...columns.map(({ type }) => value(type, row)));
    });
  }
  const policy = sql.prepare("INSERT INTO policy (hash, bundle) VALUES (?, ?)");
  for (const bundle of ["made up 1", "made up 2"]) {
    database.transaction("policy.put", () => policy.run(hash("sha256", bundle, "buffer"), bundle));
  }
  database.transaction("job.trace", () =>
    sql.exec("INSERT INTO idempotency (key, dedupe_key, job) SELECT 'made up ' || id, dedupe_key, id FROM job"),
  );
  database.close();
}
