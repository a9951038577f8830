import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Receipt } from "../../../protocol/api/receipt.ts";
import { fsck } from "../../../relayer/fsck/fsck.ts";
import type { CommitName } from "../../../relayer/store/database.ts";
import { Actor } from "./actor.ts";
import { end, type TestChain } from "./chain.ts";
import { registerCall } from "./registerCall.ts";
import { httpTo, type RelayerHome } from "./relayer.ts";

export interface CrashPoint {
  readonly name: CommitName;
  readonly point: "before-commit" | "after-commit";
  /** The relayer dies at the n-th such commit. */
  readonly count: number;
}

/** What was promised before the crash, and everything that was ever sent. */
export interface CrashRecord {
  readonly actor: Actor;
  readonly leaves: readonly string[];
  readonly acknowledged: ReadonlyMap<string, Receipt>;
  /** Calldata of requests, each of an account of its own. */
  readonly calls: readonly { readonly actor: Actor; readonly data: string }[];
  readonly requestIds: readonly string[];
  readonly died: boolean;
}

/** Starts a relayer that will kill itself, works it with entries, requests and anchors, until it is dead or all is said. */
export async function workUntilDeath(chain: TestChain, home: RelayerHome, crash: CrashPoint): Promise<CrashRecord> {
  const actor = await Actor.registered(chain);
  const nb = await actor.block();
  const leaves = Array.from({ length: 12 }, () => actor.signAt(nb).leaf);
  const calls = await Promise.all(Array.from({ length: 3 }, () => registerCall(chain)));
  const { name, point, count } = crash;
  const child = spawn(process.execPath, [join(import.meta.dirname, "crashingRelayer.ts"), point, name, String(count)], {
    env: { ...process.env, ...home.env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const first = (await Promise.race([once(child.stdout, "data"), exited])) as unknown[];
  const acknowledged = new Map<string, Receipt>();
  const requestIds: string[] = [];
  if (Buffer.isBuffer(first[0])) {
    const { url } = JSON.parse(String(first[0])) as { url: string };
    await work(url, { leaves, calls, acknowledged, requestIds }).catch(() => undefined);
    // The rest happens by itself: transactions are mined and become final, unless the relayer dies before.
    for (let i = 0; i < 60 && child.exitCode === null && child.signalCode === null; i++) {
      await chain.mine(1).catch(() => undefined);
      await sleep(25);
    }
  }
  const died = child.signalCode === "SIGKILL";
  await end(child, "SIGKILL");
  return { actor, leaves, acknowledged, calls, requestIds, died };
}

interface Work {
  readonly leaves: readonly string[];
  readonly calls: readonly { readonly actor: Actor; readonly data: string; readonly target: string }[];
  readonly acknowledged: Map<string, Receipt>;
  readonly requestIds: string[];
}

async function work(url: string, { leaves, calls, acknowledged, requestIds }: Work): Promise<void> {
  const http = httpTo(url);
  for (const [i, { actor, target, data }] of calls.entries()) {
    const { body } = await http.post("/v1/requests", { target, data }, { "idempotency-key": actor.account.address });
    requestIds.push(String(body.id));
    for (const leaf of leaves.slice(i * 4, i * 4 + 2)) {
      const answer = await http.post("/v1/entries", { leaf });
      if (answer.status < 300) acknowledged.set(leaf, answer.body as Receipt);
    }
    const rest = leaves.slice(i * 4 + 2, i * 4 + 4);
    const { body: batch } = await http.post("/v1/entries:batch", { entries: rest.map((leaf) => ({ leaf })) });
    rest.forEach((leaf, k) => {
      const { receipt } = batch.results[k] as { receipt?: Receipt };
      if (receipt) acknowledged.set(leaf, receipt);
    });
    await http.post("/v1/log/anchor");
  }
}

/**
 * Starts a healthy relayer on what the dead one left, sends everything again as its clients would, and lists every
 * promise that was broken: nothing, if all is well.
 */
export async function violationsAfter(chain: TestChain, home: RelayerHome, record: CrashRecord): Promise<string[]> {
  const violations: string[] = [];
  const relayer = await home.start();
  const expect = (holds: boolean, words: string) => void (holds || violations.push(words));
  for (const [leaf, receipt] of record.acknowledged) {
    const again = await relayer.post("/v1/entries", { leaf });
    const { index, size, checkpoint, proof } = again.body as Receipt;
    expect(again.status === 200, `an acknowledged entry was lost (${again.status})`);
    const same = JSON.stringify([index, size, checkpoint, proof]);
    const { index: i, size: s, checkpoint: c, proof: p } = receipt;
    expect(same === JSON.stringify([i, s, c, p]), "an entry has another receipt than before");
  }
  for (const leaf of record.leaves) {
    const { status } = await relayer.post("/v1/entries", { leaf });
    expect(status === 200 || status === 201, `an entry was not taken again (${status})`);
  }
  const head = (await relayer.get(`/v1/agents/${record.actor.did}/head`)).body as { count: number };
  expect(head.count === record.leaves.length, `${head.count} entries instead of ${record.leaves.length}`);
  const ids = new Set<string>();
  for (const { actor, data } of record.calls) {
    const target = chain.deployment.contracts.agentRegistry.address;
    const { body } = await relayer.post("/v1/requests", { target, data }, { "idempotency-key": actor.account.address });
    ids.add(String(body.id));
  }
  for (const id of record.requestIds) expect(ids.has(id), "an accepted request was forgotten");
  await relayer.post("/v1/log/anchor");
  await settle(chain, relayer, ids, record.leaves.length);
  for (const id of ids) {
    const { state } = (await relayer.get(`/v1/requests/${id}`)).body as { state: string };
    expect(state === "final", `a request ended as ${state}`);
  }
  for (const { actor } of record.calls) {
    expect((await chain.agents.getFunction("isActive")(actor.account.address)) === true, "a request had no effect");
  }
  const { anchors } = (await relayer.get("/v1/log/anchors")).body as { anchors: { size: number }[] };
  const sizes = anchors.map(({ size }) => size);
  expect(new Set(sizes).size === sizes.length, `a size was anchored twice: ${sizes.join(", ")}`);
  expect(
    sizes.at(-1) === ((await relayer.get("/v1/log")).body as { size: number }).size,
    "the log's end has no anchor",
  );
  await relayer.close();
  const report = await fsck({ dataDir: home.dir, noteKeyFile: join(home.dir, "note.key"), repair: false });
  return [...violations, ...report.faults.map(({ place, what }) => `fsck, ${place}: ${what}`)];
}

/** Mines until all requests are over and the whole log is under an anchor. */
async function settle(
  chain: TestChain,
  relayer: ReturnType<typeof httpTo>,
  ids: ReadonlySet<string>,
  entries: number,
): Promise<void> {
  for (;;) {
    const states = await Promise.all(
      [...ids].map(async (id) => (await relayer.get(`/v1/requests/${id}`)).body as object),
    );
    const over = states.every((body) => "state" in body && (body.state === "final" || body.state === "failed"));
    const { body } = await relayer.get("/readyz");
    const { anchoring } = body as { anchoring: { pendingEntries: number; anchoredSize: number } };
    if (over && anchoring.pendingEntries === 0 && anchoring.anchoredSize >= entries) return;
    await chain.mine(1);
    await sleep(20);
  }
}
