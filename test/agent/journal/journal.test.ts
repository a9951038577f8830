import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import type { CommitHook } from "../../../agent/journal/database.ts";
import { Journal, type SignedEntry } from "../../../agent/journal/journal.ts";
import { reconcile } from "../../../agent/journal/reconcile.ts";
import type { Receipt } from "../../../protocol/api/receipt.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { encodeDisclosure } from "../../../protocol/entry/disclosure.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

/** An entry as the journal takes it; its leaf is only text to it. */
function entry(seq: number, mark = ""): SignedEntry {
  const salt = "AAECAwQFBgcICQoLDA0ODw";
  const disclosures = [encodeDisclosure({ name: "input", value: seq, salt })];
  return { seq, entryId: idOf(seq, mark), leaf: `leaf ${seq}${mark}`, disclosures };
}

function idOf(seq: number, mark = ""): Hex {
  return `0x${Buffer.from(`${seq}${mark}`).toString("hex").padStart(64, "0")}`;
}

function receiptOf(seq: number, status: Receipt["status"] = "sequenced"): Receipt {
  return { entryId: idOf(seq), index: seq + 10, size: seq + 11, checkpoint: "note", proof: [], status };
}

describe("agent/journal", () => {
  const folder = tempFolders();
  const open: Journal[] = [];
  afterEach(() => open.splice(0).forEach((journal) => journal.close()));

  function journalAt(path: string, hook?: CommitHook): Journal {
    const journal = new Journal(path, hook);
    open.push(journal);
    return journal;
  }

  const newPath = async () => join(await folder(), "journal.db");

  function append(journal: Journal, ...entries: SignedEntry[]): void {
    journal.transaction(() => entries.forEach((one) => journal.insert(one, `key ${one.seq}`)));
  }

  it("gives back what it was given, by number, by key and in order", async () => {
    const journal = journalAt(await newPath());
    expect(journal.head()).to.equal(null);
    append(journal, entry(0), entry(1), entry(2));
    expect(journal.head()).to.deep.equal({ ...entry(2), idempotencyKey: "key 2", receipt: null });
    expect(journal.entry(1)?.leaf).to.equal("leaf 1");
    expect(journal.byIdempotencyKey("key 1")?.seq).to.equal(1);
    expect(journal.byIdempotencyKey("key 9")).to.equal(null);
    expect(journal.entriesFrom(1, 10).map(({ seq }) => seq)).to.deep.equal([1, 2]);
    expect(journal.count()).to.equal(3);
  });

  it("keeps payloads from others", async function () {
    if (process.platform === "win32") this.skip();
    const path = await newPath();
    append(journalAt(path), entry(0));
    for (const suffix of ["", "-wal", "-shm"]) expect((await stat(path + suffix)).mode & 0o777).to.equal(0o600);
  });

  it("commits with synchronous=FULL in WAL mode", async () => {
    const path = await newPath();
    journalAt(path);
    const sql = new DatabaseSync(path);
    expect(sql.prepare("PRAGMA journal_mode").get()).to.include({ journal_mode: "wal" });
    sql.close();
  });

  it("has no two entries of one number, of one id, or under one key", async () => {
    const journal = journalAt(await newPath());
    append(journal, entry(0));
    const again = (one: SignedEntry, key: string) => () => journal.transaction(() => journal.insert(one, key));
    for (const attempt of [
      again(entry(0, "b"), "k"),
      again({ ...entry(1), entryId: idOf(0) }, "k"),
      again(entry(1), "key 0"),
    ]) {
      expect(thrownCode(attempt)).to.equal("ERR_UNAVAILABLE_JOURNAL");
    }
    expect(journal.count()).to.equal(1);
    append(journal, entry(1));
    expect(journal.count()).to.equal(2);
  });

  it("forgets a transaction whole when anything in it fails", async () => {
    const journal = journalAt(await newPath());
    append(journal, entry(0));
    const fail = () =>
      journal.transaction(() => {
        journal.insert(entry(1), null);
        throw new TypeError("no");
      });
    expect(fail).to.throw(TypeError);
    expect(journal.count()).to.equal(1);
  });

  describe("crashes", () => {
    const crash = new Error("crash");

    it("before a commit: nothing of it is there at the next start", async () => {
      const path = await newPath();
      const journal = journalAt(path, (point) => {
        if (point === "before-commit") throw crash;
      });
      expect(() => append(journal, entry(0))).to.throw("crash");
      journal.close();
      expect(journalAt(path).head()).to.equal(null);
    });

    it("after a commit: all of it is there at the next start, byte for byte", async () => {
      const path = await newPath();
      const journal = journalAt(path, (point) => {
        if (point === "after-commit") throw crash;
      });
      expect(() => append(journal, entry(0), entry(1))).to.throw("crash");
      journal.close();
      const again = journalAt(path);
      expect(again.unsent(10)).to.deep.equal([
        { ...entry(0), idempotencyKey: "key 0", receipt: null },
        { ...entry(1), idempotencyKey: "key 1", receipt: null },
      ]);
    });

    it("of the process in the middle of writing: what was committed is there, contiguous", async () => {
      const path = await newPath();
      const child = appendForever(path);
      await writtenBy(child, 20);
      child.kill("SIGKILL");
      await once(child, "exit");
      const journal = journalAt(path);
      const seqs = journal.entriesFrom(0, 100_000).map(({ seq }) => seq);
      expect(seqs.length).to.be.at.least(20);
      expect(seqs).to.deep.equal(seqs.map((_, i) => i));
    });
  });

  it("lets two processes write by turns: no number is taken twice, none left out", async () => {
    const path = await newPath();
    const children = [appendForever(path), appendForever(path)];
    await Promise.all(children.map((child) => writtenBy(child, 30)));
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
    const entries = journalAt(path).entriesFrom(0, 100_000);
    expect(entries.map(({ seq }) => seq)).to.deep.equal(entries.map((_, i) => i));
    expect(new Set(entries.map(({ leaf }) => leaf.split(" by ")[1])).size).to.equal(2);
  });

  it("tells how far each entry has come, and falls back when an anchor is undone", async () => {
    const journal = journalAt(await newPath());
    append(journal, entry(0), entry(1), entry(2));
    expect(journal.lastAcknowledgedSeq()).to.equal(null);
    journal.storeReceipts([
      { seq: 0, receipt: receiptOf(0, "final") },
      { seq: 1, receipt: receiptOf(1, "anchored") },
    ]);
    expect(journal.countByStatus()).to.deep.equal({ signed: 1, sequenced: 0, anchored: 1, final: 1 });
    expect(journal.unsent(10).map(({ seq }) => seq)).to.deep.equal([2]);
    expect(journal.lastAcknowledgedSeq()).to.equal(1);
    journal.storeReceipts([{ seq: 1, receipt: receiptOf(1) }]);
    expect(journal.countByStatus()).to.deep.equal({ signed: 1, sequenced: 1, anchored: 0, final: 1 });
    expect(journal.entry(1)?.receipt).to.deep.equal(receiptOf(1));
  });

  it("erases payloads without touching the entry", async () => {
    const journal = journalAt(await newPath());
    append(journal, entry(0), entry(1));
    expect(journal.eraseDisclosures(0)).to.equal(1);
    expect(journal.entry(0)).to.deep.include({ leaf: "leaf 0", disclosures: [] });
    expect(journal.entry(1)?.disclosures).to.have.length(1);
  });

  it("keeps a request that is on its way until it is forgotten", async () => {
    const path = await newPath();
    const call = { purpose: "register", idempotencyKey: "k", target: "0x1", data: "0x2" as Hex, validUntilSec: 5 };
    journalAt(path).storePendingCall(call);
    const again = journalAt(path);
    expect(again.pendingCall("register")).to.deep.equal(call);
    expect(again.pendingCall("other")).to.equal(null);
    again.forgetPendingCall("register");
    expect(again.pendingCall("register")).to.equal(null);
  });

  describe("files that will not do", () => {
    it("names a file that is no database", async () => {
      const path = await newPath();
      await writeFile(path, "this is not a database, and it is long enough to be told from an empty one".repeat(20));
      expect(thrownCode(() => new Journal(path))).to.equal("ERR_INPUT_FILE");
    });

    it("names a journal of a newer version", async () => {
      const path = await newPath();
      journalAt(path).close();
      const sql = new DatabaseSync(path);
      sql.exec("PRAGMA user_version = 99");
      sql.close();
      expect(thrownCode(() => new Journal(path))).to.equal("ERR_INPUT_FILE");
    });

    it("names a folder that is not there, or may not be written", async function () {
      const path = await newPath();
      expect(thrownCode(() => new Journal(join(path, "sub", "journal.db")))).to.equal("ERR_UNAVAILABLE_JOURNAL");
      if (process.platform === "win32" || process.getuid?.() === 0) this.skip();
      await chmod(join(path, ".."), 0o500);
      expect(thrownCode(() => new Journal(path))).to.equal("ERR_UNAVAILABLE_JOURNAL");
    });
  });

  describe("against what the log has", () => {
    /** A journal with entries 0 to 2, of which 0 and 1 were acknowledged. */
    async function three(): Promise<Journal> {
      const journal = journalAt(await newPath());
      append(journal, entry(0), entry(1), entry(2));
      journal.storeReceipts([0, 1].map((seq) => ({ seq, receipt: receiptOf(seq) })));
      return journal;
    }
    const head = (seq: number | null, mark = "") => ({
      seq,
      entryId: seq === null ? null : idOf(seq, mark),
      count: seq === null ? 0 : seq + 1,
    });

    for (const [what, remote, code] of [
      ["ends with the last that was acknowledged", head(1), "no error"],
      ["has one more, whose answer was lost", head(2), "no error"],
      ["has one that the journal lacks", head(3), "ERR_CONFLICT_JOURNAL_BEHIND"],
      ["has another entry under a number", head(1, "b"), "ERR_CONFLICT_JOURNAL_FORKED"],
      ["lacks one that it acknowledged", head(0), "ERR_PROOF_RECEIPT"],
      ["has nothing any more", head(null), "ERR_PROOF_RECEIPT"],
    ] as const) {
      it(`the log ${what}: ${code}`, async () => {
        const journal = await three();
        expect(thrownCode(() => reconcile(journal, remote, "a"))).to.equal(code);
      });
    }

    it("an empty journal and an empty log agree; an empty journal and a log do not", async () => {
      const journal = journalAt(await newPath());
      expect(thrownCode(() => reconcile(journal, head(null), "a"))).to.equal("no error");
      expect(thrownCode(() => reconcile(journal, head(0), "a"))).to.equal("ERR_CONFLICT_JOURNAL_BEHIND");
    });
  });
});

function appendForever(path: string): ChildProcess {
  const program = join(import.meta.dirname, "appendForever.ts");
  const args = ["--disable-warning=ExperimentalWarning", program, path];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

/** Waits until a child has said that it wrote so many entries; it may say more afterwards. */
function writtenBy(child: ChildProcess, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let lines = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      lines += chunk.toString().split("\n").length - 1;
      if (lines >= count) resolve();
    });
    child.once("exit", () => reject(new Error(`the child ended after ${lines} entries`)));
  });
}
