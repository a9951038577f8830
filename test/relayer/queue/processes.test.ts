import { expect } from "chai";

import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

import { startChain, type TestChain } from "../../helpers/world/chain.ts";
import { redisMissing, TestRedis } from "../../helpers/world/redis.ts";
import { registerCall } from "../../helpers/world/registerCall.ts";
import { RelayerHome } from "../../helpers/world/relayer.ts";
import { RelayerProcess } from "../../helpers/world/relayerProcess.ts";
import { eventually } from "../../helpers/eventually.ts";
import { rejection } from "../../helpers/rejection.ts";

const missing = redisMissing();
if (missing !== undefined) console.log(`      skipped: ${missing}`);

type Call = Awaited<ReturnType<typeof registerCall>>;

(missing === undefined ? describe : describe.skip)("relayer: several processes on one journal", () => {
  let chain: TestChain;
  let redis: TestRedis;
  let home: RelayerHome;
  const running = new Set<RelayerProcess>();
  const calls: { readonly call: Call; readonly id: string }[] = [];

  async function start(role: "relayer" | "worker"): Promise<RelayerProcess> {
    const made = await RelayerProcess.start(home, {
      AFFIANT_ROLE: role,
      REDIS_URL: redis.url,
      AFFIANT_LEASE_MS: "1000",
      AFFIANT_ANCHOR_INTERVAL_MS: "200",
    });
    running.add(made);
    return made;
  }

  async function stop(process: RelayerProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    running.delete(process);
    await process.end(signal);
  }

  async function submit(to: RelayerProcess, count: number): Promise<void> {
    for (const call of await Promise.all(Array.from({ length: count }, () => registerCall(chain)))) {
      const { target, data, actor } = call;
      const { status, body } = await to.http.post("/v1/requests", { target, data }, { "idempotency-key": actor.did });
      expect(status).to.equal(202);
      calls.push({ call, id: String(body.id) });
    }
  }

  /** Not in the middle of a commit: there a frozen process holds SQLite's lock, and all others wait for it. */
  async function freeze(process: RelayerProcess): Promise<void> {
    await eventually(() => {
      process.pause();
      const journal = new DatabaseSync(join(home.dir, "relayer.db"), { timeout: 0 });
      try {
        journal.exec("BEGIN IMMEDIATE; ROLLBACK");
        return true;
      } catch {
        process.goOn();
        return false;
      } finally {
        journal.close();
      }
    });
  }

  async function leads(process: RelayerProcess): Promise<boolean> {
    const { lanes } = (await process.http.get("/readyz")).body as { lanes: { led: boolean }[] };
    return lanes.every(({ led }) => led);
  }

  /** Every accepted request took effect once: one final job each, no nonce twice and none left out. */
  async function expectAllDone(through: RelayerProcess): Promise<void> {
    await eventually(async () => {
      await chain.mine(1);
      const states = await Promise.all(
        calls.map(async ({ id }) => (await through.http.get(`/v1/requests/${id}`)).body),
      );
      return states.every(({ state }) => state === "final" || state === "failed");
    });
    for (const { call, id } of calls) {
      expect((await through.http.get(`/v1/requests/${id}`)).body).to.include({ state: "final" });
      expect(await chain.agents.getFunction("isActive")(call.actor.account.address)).to.equal(true);
    }
    const journal = new DatabaseSync(join(home.dir, "relayer.db"), { readOnly: true });
    const jobs = journal.prepare("SELECT nonce, lane FROM job WHERE nonce IS NOT NULL ORDER BY nonce").all();
    journal.close();
    expect(jobs.map(({ nonce }) => nonce)).to.deep.equal(jobs.map((_job, i) => i));
    expect(await chain.provider.getTransactionCount(String(jobs[0]?.["lane"]))).to.equal(jobs.length);
  }

  before(async () => {
    chain = await startChain();
    redis = await TestRedis.start();
    home = await RelayerHome.make(chain);
  });

  after(async () => {
    for (const process of running) {
      process.goOn();
      await process.end("SIGKILL");
    }
    await home?.remove();
    await redis?.remove();
    await chain?.close();
  });

  let relayer: RelayerProcess;
  let worker: RelayerProcess;

  it("a worker without Redis, or before the relayer ever ran there, is refused", async () => {
    const env = { AFFIANT_ROLE: "worker", AFFIANT_SENDER_KEY_FILE: join(home.dir, "other.key") };
    const alone = await rejection(RelayerProcess.start(home, { ...env, REDIS_URL: "" }));
    expect((alone as Error).message)
      .to.contain("ERR_INPUT_CONFIG")
      .and.to.contain("REDIS_URL");
    const early = await rejection(RelayerProcess.start(home, { ...env, REDIS_URL: redis.url }));
    expect((early as Error).message)
      .to.contain("ERR_INPUT_FILE")
      .and.to.contain("start the relayer first");
  });

  it("one leads each lane, and what either takes gets done", async () => {
    relayer = await start("relayer");
    worker = await start("worker");
    expect([await leads(relayer), await leads(worker)]).to.deep.equal([true, false]);
    await submit(relayer, 2);
    await submit(worker, 2);
    await expectAllDone(worker);
  });

  it("a second relayer, and one without Redis, are refused beside them", async () => {
    const second = await rejection(start("relayer"));
    expect((second as Error).message).to.contain("ERR_CONFLICT_RUNNING");
    const alone = await rejection(RelayerProcess.start(home));
    expect((alone as Error).message).to.contain("ERR_CONFLICT_RUNNING");
  });

  it("a leader that was killed is followed by the worker; nothing is lost, nothing done twice", async () => {
    await submit(relayer, 3);
    await stop(relayer, "SIGKILL");
    await submit(worker, 2);
    await expectAllDone(worker);
    expect(await leads(worker)).to.equal(true);
  });

  it("a leader that slept past its lease cannot write", async () => {
    relayer = await start("relayer");
    expect([await leads(relayer), await leads(worker)]).to.deep.equal([false, true]);
    await submit(worker, 3);
    await freeze(worker);
    await submit(relayer, 2);
    await eventually(() => leads(relayer));
    worker.goOn();
    await eventually(async () => !(await leads(worker)));
    await expectAllDone(worker);
    expect(await leads(relayer)).to.equal(true);
  });

  it("FLUSHALL in the middle loses nothing", async () => {
    await submit(worker, 2);
    await redis.command("FLUSHALL");
    await submit(worker, 2);
    await expectAllDone(worker);
  });

  it("a Redis that was killed keeps nobody from work, and is used again when it is back", async () => {
    await redis.kill();
    await eventually(async () => !(await worker.http.get("/readyz")).body.queue.connected);
    expect((await worker.http.get("/readyz")).body.queue.troubles).to.have.lengthOf(1);
    await submit(worker, 2);
    await expectAllDone(worker);
    await redis.up();
    await eventually(async () => (await worker.http.get("/readyz")).body.queue.connected);
    await submit(worker, 1);
    await expectAllDone(worker);
  });

  it("who ends in order gives its lanes up at once, and both end with 0", async () => {
    expect(await relayer.end()).to.equal(0);
    running.delete(relayer);
    await eventually(() => leads(worker));
    await submit(worker, 1);
    await expectAllDone(worker);
    expect(await worker.end()).to.equal(0);
    running.delete(worker);
  });
});
