import { expect } from "chai";

import { Follower } from "../../directory/chain/follower.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { stateHash } from "../../directory/fold/stateHash.ts";
import { contractNames, loadSnapshot, writeSnapshot } from "../../directory/snapshot/snapshot.ts";
import { restoreNewest, snapshotName } from "../../directory/snapshot/snapshots.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { StubChain, StubEndpoint } from "../helpers/directory/stubChain.ts";
import {
  logOf,
  random,
  someEvent,
  syntheticContracts,
  addressOf,
  wordOf,
} from "../helpers/directory/syntheticEvents.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const chainId = 31_337;

/** Follows again until it succeeds: what an endpoint does not answer is asked again by whoever follows. */
async function settle(follower: Follower): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await follower.catchUp();
      return;
    } catch (error) {
      if (!isAffiantError(error, "ERR_UNAVAILABLE_CHAIN") || tries > 40) throw error;
    }
  }
}

describe("directory: following a chain", () => {
  const folder = tempFolders();
  let chain: StubChain;
  let endpoints: StubEndpoint[];
  const opened: { close(): unknown }[] = [];

  beforeEach(() => {
    chain = new StubChain(chainId);
    endpoints = [];
  });

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    for (const endpoint of endpoints) await endpoint.close();
  });

  async function endpoint(of = chain): Promise<StubEndpoint> {
    const started = await StubEndpoint.start(of);
    endpoints.push(started);
    return started;
  }

  function follow(at: readonly StubEndpoint[], store = new SqliteStore(":memory:"), snapshots?: string) {
    const source = new ChainSource(
      chainId,
      at.map(({ url }) => ({ url, attempts: 2, firstPauseMs: 1 })),
    );
    opened.push(source);
    if (!opened.includes(store)) opened.push(store);
    const fallBack = async () =>
      snapshots !== undefined &&
      (await restoreNewest(snapshots, store, source, chainId, contractNames(syntheticContracts))) !== undefined;
    return {
      store,
      source,
      follower: new Follower({ chainId, store, source, contracts: syntheticContracts, fallBack }),
    };
  }

  async function hashOf(store: SqliteStore): Promise<string> {
    return stateHash(store, chainId, Number.MAX_SAFE_INTEGER);
  }

  async function freshHash(at: StubEndpoint): Promise<string> {
    const { store, follower } = follow([at]);
    await settle(follower);
    return hashOf(store);
  }

  function grow(next: () => number, blocks: number, most = 4): void {
    for (let i = 0; i < blocks; i++) {
      chain.add(Array.from({ length: Math.floor(next() * (most + 1)) }, () => someEvent(next, 12)));
    }
  }

  it("folds what the chain has, and names the block", async () => {
    chain.add([logOf("agentRegistry", "AgentRegistered", [addressOf(1)])]);
    chain.add([logOf("policyRegistry", "PolicyCommitted", [addressOf(1), 1, wordOf(7)])]);
    const { store, follower } = follow([await endpoint()]);
    const position = await follower.catchUp();
    expect(position).to.deep.include({ number: 2, hash: chain.head.hash, parentHash: chain.head.parentHash });
    const rows = await store.rows(chainId, [{ projection: "policies", key: addressOf(1) }], 2);
    expect([...rows.values()].map((text) => JSON.parse(text) as unknown)).to.deep.equal([
      { policyHash: wordOf(7), sinceBlock: 2, version: 1 },
    ]);
    expect((await store.rows(chainId, [{ projection: "policies", key: addressOf(1) }], 1)).size).to.equal(0);
  });

  it("comes to one state hash from genesis, from a snapshot and live through random reorgs", async () => {
    const next = random(23);
    const at = await endpoint();
    const live = follow([at]);
    const path = join(await folder(), "snapshot.jsonl");
    for (let turn = 0; turn < 40; turn++) {
      if (next() < 0.5) chain.takeBack(Math.floor(next() * 30));
      grow(next, 1 + Math.floor(next() * 20));
      await settle(live.follower);
      if (turn === 20) await writeSnapshot(live.store, chainId, path, { contracts: contractNames(syntheticContracts) });
      if (turn % 5 === 4) expect(await hashOf(live.store), `turn ${turn}`).to.equal(await freshHash(at));
    }
    const later = follow([at]);
    await loadSnapshot(later.store, path);
    await settle(later.follower);
    expect((await live.store.allRows(chainId, 1e9)[Symbol.asyncIterator]().next()).value).to.have.length.above(50);
    // It was taken at a block that may be gone by now: then all of it was read anew.
    expect(await hashOf(later.store)).to.equal(await hashOf(live.store));
  });

  it("stays right while the chain moves between any two questions", async () => {
    const next = random(5);
    const at = await endpoint();
    const { store, follower } = follow([at]);
    grow(next, 30);
    at.faults.beforeEach = () => {
      if (next() < 0.08) {
        chain.takeBack(1 + Math.floor(next() * 8));
        grow(next, 1 + Math.floor(next() * 9));
      }
    };
    for (let i = 0; i < 30; i++) await follower.step().catch(() => undefined);
    at.faults.beforeEach = () => undefined;
    await settle(follower);
    expect(await hashOf(store)).to.equal(await freshHash(at));
  });

  it("asks in ranges that the endpoint takes", async () => {
    const next = random(3);
    grow(next, 400, 2);
    const at = await endpoint();
    at.faults.rangeLimit = 17;
    const { store, follower } = follow([at]);
    await settle(follower);
    at.faults.rangeLimit = Infinity;
    expect(await hashOf(store)).to.equal(await freshHash(at));
  });

  it("asks again for logs that the endpoint fails to give", async () => {
    const next = random(9);
    grow(next, 150, 2);
    const at = await endpoint();
    at.faults.fails = (nth) => nth % 3 === 0;
    const { store, follower } = follow([at]);
    await settle(follower);
    at.faults.fails = () => false;
    expect(await hashOf(store)).to.equal(await freshHash(at));
  });

  it("takes nothing over from two endpoints that disagree, and goes on when they agree", async () => {
    const next = random(1);
    grow(next, 20, 3);
    chain.add([someEvent(next, 5)]);
    const [honest, liar] = [await endpoint(), await endpoint()];
    liar.faults.dropsLog = () => true;
    const { store, follower } = follow([honest, liar]);
    expect(await rejectionCode(follower.step())).to.equal("ERR_UNAVAILABLE_CHAIN");
    expect(await store.state(chainId)).to.equal(undefined);
    liar.faults.dropsLog = () => false;
    await settle(follower);
    expect(await hashOf(store)).to.equal(await freshHash(honest));
  });

  it("calls nothing final that one of the endpoints does not, and never less than before", async () => {
    grow(random(2), 40, 1);
    const [first, second] = [await endpoint(), await endpoint()];
    [first.faults.finalized, second.faults.finalized] = [5, 20];
    const { store, follower } = follow([first, second]);
    await settle(follower);
    expect((await store.state(chainId))?.finalizedNumber).to.equal(20);
    second.faults.finalized = 39;
    await settle(follower);
    expect((await store.state(chainId))?.finalizedNumber).to.equal(20);
  });

  it("stands still where endpoints take back what they called final", async () => {
    grow(random(2), 40, 1);
    const at = await endpoint();
    at.faults.finalized = 5;
    const { store, follower } = follow([at]);
    await settle(follower);
    const before = await hashOf(store);
    chain.takeBack(10);
    grow(random(4), 12, 1);
    expect(await rejectionCode(follower.step())).to.equal("ERR_CONFLICT_FINALITY");
    expect(await hashOf(store)).to.equal(before);
  });

  it("waits for an endpoint that is behind, and takes nothing back for it", async () => {
    grow(random(2), 20, 2);
    const at = await endpoint();
    const { store, follower } = follow([at]);
    await settle(follower);
    at.faults.lag = 7;
    expect(await follower.step()).to.equal("idle");
    expect((await store.state(chainId))?.position.number).to.equal(20);
  });

  it("falls back to a snapshot where a reorg is deeper than what can be undone, and to nothing where there is none", async () => {
    const next = random(8);
    const at = await endpoint();
    grow(next, 30);
    const live = follow([at]);
    await settle(live.follower);
    const snapshots = await folder();
    const contracts = contractNames(syntheticContracts);
    await writeSnapshot(live.store, chainId, join(snapshots, snapshotName(chainId, 10)), { contracts, atBlock: 10 });
    await writeSnapshot(live.store, chainId, join(snapshots, snapshotName(chainId, 30)), { contracts });
    const begun = follow([at], new SqliteStore(":memory:"), snapshots);
    await loadSnapshot(begun.store, join(snapshots, snapshotName(chainId, 30)));
    chain.takeBack(15);
    grow(next, 20);
    await settle(begun.follower);
    expect((await begun.store.state(chainId))?.floor).to.equal(10);
    expect(await hashOf(begun.store)).to.equal(await freshHash(at));
    chain.takeBack(30);
    grow(next, 31);
    await settle(begun.follower);
    expect((await begun.store.state(chainId))?.floor).to.equal(0);
    expect(await hashOf(begun.store)).to.equal(await freshHash(at));
  });

  it("refuses a snapshot with one wrong byte and leaves the store as it was", async () => {
    grow(random(6), 20);
    const at = await endpoint();
    const { store, follower } = follow([at]);
    await settle(follower);
    const path = join(await folder(), "snapshot.jsonl");
    await writeSnapshot(store, chainId, path, { contracts: contractNames(syntheticContracts) });
    const text = await readFile(path, "utf8");
    await writeFile(
      path,
      text.replace(/"sinceBlock":(\d)/, (_all, digit) => `"sinceBlock":${(Number(digit) + 1) % 10}`),
    );
    const before = await hashOf(store);
    expect(await rejectionCode(loadSnapshot(store, path))).to.equal("ERR_PROOF_STATE_HASH");
    expect(await hashOf(store)).to.equal(before);
  });

  it("tells readers what came and what was taken back, and keeps every event it ever saw", async () => {
    chain.add([logOf("agentRegistry", "AgentRegistered", [addressOf(1)])]);
    chain.add([logOf("agentRegistry", "AgentRegistered", [addressOf(2)])]);
    const gone = chain.head.hash;
    const { store, follower } = follow([await endpoint()]);
    await settle(follower);
    chain.takeBack(1);
    chain.add([]);
    await settle(follower);
    const feed = await store.feed(chainId, 0, 10);
    expect(feed.map(({ kind, number, takenBack }) => [kind, number, takenBack])).to.deep.equal([
      ["block", 1, []],
      ["block", 2, []],
      ["undo", 1, [{ number: 2, hash: gone }]],
    ]);
    const kept = store.sql.prepare("SELECT count(*) AS n FROM events").get() as { n: number };
    expect(kept.n).to.equal(2);
    expect(() => store.sql.exec("DELETE FROM events")).to.throw("append-only");
    expect(() => store.sql.exec("UPDATE events SET log_index = 9")).to.throw("append-only");
  });

  it("folds the kept events anew where they were folded by other projections", async () => {
    grow(random(7), 120, 3);
    const at = await endpoint();
    const { store, follower } = follow([at]);
    await settle(follower);
    const right = await hashOf(store);
    store.sql.exec("UPDATE chains SET versions = 'agents:0'; DELETE FROM rows WHERE projection = 'agents'");
    expect(await hashOf(store)).to.not.equal(right);
    const { logQuestions } = at;
    await settle(follower);
    expect(await hashOf(store)).to.equal(right);
    expect(at.logQuestions).to.equal(logQuestions);
  });

  it("refuses an endpoint of another chain", async () => {
    const at = await endpoint(new StubChain(1));
    expect(await rejectionCode(follow([at]).follower.step())).to.equal("ERR_CONFLICT_CHAIN");
  });
});
