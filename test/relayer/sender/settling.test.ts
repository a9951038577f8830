import { expect } from "chai";

import { join } from "node:path";

import type { HeadTracker } from "../../../relayer/chain/head.ts";
import { Journal } from "../../../relayer/journal/journal.ts";
import type { Lane } from "../../../relayer/sender/lane.ts";
import { type Database, openDatabase } from "../../../relayer/store/database.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { ScriptedChain } from "../chain/scriptedChain.ts";
import { laneOn } from "./laneOn.ts";

const target = `0x${"11".repeat(20)}`;
const confirmations = 3;

describe("relayer: when a job is final", () => {
  const tempFolder = tempFolders();
  let database: Database;
  let journal: Journal;
  let chain: ScriptedChain;
  let heads: HeadTracker;
  let lane: Lane;

  beforeEach(async () => {
    const dir = await tempFolder();
    database = openDatabase(join(dir, "relayer.db"));
    journal = new Journal(database, Date.now);
    chain = new ScriptedChain();
    chain.branch("a", 1, 40);
    ({ lane, heads } = laneOn(chain, dir, journal, confirmations));
    const data = Buffer.from("600dca11", "hex");
    journal.add({ id: "job", dedupeKey: "request:job", kind: "request", agent: target, target, data, lane: null });
    await passAt(29);
    expect(stateOfJob()).to.equal("broadcast");
  });

  afterEach(() => database.close());

  /** The head that the relayer sees next, and a pass over its jobs there. */
  async function passAt(head: number): Promise<void> {
    chain.head = head;
    await heads.poll();
    await lane.work();
  }

  const stateOfJob = () => journal.byId("job")?.state;

  it("counts the block itself", async () => {
    chain.mineAllIn("30a");
    await passAt(31);
    expect(stateOfJob()).to.equal("mined");
    await passAt(32);
    expect(stateOfJob()).to.equal("final");
  });

  it("not by a block that was seen before its head came and is gone since", async () => {
    chain.mineAllIn("31a");
    await passAt(30); // the receipt tells of block 31, which the node did not name as its head yet
    expect(stateOfJob()).to.equal("mined");
    chain.branch("b", 31, 40);
    chain.mineAllIn(undefined);
    await passAt(33); // on block 30 as before: no reorg that a head could show
    expect(stateOfJob()).to.equal("broadcast");
    expect(chain.sent, "and it is sent again").to.have.length(2);
    chain.mineAllIn("34b");
    await passAt(35);
    await passAt(36);
    expect(stateOfJob()).to.equal("final");
    expect(journal.byId("job")).to.include({ blockNumber: 34, blockHash: "34b" });
  });

  it("not by what another endpoint said of a block below the head", async () => {
    chain.branch("b", 30, 30);
    chain.mineAllIn("30b");
    chain.head = 31;
    await heads.poll();
    expect(await heads.hashOf(30), "an endpoint on another branch").to.equal("30b");
    await lane.work();
    expect(stateOfJob()).to.equal("mined");
    chain.branch("a", 30, 30);
    chain.mineAllIn("31a");
    await passAt(32);
    expect(journal.byId("job")).to.include({ state: "mined", blockHash: "31a" });
  });

  it("a transaction that a reorg moved to another block is followed there", async () => {
    chain.mineAllIn("30a");
    await passAt(31);
    chain.branch("b", 30, 40);
    chain.mineAllIn("32b");
    await passAt(33);
    expect(journal.byId("job")).to.include({ state: "mined", blockHash: "32b" });
    await passAt(34);
    expect(stateOfJob()).to.equal("final");
  });
});
