import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { MemoryStore, type Options } from "express-rate-limit";
import { pino } from "pino";

import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { clientAddress } from "../../../relayer/http/clientAddress.ts";
import { limitRate } from "../../../relayer/http/rateLimit.ts";
import { SharedCounts, type SharedRedis } from "../../../relayer/http/sharedCounts.ts";
import { RedisConnection } from "../../../relayer/queue/redisConnection.ts";
import { redisMissing, TestRedis } from "../../helpers/world/redis.ts";

const options = { windowMs: 60_000 } as Options;
const logger = pino({ level: "silent" });

describe("relayer: counts that processes share", () => {
  const missing = redisMissing();

  it("are one count for all, in a Redis, and one a process while it is away", async function () {
    if (missing !== undefined) this.skip();
    const redis = await TestRedis.start();
    const connections = [];
    try {
      for (let i = 0; i < 2; i++)
        connections.push(await RedisConnection.open({ url: redis.url, allowUnsafe: false }, logger));
      const stores = connections.map((connection) => new SharedCounts(connection, "test:"));
      for (const store of stores) store.init(options);
      const [one, two] = stores as [SharedCounts, SharedCounts];
      expect((await one.increment("a")).totalHits).to.equal(1);
      expect((await two.increment("a")).totalHits).to.equal(2);
      expect((await one.increment("b")).totalHits).to.equal(1);
      for (const connection of connections) connection.close();
      // Each for itself now, and none of them without a limit.
      expect((await one.increment("a")).totalHits).to.equal(1);
      expect((await one.increment("a")).totalHits).to.equal(2);
      expect((await two.increment("a")).totalHits).to.equal(1);
      for (const store of stores) store.shutdown();
    } finally {
      for (const connection of connections) connection.close();
      await redis.remove();
    }
  });

  it("do not wait for a Redis that hangs or refuses, and try it again later", async () => {
    let nowMs = 0;
    let asked = 0;
    let answers = false;
    const redis: SharedRedis = {
      connected: true,
      send: ([command]) => {
        asked++;
        if (!answers) return Promise.reject(new Error("READONLY"));
        return Promise.resolve(command === "SCRIPT" ? "sha" : [7, 60_000]);
      },
    };
    const store = new SharedCounts(redis, "test:", () => nowMs);
    store.init(options);
    expect((await store.increment("a")).totalHits).to.equal(1);
    const before = asked;
    expect((await store.increment("a")).totalHits).to.equal(2);
    expect(asked).to.equal(before);
    answers = true;
    nowMs = 5_000;
    expect((await store.increment("a")).totalHits).to.equal(7);
    store.shutdown();
  });
});

describe("relayer: whose request it is", () => {
  async function seen(trusted: readonly string[], headers: Record<string, string>): Promise<string> {
    const addressOf = clientAddress(trusted);
    const server = createServer((request, response) => response.end(addressOf(request))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      return await new Promise((resolve, reject) => {
        httpRequest({ host: "127.0.0.1", port, headers }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve(text));
        })
          .on("error", reject)
          .end();
      });
    } finally {
      server.close();
    }
  }

  const forwarded = { "x-forwarded-for": "203.0.113.9, 198.51.100.7" };

  it("is the other end's, whatever it says, and a trusted proxy's word for whom it forwards", async () => {
    expect(await seen([], forwarded)).to.equal("127.0.0.1");
    expect(await seen(["10.0.0.0/8"], forwarded)).to.equal("127.0.0.1");
    expect(await seen(["loopback"], forwarded)).to.equal("198.51.100.7");
    expect(await seen(["loopback", "198.51.100.0/24"], forwarded)).to.equal("203.0.113.9");
    expect(await seen(["loopback"], {})).to.equal("127.0.0.1");
    expect(await seen(["loopback"], { "x-forwarded-for": "2001:db8:1:2::9" })).to.equal("2001:db8:1:2::/64");
  });

  it("is counted, but for /healthz, and refused with the time to come back", async () => {
    const limit = limitRate({ perMinute: 2, store: new MemoryStore(), addressOf: () => "a" });
    const ask = (url: string) =>
      new Promise<unknown>((resolve) => limit({ url } as never, { headersSent: false } as never, resolve));
    expect([await ask("/v1/log"), await ask("/v1/log")]).to.deep.equal([undefined, undefined]);
    const refusal = await ask("/v1/log");
    expect(isAffiantError(refusal, "ERR_LIMIT_RATE") && refusal.details["retryAfterSec"]).to.be.within(1, 60);
    expect(await ask("/healthz")).to.equal(undefined);
  });
});
