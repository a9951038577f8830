import { expect } from "chai";

import { pino } from "pino";

import { openQueue } from "../../../relayer/queue/openQueue.ts";
import type { WorkQueue } from "../../../relayer/queue/workQueue.ts";
import { redisMissing, TestRedis } from "../../helpers/world/redis.ts";
import { eventually } from "../../helpers/eventually.ts";
import { rejection } from "../../helpers/rejection.ts";

const logger = pino({ level: "silent" });
const missing = redisMissing();
if (missing !== undefined) console.log(`      skipped: ${missing}`);

(missing === undefined ? describe : describe.skip)("relayer: queue over Redis", () => {
  let redis: TestRedis;
  const open: WorkQueue[] = [];

  async function queue(name = "test"): Promise<WorkQueue> {
    const { queue: made } = await openQueue({ redisUrl: redis.url, redisAllowUnsafe: false }, name, logger);
    open.push(made);
    return made;
  }

  before(async () => {
    redis = await TestRedis.start();
  });

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  after(async () => {
    await redis?.remove();
  });

  it("wakes who serves a task, from another process's queue", async () => {
    const [serving, waking] = [await queue(), await queue()];
    let runs = 0;
    serving.serve("lane-0xa", () => Promise.resolve(void runs++));
    waking.wake("lane-0xa");
    await eventually(() => runs === 1);
    waking.wake("lane-0xb"); // served by nobody, keeps nobody up
    waking.wake("lane-0xa");
    await eventually(() => runs === 2);
  });

  it("runs a task once at a time, and again for a wake that came meanwhile", async () => {
    const serving = await queue();
    let [runs, atOnce, most] = [0, 0, 0];
    let finish: () => void = () => undefined;
    serving.serve("lane-0xa", async () => {
      runs++;
      most = Math.max(most, ++atOnce);
      if (runs === 1) await new Promise<void>((resolve) => (finish = resolve));
      atOnce--;
    });
    serving.wake("lane-0xa");
    await eventually(() => runs === 1);
    serving.wake("lane-0xa");
    serving.wakeHere("lane-0xa");
    finish();
    await eventually(() => runs >= 2 && atOnce === 0);
    expect(most).to.equal(1);
  });

  it("tries again what failed", async () => {
    const serving = await queue();
    let runs = 0;
    serving.serve("lane-0xa", () => (++runs < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve()));
    serving.wake("lane-0xa");
    await eventually(() => runs === 3);
  });

  it("does delayed and repeated tasks", async () => {
    const serving = await queue();
    let [later, ticks] = [0, 0];
    serving.serve("lane-0xa", () => Promise.resolve(void later++));
    serving.serve("anchor", () => Promise.resolve(void ticks++));
    serving.wake("lane-0xa", 30);
    serving.repeat("anchor", 50);
    await eventually(() => later === 1 && ticks >= 3);
  });

  it("keeps relayers apart that share one Redis", async () => {
    const [ours, theirs] = [await queue("ours"), await queue("theirs")];
    const ran: string[] = [];
    ours.serve("anchor", () => Promise.resolve(void ran.push("ours")));
    theirs.serve("anchor", () => Promise.resolve(void ran.push("theirs")));
    theirs.wake("anchor");
    await eventually(() => ran.length > 0);
    expect(ran).to.deep.equal(["theirs"]);
  });

  it("asks for everything again after FLUSHALL, and repeats go on", async () => {
    const serving = await queue();
    let [ticks, rebuilt] = [0, 0];
    serving.serve("anchor", () => Promise.resolve(void ticks++));
    serving.repeat("anchor", 50);
    serving.onLost(() => rebuilt++);
    await eventually(() => ticks > 0 && rebuilt === 1);
    await redis.command("FLUSHALL");
    await eventually(() => rebuilt === 2);
    const before = ticks;
    await eventually(() => ticks > before + 2);
  });

  it("goes on by itself while Redis is dead, and together again when it is back", async () => {
    const [serving, waking] = [await queue(), await queue()];
    let [runs, ticks, rebuilt] = [0, 0, 0];
    serving.serve("lane-0xa", () => Promise.resolve(void runs++));
    serving.serve("anchor", () => Promise.resolve(void ticks++));
    serving.repeat("anchor", 50);
    serving.onLost(() => rebuilt++);
    await eventually(() => ticks > 0 && rebuilt === 1);
    await redis.kill();
    await eventually(() => !serving.status().connected);
    expect(serving.status().troubles).to.deep.equal([
      "Redis does not answer: each process goes on from the journal alone",
    ]);
    const before = { runs, ticks };
    serving.wake("lane-0xa");
    await eventually(() => runs === before.runs + 1 && ticks > before.ticks + 1);
    await redis.up();
    await eventually(() => serving.status().connected && rebuilt === 2);
    const after = runs;
    await eventually(() => {
      waking.wake("lane-0xa");
      return runs > after;
    });
  });
});

(missing === undefined ? describe : describe.skip)("relayer: a Redis that forgets", () => {
  async function refusal(args: readonly string[], allowUnsafe = false) {
    const redis = await TestRedis.start(args);
    try {
      const opening = openQueue({ redisUrl: redis.url, redisAllowUnsafe: allowUnsafe }, "test", logger);
      if (!allowUnsafe) return await rejection(opening);
      const { queue } = await opening;
      const status = queue.status();
      await queue.close();
      return status;
    } finally {
      await redis.remove();
    }
  }

  it("is refused at the start: no append-only file", async () => {
    const error = await refusal(["--appendonly", "no"]);
    expect(error).to.have.property("code", "ERR_INPUT_REDIS");
    expect(error).to.have.nested.property("details.weaknesses").that.has.length(1);
    expect(error).to.have.nested.property("details.weaknesses[0]").that.contains("appendonly yes");
  });

  it("is refused at the start: keys may be evicted", async () => {
    const error = await refusal(["--maxmemory-policy", "allkeys-lru"]);
    expect(error).to.have.property("code", "ERR_INPUT_REDIS");
    expect(error).to.have.nested.property("details.weaknesses[0]").that.contains("maxmemory-policy is allkeys-lru");
  });

  it("is used where the operator said so, and named", async () => {
    const status = await refusal(["--appendonly", "no"], true);
    expect(status).to.have.nested.property("troubles[0]").that.contains("appendonly yes");
  });

  it("that does not answer is no reason not to start", async () => {
    const { queue } = await openQueue({ redisUrl: "redis://127.0.0.1:1", redisAllowUnsafe: false }, "test", logger);
    let runs = 0;
    queue.serve("anchor", () => Promise.resolve(void runs++));
    queue.wake("anchor");
    await eventually(() => runs === 1);
    expect(queue.status().connected).to.equal(false);
    await queue.close();
  });
});
