import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { type Clock, examine, type ExamineOptions } from "../../../attestation/verifier/examine.ts";
import type { TaskPlace, VerificationTask } from "../../../protocol/attestation/task.ts";

const place: TaskPlace = {
  chainId: 31_337,
  registry: `0x${"11".repeat(20)}`,
  round: 1,
  seed: `0x${"22".repeat(32)}`,
  target: `0x${"33".repeat(20)}`,
  verifier: `0x${"44".repeat(20)}`,
  enrolment: 1,
};

/** Waiting takes no time here, and is written down. */
class TestClock implements Clock {
  readonly waits: number[] = [];
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): Promise<void> {
    this.waits.push(ms);
    this.#nowMs += ms;
    return Promise.resolve();
  }

  passes(ms: number): void {
    this.#nowMs += ms;
  }
}

describe("attestation/verifier/examine", () => {
  let server: Server;
  let task: VerificationTask;
  let clock: TestClock;
  let attempts: number;
  let tookMs: number;

  before(async () => {
    server = createServer((_request, response) => {
      attempts++;
      clock.passes(tookMs);
      response.writeHead(503).end();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const targetUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    task = {
      nonce: `0x${"55".repeat(32)}`,
      targetUrl,
      tier: "software",
      expected: `0x${"66".repeat(32)}`,
      commission: `0x${"77".repeat(32)}`,
    };
  });
  after(() => server.close());
  beforeEach(() => {
    clock = new TestClock();
    attempts = 0;
    tookMs = 0;
  });

  const found = (options: Partial<ExamineOptions> = {}) =>
    examine(task, place, { isSigningKey: () => Promise.resolve(true), allowPrivate: true, clock, ...options });

  it("spreads its attempts: three refusals in a row are no time-out in a moment", async () => {
    expect(await found()).to.include({ result: "timeout", attempts: 3 });
    expect(clock.waits).to.deep.equal([7_500, 7_500]);
    expect(attempts).to.equal(3);
  });

  it("waits no longer than is left of an attempt's share", async () => {
    tookMs = 5_000;
    await found({ spreadMs: 12_000 });
    expect(clock.waits).to.deep.equal([1_000, 1_000]);
    clock = new TestClock();
    tookMs = 10_000;
    await found({ spreadMs: 12_000 });
    expect(clock.waits).to.deep.equal([]);
  });

  it("waits for nothing where there is one attempt", async () => {
    expect(await found({ attempts: 1 })).to.include({ result: "timeout", attempts: 1 });
    expect(clock.waits).to.deep.equal([]);
  });

  it("does not go into this machine's network because a wrapper says so", async () => {
    expect(await found({ allowPrivate: false })).to.include({ result: "timeout" });
    expect(attempts).to.equal(0);
  });
});
