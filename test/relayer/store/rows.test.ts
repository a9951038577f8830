import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { Journal } from "../../../relayer/journal/journal.ts";
import { rotateJournalKey } from "../../../relayer/rotate/rotateJournalKey.ts";
import { openDatabase } from "../../../relayer/store/database.ts";
import { migrations } from "../../../relayer/store/migrations.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const lane = `0x${"aa".repeat(20)}`;
const place = { kind: "request", agent: lane, target: lane, data: Uint8Array.of(1, 2, 3, 4), lane } as const;

describe("relayer: rows that somebody else changed", () => {
  const tempFolder = tempFolders();
  let dir: string;
  let file: string;

  beforeEach(async () => {
    dir = await tempFolder();
    file = join(dir, "relayer.db");
    within((journal) => journal.add({ id: "a", dedupeKey: "request:a", ...place }));
  });

  function within<T>(work: (journal: Journal) => T): T {
    const database = openDatabase(file);
    try {
      return work(new Journal(database));
    } finally {
      database.close();
    }
  }

  function alter(sql: string): void {
    const raw = new DatabaseSync(file);
    raw.exec(sql);
    raw.close();
  }

  const intact = () => thrownCode(() => within((journal) => journal.lane(lane, 1).intact("a")));

  for (const change of ["data = x'09'", "target = 'x'", "gas_limit = 5", "digest = x'00'", "kind = 'anchor'"]) {
    it(`are not signed from: ${change}`, () => {
      expect(intact()).to.equal("no error");
      alter(`UPDATE job SET ${change}`);
      expect(intact()).to.equal(
        change.startsWith("digest") ? "ERR_CONFLICT_DATABASE_ALTERED" : "ERR_CONFLICT_ROW_ALTERED",
      );
    });
  }

  it("do not become good by what the relayer writes into them next", () => {
    alter("UPDATE job SET data = x'09'");
    within((journal) => journal.lane(lane, 1).simulated([{ id: "a", simulation: { gasLimit: 9, blockNumber: 8 } }]));
    expect(intact()).to.equal("ERR_CONFLICT_ROW_ALTERED");
  });

  for (const [what, sql] of [
    ["a job put back among those that are not over", "UPDATE job SET state = 'failed'"],
    ["a trigger", "CREATE TRIGGER t AFTER UPDATE ON job BEGIN UPDATE job SET data = x'09'; END"],
    ["the seal taken away", "DELETE FROM seal"],
    ["a broken seal", "UPDATE seal SET sealed = zeroblob(64)"],
  ] as const) {
    it(`end the start: ${what}`, () => {
      alter(sql);
      expect(thrownCode(() => within(() => undefined))).to.equal("ERR_CONFLICT_DATABASE_ALTERED");
    });
  }

  it("are not sealed anew where the key is lost, until the operator says so; what was not signed then fails", () => {
    rmSync(join(dir, "journal.key"));
    expect(thrownCode(() => within(() => undefined))).to.equal("ERR_CONFLICT_JOURNAL_KEY");
    expect(existsSync(join(dir, "journal.key"))).to.equal(false);
    expect(thrownCode(() => rotateJournalKey(dir, join(dir, "journal.key"), false))).to.equal(
      "ERR_CONFLICT_JOURNAL_KEY",
    );
    expect(rotateJournalKey(dir, join(dir, "journal.key"), true)).to.include({ failed: 1 });
    expect(within((journal) => journal.byId("a")?.state)).to.equal("failed");
  });

  it("stop a change of the key, which else keeps every row", () => {
    expect(rotateJournalKey(dir, join(dir, "journal.key"), false)).to.include({ failed: 0, acceptedCount: 0 });
    expect(intact()).to.equal("no error");
    alter("UPDATE job SET data = x'09'");
    expect(thrownCode(() => rotateJournalKey(dir, join(dir, "journal.key"), false))).to.equal(
      "ERR_CONFLICT_ROW_ALTERED",
    );
  });

  it("of a database from before there were digests get theirs when it is opened", async () => {
    file = join(await tempFolder(), "relayer.db");
    const before = migrations.findIndex((step) => step.includes("CREATE TABLE seal"));
    alter(`${migrations.slice(0, before).join(";")}; PRAGMA user_version = ${before};
      INSERT INTO job (id, dedupe_key, kind, target, data, state, accepted_at_ms, changed_at_ms)
        VALUES ('a', 'a', 'request', '${lane}', x'01', 'accepted', 1, 1);`);
    expect(intact()).to.equal("no error");
  });
});
