import { join } from "node:path";

import { expect } from "chai";

import { CheckpointFile } from "../../relayer/store/checkpointFile.ts";
import { type Database, storageError } from "../../relayer/store/database.ts";
import { fsck } from "../../relayer/fsck/fsck.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

describe("relayer: a full disk", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer | undefined;
  let database: Database | undefined;
  let actor: Actor;
  const writeCheckpoint = CheckpointFile.prototype.write;

  before(async () => {
    chain = await startChain();
  });

  beforeEach(async () => {
    home = await RelayerHome.make(chain);
    relayer = await home.start({}, { onDatabase: (opened) => (database = opened) });
    actor = await Actor.registered(chain);
  });

  afterEach(async () => {
    CheckpointFile.prototype.write = writeCheckpoint;
    await relayer?.close();
    relayer = undefined;
    await home?.remove();
  });

  after(async () => {
    await chain?.close();
  });

  const taken = async (leaf: string) => (await relayer!.post("/v1/entries", { leaf })).body.index as number;

  /** Ends the relayer; what it leaves must be whole. */
  async function faultsLeft(): Promise<unknown[]> {
    await relayer!.close();
    relayer = undefined;
    const report = await fsck({ dataDir: home.dir, noteKeyFile: join(home.dir, "note.key"), repair: false });
    return [report.size, ...report.faults];
  }

  it("acknowledges nothing it could not write, loses nothing it acknowledged, and goes on when there is room", async () => {
    const first = (await actor.sign()).leaf;
    expect(await taken(first)).to.equal(0);
    const { sql } = database!;
    const { page_count: pages } = sql.prepare("PRAGMA page_count").get() as { page_count: number };
    sql.exec(`PRAGMA max_page_count = ${pages}`);
    // Larger than what is free in the pages there are.
    const { leaf } = await actor.sign({ thread: "t".repeat(60) });
    const nb = await actor.block();
    const more = Array.from({ length: 200 }, () => ({ leaf: actor.signAt(nb).leaf }));
    const full = await relayer!.post("/v1/entries:batch", { entries: [{ leaf }, ...more] });
    const codes = full.body.results.map((one: { problem?: { code: string } }) => one.problem?.code);
    expect(new Set(codes)).to.deep.equal(new Set(["ERR_UNAVAILABLE_STORAGE"]));
    expect(full.body.results[0].status).to.equal(503);
    expect((await relayer!.get("/v1/log")).body.size).to.equal(1);
    expect(await taken(first)).to.equal(0);
    sql.exec("PRAGMA max_page_count = 4294967294");
    const again = await relayer!.post("/v1/entries:batch", { entries: [{ leaf }, ...more] });
    const indices = again.body.results.map((one: { receipt: { index: number } }) => one.receipt.index);
    expect(indices).to.deep.equal(indices.map((_: number, i: number) => i + 1));
    expect(await faultsLeft()).to.deep.equal([202]);
  });

  it("does not acknowledge an entry whose checkpoint is not in its file, and gives it one place later", async () => {
    expect(await taken((await actor.sign()).leaf)).to.equal(0);
    CheckpointFile.prototype.write = () => {
      throw storageError(new Error("ENOSPC"));
    };
    const { leaf } = await actor.sign();
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await relayer!.post("/v1/entries", { leaf });
      expect([refused.status, refused.body.code]).to.deep.equal([503, "ERR_UNAVAILABLE_STORAGE"]);
    }
    CheckpointFile.prototype.write = writeCheckpoint;
    const later = await relayer!.post("/v1/entries", { leaf });
    expect([later.status, later.body.index]).to.deep.equal([200, 1]);
    expect(await taken((await actor.sign()).leaf)).to.equal(2);
    expect(await faultsLeft()).to.deep.equal([3]);
  });

  it("tells nobody of an entry that is committed but not on disk", async () => {
    expect(await taken((await actor.sign()).leaf)).to.equal(0);
    const sync = database!.sync;
    database!.sync = () => Promise.reject(storageError(new Error("EIO")));
    const { leaf, entryId } = await actor.sign();
    const told = [
      await relayer!.post("/v1/entries", { leaf }),
      await relayer!.post("/v1/entries", { leaf }),
      await relayer!.get(`/v1/entries/${entryId}`),
      await relayer!.get(`/v1/entries/${entryId}/receipt`),
    ];
    expect(told.map(({ status }) => status)).to.deep.equal([503, 503, 503, 503]);
    expect((await relayer!.get("/v1/log")).body.size).to.equal(1);
    expect((await relayer!.get(`/v1/agents/${actor.did}/head`)).body.count).to.equal(1);
    expect((await relayer!.get(`/v1/agents/${actor.did}/entries`)).body.entries).to.have.lengthOf(1);
    expect((await relayer!.get("/v1/log/entries/1")).status).to.equal(404);
    expect((await relayer!.get("/v1/log/proof/inclusion?index=0&size=2")).status).to.equal(404);
    database!.sync = sync;
    const later = await relayer!.post("/v1/entries", { leaf });
    expect([later.status, later.body.index]).to.deep.equal([200, 1]);
    expect(await faultsLeft()).to.deep.equal([2]);
  });
});
