import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { AnchorFollower } from "../../relayer/anchor/anchorFollower.ts";
import type { AnchorReader } from "../../relayer/anchor/anchorReader.ts";
import type { Log } from "../../relayer/log/log.ts";
import { type Database, openDatabase } from "../../relayer/store/database.ts";
import { type StoredAnchor, TreeStore } from "../../relayer/store/treeStore.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { eventually } from "../helpers/eventually.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

describe("relayer: records among anchors", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let actor: Actor;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_ANCHOR_RECORD_EVERY: "3" });
    relayer = await home.start();
    actor = await Actor.registered(chain);
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  type Listed = { index: number | null; size: number; blockNumber: number; txHash: string };
  const anchors = async (): Promise<Listed[]> => (await relayer.get("/v1/log/anchors")).body.anchors;
  const indices = async () => (await anchors()).map(({ index, size }) => [size, index]);

  /** One more entry, and an anchor over it. */
  async function anchorNext(): Promise<Listed> {
    const { leaf } = await actor.sign();
    await relayer.post("/v1/entries", { leaf });
    const { size } = (await relayer.get("/v1/log")).body;
    await relayer.post("/v1/log/anchor");
    await eventually(async () => {
      await chain.mine(1);
      return (await anchors()).at(-1)?.size === size;
    });
    return (await anchors()).at(-1)!;
  }

  it("moves the root cheaply, and makes every third anchor a record of the contract", async () => {
    const gas: number[] = [];
    for (let i = 0; i < 7; i++) {
      const { txHash } = await anchorNext();
      gas.push(Number((await chain.provider.getTransactionReceipt(txHash))?.gasUsed));
    }
    const expected = [
      [1, null],
      [2, null],
      [3, 0],
      [4, null],
      [5, null],
      [6, 1],
      [7, null],
    ];
    expect(await indices()).to.deep.equal(expected);
    const { logId } = (await relayer.get("/v1/log")).body;
    expect(Number((await chain.logAnchor["latest"]!(logId)).anchorCount)).to.equal(2);
    expect((await chain.logAnchor["anchorAt"]!(logId, 1)).size).to.equal(6n);
    // The bar of a repeated anchor; a record costs a new slot of storage on top.
    for (const at of [1, 3, 4, 6]) expect(gas[at]).to.be.at.most(60_000);
    expect(gas[5]).to.be.greaterThan(60_000);
  });

  it("shows every anchor with the event that proves it", async () => {
    const { logId } = (await relayer.get("/v1/log")).body;
    const events = await chain.logAnchor.queryFilter(chain.logAnchor.filters["Anchored"]!(logId));
    const onChain = events.map((event) => ({
      size: Number((event as unknown as { args: { size: bigint } }).args.size),
      blockNumber: event.blockNumber,
      txHash: event.transactionHash,
    }));
    const listed = (await anchors()).map(({ size, blockNumber, txHash }) => ({ size, blockNumber, txHash }));
    expect(listed).to.deep.equal(onChain);
    expect((await relayer.get("/v1/log/anchors?from=5&limit=1")).body.anchors).to.have.length(1);
  });

  it("learns of a record that somebody else makes, and counts on from there", async () => {
    const { logId } = (await relayer.get("/v1/log")).body;
    await mined(chain.logAnchor["keep"]!(logId));
    await eventually(async () => {
      await chain.mine(1);
      return (await anchors()).at(-1)?.index === 2;
    });
    for (let i = 0; i < 3; i++) await anchorNext();
    expect((await indices()).slice(-4)).to.deep.equal([
      [7, 2],
      [8, null],
      [9, null],
      [10, 3],
    ]);
  });

  it("finds all of it on the chain again when its copy is lost", async () => {
    // How deep they lie is not known at once after a start.
    const told = async () => (await anchors()).map((anchor) => ({ ...anchor, status: "any" }));
    const before = await told();
    await relayer.close();
    const database = openDatabase(join(home.dir, "relayer.db"));
    database.transaction("anchor.drop", () => database.sql.exec("DELETE FROM anchor"));
    database.close();
    relayer = await home.start();
    expect(await told()).to.deep.equal(before);
  });
});

