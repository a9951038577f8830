import { expect } from "chai";

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { openDatabase } from "../../../relayer/store/database.ts";
import { EntryStore } from "../../../relayer/store/entryStore.ts";
import { migrations } from "../../../relayer/store/migrations.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

/** 32 bytes that begin with one byte eight times and end with another. */
const idOf = (start: number, end: number) => Buffer.concat([Buffer.alloc(8, start), Buffer.alloc(24, end)]);

describe("relayer: the store of entries", () => {
  const tempFolder = tempFolders();

  it("tells entries apart whose ids begin alike, and finds none that only begins like one", async () => {
    const database = openDatabase(join(await tempFolder(), "relayer.db"));
    const entries = new EntryStore(database);
    const ids = [idOf(1, 1), idOf(1, 2), idOf(2, 1)];
    database.transaction("log.append", () =>
      ids.forEach((entryId, index) => {
        const leaf = Buffer.from(`leaf ${index}`);
        entries.insert({ index, agentId: 1, seq: index, entryId, leaf, leafHash: Buffer.alloc(32) });
      }),
    );
    expect(ids.map((id) => entries.byId(id)?.leaf)).to.deep.equal(["leaf 0", "leaf 1", "leaf 2"]);
    expect(entries.byId(idOf(1, 3))).to.equal(undefined);
    database.close();
  });

  it("finds by their ids the entries of a database from before ids were indexed by their start", async () => {
    const file = join(await tempFolder(), "relayer.db");
    const before = migrations.findIndex((step) => step.includes("entry_by_id_start"));
    const old = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    old.exec(`${migrations.slice(0, before).join(";")}; PRAGMA user_version = ${before};`);
    const insert = old.prepare("INSERT INTO entry VALUES (0, 1, 0, ?, 'an old leaf', ?)");
    insert.run(idOf(7, 8), Buffer.alloc(32));
    old.close();
    const database = openDatabase(file);
    expect(new EntryStore(database).byId(idOf(7, 8))?.leaf).to.equal("an old leaf");
    database.close();
  });
});
