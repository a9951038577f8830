import { chmodSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { SqliteReplayStore } from "../../../agent/calls/replayStore.ts";
import { openDatabase as openJournal } from "../../../agent/journal/database.ts";
import { makePrivate } from "../../../host/files/privateFile.ts";
import { StateFile } from "../../../orchestrator/state/stateFile.ts";
import { openDatabase } from "../../../relayer/store/database.ts";
import { lockFolder } from "../../../relayer/store/folderLock.ts";

describe("host/files/privateFile", function () {
  const folder = () => mkdtempSync(join(tmpdir(), "affiant-private-"));
  const modesOf = (dir: string) =>
    Object.fromEntries(readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mode & 0o777]));
  let umask: number;

  before(function () {
    if (process.platform === "win32") this.skip();
    umask = process.umask(0o000);
  });
  after(() => process.umask(umask));

  it("makes a file for its owner alone, and takes the rights of others from one that is there", () => {
    const dir = folder();
    makePrivate(join(dir, "new.db"));
    writeFileSync(join(dir, "old.db"), "");
    writeFileSync(join(dir, "old.db-wal"), "");
    for (const name of ["old.db", "old.db-wal"]) chmodSync(join(dir, name), 0o644);
    makePrivate(join(dir, "old.db"));
    expect(modesOf(dir)).to.deep.equal({ "new.db": 0o600, "old.db": 0o600, "old.db-wal": 0o600 });
    expect(() => makePrivate(join(dir, "none", "x.db")))
      .to.throw()
      .with.property("code", "ENOENT");
  });

  it("leaves the locks that are held on a file", () => {
    const path = join(folder(), "lock.db");
    makePrivate(path);
    const holder = new DatabaseSync(path, { timeout: 0 });
    holder.exec("BEGIN EXCLUSIVE");
    makePrivate(path);
    const other = new DatabaseSync(path, { timeout: 0 });
    expect(() => other.exec("BEGIN EXCLUSIVE")).to.throw("database is locked");
    other.close();
    holder.close();
  });

  it("is what all databases are opened through", () => {
    const opens: readonly ((dir: string) => { close?(): void; release?(): void })[] = [
      (dir) => openDatabase(join(dir, "relayer.db")),
      (dir) => lockFolder(dir),
      (dir) => openJournal(join(dir, "journal.db")),
      (dir) => new SqliteReplayStore(join(dir, "calls.db")),
      (dir) => new StateFile(join(dir, "state.db")),
    ];
    for (const open of opens) {
      const dir = folder();
      const opened = open(dir);
      const modes = modesOf(dir);
      (opened.close ?? opened.release)?.call(opened);
      for (const [name, mode] of Object.entries(modes)) expect([name, mode]).to.deep.equal([name, 0o600]);
      expect(Object.keys(modes)).not.to.deep.equal([]);
    }
  });
});