describe("relayer: following anchors", () => {
  let dir: string;
  let database: Database;
  let store: TreeStore;
  let heads: { head: never; generation: number };
  let onChain: { anchor: StoredAnchor; previousBlockNumber: number }[];
  let records: number[];
  let hasEvents: boolean;
  let asked: number;
  let heard: number[];
  let follower: AnchorFollower;

  const root = (size: number) => new Uint8Array(32).fill(size);
  const anchorAt = (size: number, blockNumber: number, record: number | null = null): StoredAnchor => {
    return { size, root: root(size), blockNumber, txHash: `0x${size}`, record };
  };

  /** What is on the chain: [size, block] of each anchor, and the sizes that are records. */
  function chainHas(anchors: readonly (readonly [number, number])[], recorded: readonly number[] = []): void {
    onChain = anchors.map(([size, block], i) => {
      return { anchor: anchorAt(size, block), previousBlockNumber: anchors[i - 1]?.[1] ?? 1 };
    });
    records = [...recorded];
  }

  const reader = {
    latest: () => {
      const last = onChain.at(-1);
      return Promise.resolve(last && { anchor: { ...last.anchor, txHash: null }, records: records.length });
    },
    record: (index: number) => {
      const size = records[index]!;
      return Promise.resolve({
        ...onChain.find(({ anchor }) => anchor.size === size)!.anchor,
        txHash: null,
        record: index,
      });
    },
    anchoredIn: (block: number) => {
      asked++;
      return Promise.resolve(hasEvents ? onChain.filter(({ anchor }) => anchor.blockNumber === block) : []);
    },
  } as unknown as AnchorReader;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "affiant-anchors-"));
    database = openDatabase(join(dir, "relayer.db"));
    store = new TreeStore(database);
    heads = { head: { number: 100 } as never, generation: 0 };
    [hasEvents, asked, heard] = [true, 0, []];
    const log = { store, tree: { size: 1_000, rootAt: root } } as unknown as Log;
    follower = new AnchorFollower(reader, log, database, heads, 10);
    follower.onAnchor(({ size }) => heard.push(size));
  });

  afterEach(async () => {
    database.close();
    await rm(dir, { recursive: true });
  });

  const stored = () => store.anchors(0, 100).map(({ size, blockNumber, record }) => [size, blockNumber, record]);

  it("walks back from the latest root to what it knows, and asks nothing when nothing changed", async () => {
    chainHas(
      [
        [1, 50],
        [2, 60],
      ],
      [2],
    );
    await follower.follow();
    chainHas(
      [
        [1, 50],
        [2, 60],
        [3, 70],
        [4, 70],
        [5, 90],
      ],
      [2, 4],
    );
    await follower.follow();
    expect(stored()).to.deep.equal([
      [1, 50, null],
      [2, 60, 0],
      [3, 70, null],
      [4, 70, 1],
      [5, 90, null],
    ]);
    expect(heard).to.deep.equal([1, 2, 3, 4, 5]);
    asked = 0;
    await follower.follow();
    expect(asked).to.equal(0);
  });

  it("drops what a reorg took, and all when the chain has nothing any more", async () => {
    chainHas(
      [
        [1, 50],
        [2, 95],
        [3, 99],
      ],
      [3],
    );
    await follower.follow();
    heads.generation++;
    chainHas([
      [1, 50],
      [2, 95],
    ]);
    await follower.follow();
    expect(stored()).to.deep.equal([
      [1, 50, null],
      [2, 95, null],
    ]);
    chainHas([]);
    await follower.follow();
    expect(stored()).to.deep.equal([]);
  });

  it("notices after a reorg that an anchor below an unchanged latest one has moved", async () => {
    chainHas(
      [
        [1, 50],
        [2, 95],
        [3, 99],
      ],
      [2, 3],
    );
    await follower.follow();
    heads.generation++;
    heard = [];
    chainHas(
      [
        [1, 50],
        [2, 97],
        [3, 99],
      ],
      [2, 3],
    );
    await follower.follow();
    expect(stored()).to.deep.equal([
      [1, 50, null],
      [2, 97, 0],
      [3, 99, 1],
    ]);
    expect(heard).to.deep.equal([2]);
  });

  it("notices after a reorg that records changed their index, or are records no more", async () => {
    chainHas(
      [
        [1, 92],
        [2, 95],
        [3, 99],
      ],
      [1, 3],
    );
    await follower.follow();
    heads.generation++;
    chainHas(
      [
        [1, 92],
        [2, 95],
        [3, 99],
      ],
      [2, 3],
    );
    await follower.follow();
    expect(stored()).to.deep.equal([
      [1, 92, null],
      [2, 95, 0],
      [3, 99, 1],
    ]);
  });

  it("lives on the contract's state where an endpoint keeps no events", async () => {
    hasEvents = false;
    chainHas(
      [
        [1, 50],
        [2, 60],
        [3, 70],
        [4, 80],
      ],
      [2],
    );
    await follower.follow();
    expect(stored()).to.deep.equal([
      [2, 60, 0],
      [4, 80, null],
    ]);
  });

  it("refuses an anchor that the log does not agree with, wherever it stands", async () => {
    for (const [what, wrong] of [
      ["the latest", 3],
      ["an older one", 2],
    ] as const) {
      chainHas([
        [1, 50],
        [2, 60],
        [3, 70],
      ]);
      onChain = onChain.map((event) =>
        event.anchor.size === wrong ? { ...event, anchor: { ...event.anchor, root: root(99) } } : event,
      );
      const error: unknown = await follower.follow().catch((thrown: unknown) => thrown);
      expect(error, what).to.include({ code: "ERR_CONFLICT_LOG_FORK" });
      expect(stored()).to.deep.equal([]);
    }
  });
});
