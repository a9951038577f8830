/**
 * `npm run torture -- directory [turns] [seed]`: a chain behind two endpoints that reorganises at random while it is read, endpoints
 * that lag, fail, leave logs out or tell of another chain, and a process of the directory that is killed in the midst of it. After
 * each turn the endpoints are honest again and the state must have the hash of a fresh replay; what was ever called final must
 * never change. Exit code 1 for one broken promise.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Follower } from "../../directory/chain/follower.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { stateHash } from "../../directory/fold/stateHash.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { StubChain, StubEndpoint } from "../../test/helpers/directory/stubChain.ts";
import { random, someEvent, syntheticContracts } from "../../test/helpers/directory/syntheticEvents.ts";
import { killedFollower } from "./directory/killed.ts";

const chainId = 31_337;
/** Reorganisations stay above what the endpoints call final. */
const finalDepth = 40;

const [turns, seed] = [Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 1)];
const next = random(seed);
const pick = (count: number): number => Math.floor(next() * count);
const folder = await mkdtemp(join(tmpdir(), "affiant-torture-"));
const path = join(folder, "directory.sqlite");
const chain = new StubChain(chainId);
const endpoints = [await StubEndpoint.start(chain), await StubEndpoint.start(chain)];
for (const { faults } of endpoints) faults.finalized = finalDepth;
const counts = { turns: 0, reorgs: 0, kills: 0, lies: 0, compared: 0, finalChecked: 0, broken: 0 };
const called: { number: number; hash: string; state: string }[] = [];

function grow(blocks: number): void {
  for (let i = 0; i < blocks; i++) chain.add(Array.from({ length: pick(4) }, () => someEvent(next, 12)));
}

function reorganise(): void {
  const depth = 1 + pick(Math.min(finalDepth - 1, 20));
  counts.reorgs++;
  chain.takeBack(depth);
  grow(depth + 1 + pick(4)); // a chain that is followed is longer than the one before
}

function misbehave(): void {
  for (const { faults } of endpoints) {
    const fault = pick(6);
    if (fault > 3) continue;
    counts.lies++;
    if (fault === 0) faults.lag = 1 + pick(30);
    // One alone leaves logs out: both together would be the only word there is.
    if (fault === 1 && faults === endpoints[0]?.faults) faults.dropsLog = (nth) => nth % 2 === 0;
    if (fault === 2) faults.fails = (nth) => nth % 3 !== 0;
    if (fault === 3) faults.beforeEach = () => void (next() < 0.05 && reorganise());
  }
  if (pick(5) === 0) {
    // The second endpoint tells of a chain of its own for a while.
    counts.lies++;
    const other = new StubChain(chainId);
    other.blocks.push(...chain.blocks.slice(1, Math.max(1, chain.blocks.length - 5)));
    for (let i = 0; i < 6; i++) other.add([someEvent(next, 12)]);
    (endpoints[1] as StubEndpoint).chain = other;
  }
}

function behave(): void {
  for (const endpoint of endpoints) {
    endpoint.chain = chain;
    Object.assign(endpoint.faults, {
      lag: 0,
      dropsLog: () => false,
      fails: () => false,
      beforeEach: () => undefined,
    });
  }
}

function open(at: string): { store: SqliteStore; source: ChainSource; follower: Follower } {
  const store = new SqliteStore(at);
  const source = new ChainSource(
    chainId,
    endpoints.map(({ url }) => ({ url, attempts: 2, firstPauseMs: 1 })),
  );
  return { store, source, follower: new Follower({ chainId, store, source, contracts: syntheticContracts }) };
}

async function steps(follower: Follower, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await follower.step().catch((error: unknown) => {
      if (!isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")) throw error;
    });
  }
}

async function checkFinal(store: SqliteStore): Promise<void> {
  for (const one of called.slice(-5)) {
    counts.finalChecked++;
    const block = await store.blockAtOrBefore(chainId, one.number);
    const state = await stateHash(store, chainId, one.number);
    if (block?.hash !== one.hash || state !== one.state) broke(`what was final at ${one.number} changed`);
  }
  const number = (await store.state(chainId))?.finalizedNumber;
  const block = number === undefined ? undefined : await store.blockAtOrBefore(chainId, number);
  if (number === undefined || !block) return;
  called.push({ number, hash: block.hash, state: await stateHash(store, chainId, number) });
}

function broke(what: string): void {
  counts.broken++;
  console.error(`turn ${counts.turns}, seed ${seed}: ${what}`);
}

grow(60);
for (let turn = 0; turn < turns; turn++) {
  counts.turns = turn + 1;
  grow(pick(3));
  if (pick(3) > 0) reorganise();
  misbehave();
  if (turn % 25 === 24) {
    counts.kills++;
    await killedFollower(
      path,
      endpoints.map(({ url }) => url),
      20 + pick(400),
    );
  }
  const live = open(path);
  await steps(live.follower, 4);
  await checkFinal(live.store);
  behave();
  await live.follower.catchUp();
  await checkFinal(live.store);
  // The chain is as long as it is: a fresh replay each turn would be all that is measured.
  if (turn % 10 === 9 || turn === turns - 1) {
    counts.compared++;
    const fresh = open(":memory:");
    await fresh.follower.catchUp();
    const [one, other] = [await stateHash(live.store, chainId, 1e12), await stateHash(fresh.store, chainId, 1e12)];
    if (one !== other) broke("the state is not that of a fresh replay");
    fresh.source.close();
    await fresh.store.close();
  }
  live.source.close();
  await live.store.close();
}
for (const endpoint of endpoints) await endpoint.close();
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify({ torture: "directory", seed, blocks: chain.blocks.length, ...counts }));
process.exit(counts.broken === 0 && counts.compared > 0 ? 0 : 1);
