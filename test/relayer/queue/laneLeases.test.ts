import { expect } from "chai";

import { join } from "node:path";

import { Journal } from "../../../relayer/journal/journal.ts";
import { LaneLeases } from "../../../relayer/queue/laneLeases.ts";
import { Leadership } from "../../../relayer/queue/leadership.ts";
import { EmbeddedQueue } from "../../../relayer/queue/embeddedQueue.ts";
import { type Database, openDatabase } from "../../../relayer/store/database.ts";
import { lockFolder } from "../../../relayer/store/folderLock.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { eventually } from "../../helpers/eventually.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const lane = `0x${"Aa".repeat(20)}`;

describe("relayer: lane leases", () => {
  const tempFolder = tempFolders();
  const open: Database[] = [];
  let clockMs = 1_000_000;

  /** Each on a connection of its own, as processes have it. */
  function holder(dir: string, name: string, alone = false): LaneLeases {
    const database = openDatabase(join(dir, "relayer.db"));
    open.push(database);
    return new LaneLeases(database, { holder: name, leaseMs: 9_000, alone, now: () => clockMs });
  }

  function fence(): unknown {
    return open.at(-1)?.sql.prepare("SELECT fence FROM lane WHERE address = ?").get(lane)?.["fence"];
  }

  afterEach(() => {
    for (const database of open.splice(0)) database.close();
  });

  it("has one leader, under one token, for as long as it renews", async () => {
    const dir = await tempFolder();
    const [a, b] = [holder(dir, "a"), holder(dir, "b")];
    expect(await a.lead(lane)).to.equal(1);
    for (let i = 0; i < 5; i++) {
      clockMs += 8_000;
      expect([await a.lead(lane), await b.lead(lane)]).to.deep.equal([1, undefined]);
    }
    expect(b.holderOf(lane)).to.deep.equal({ holder: "a", token: 1 });
  });

  it("passes on when it ends, with a token and a fence that grew", async () => {
    const dir = await tempFolder();
    const [a, b] = [holder(dir, "a"), holder(dir, "b")];
    await a.lead(lane);
    clockMs += 8_999;
    expect(await b.lead(lane)).to.equal(undefined);
    clockMs += 1;
    expect(await b.lead(lane)).to.equal(2);
    expect(fence()).to.equal(2);
    expect(await a.lead(lane), "who slept too long").to.equal(undefined);
  });

  it("comes back to who had it under a new token", async () => {
    const dir = await tempFolder();
    const [a, b] = [holder(dir, "a"), holder(dir, "b")];
    await a.lead(lane);
    clockMs += 9_000;
    await b.lead(lane);
    clockMs += 9_000;
    expect(await a.lead(lane)).to.equal(3);
  });

  it("is not waited for when it was given up", async () => {
    const dir = await tempFolder();
    const [a, b] = [holder(dir, "a"), holder(dir, "b")];
    await a.lead(lane);
    await b.release(lane); // not b's to give up
    expect(await b.lead(lane)).to.equal(undefined);
    await a.release(lane);
    expect(await b.lead(lane)).to.equal(2);
  });

  it("lets nobody write who lost it, and changes nothing by their attempt", async () => {
    const dir = await tempFolder();
    const [a, b] = [holder(dir, "a"), holder(dir, "b")];
    const journals = open.slice(-2).map((database) => new Journal(database)) as [Journal, Journal];
    const job = { kind: "request", agent: null, target: lane, data: new Uint8Array(), lane: null } as const;
    journals[0].add({ ...job, id: "job", dedupeKey: "job" });
    const stale = journals[0].lane(lane, (await a.lead(lane)) ?? 0);
    stale.take(1);
    clockMs += 9_000;
    const led = journals[1].lane(lane, (await b.lead(lane)) ?? 0);
    const attempt = { jobId: "job", lane, nonce: 0, maxFeeWei: 1n, priorityFeeWei: 1n };
    const claim = (by: typeof stale, hash: string) => thrownCode(() => by.claim([{ ...attempt, hash, raw: hash }]));
    expect(claim(stale, "0x01")).to.equal("ERR_CONFLICT_LANE_LOST");
    expect(journals[1].byId("job")).to.include({ state: "accepted", nonce: null });
    expect([led.nextNonce(), led.attempts("job")]).to.deep.equal([0, []]);
    expect(claim(led, "0x02")).to.equal("no error");
    expect(journals[0].byId("job")).to.include({ state: "signed", nonce: 0 });
  });

  it("is nobody's when the folder's lock says that all others are dead", async () => {
    const dir = await tempFolder();
    await holder(dir, "a").lead(lane);
    expect(await holder(dir, "b", true).lead(lane)).to.equal(2);
  });

  it("decides who takes a lane's wakes", async () => {
    const dir = await tempFolder();
    const passes: string[] = [];
    const [first, second] = ["a", "b"].map((name) => {
      const leases = holder(dir, name);
      const work = () => Promise.resolve(void passes.push(name));
      return new Leadership(leases, new EmbeddedQueue(), [{ address: lane, work }]);
    }) as [Leadership, Leadership];
    await first.look();
    await second.look();
    expect([first.led, second.led]).to.deep.equal([[lane], []]);
    clockMs += 9_000;
    await second.look();
    await first.look();
    expect([first.led, second.led]).to.deep.equal([[], [lane]]);
    await eventually(() => passes.length === 2);
    expect(passes).to.deep.equal(["a", "b"]);
    await second.stop();
    await first.look();
    expect(first.led).to.deep.equal([lane]);
    await first.stop();
  });
});

describe("relayer: the folder's lock", () => {
  const tempFolder = tempFolders();

  it("has one writer beside many workers", async () => {
    const dir = await tempFolder();
    const workers = [lockFolder(dir, "worker"), lockFolder(dir, "worker")];
    const writer = lockFolder(dir, "writer");
    expect(thrownCode(() => lockFolder(dir, "writer"))).to.equal("ERR_CONFLICT_RUNNING");
    expect(thrownCode(() => lockFolder(dir, "alone"))).to.equal("ERR_CONFLICT_RUNNING");
    writer.release();
    expect(thrownCode(() => lockFolder(dir, "alone"))).to.equal("ERR_CONFLICT_RUNNING");
    lockFolder(dir, "writer").release();
    for (const lock of workers) lock.release();
    lockFolder(dir, "alone").release();
  });

  it("lets nobody in beside one that is alone", async () => {
    const dir = await tempFolder();
    const alone = lockFolder(dir);
    for (const use of ["alone", "writer", "worker"] as const) {
      expect([use, thrownCode(() => lockFolder(dir, use))]).to.deep.equal([use, "ERR_CONFLICT_RUNNING"]);
    }
    alone.release();
    lockFolder(dir, "worker").release();
  });
});
