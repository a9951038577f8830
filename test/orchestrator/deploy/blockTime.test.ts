import { expect } from "chai";

import type { Eip1193 } from "../../../orchestrator/deploy/chainRpc.ts";
import { measureBlockSec } from "../../../orchestrator/deploy/blockTime.ts";
import { rejection } from "../../helpers/rejection.ts";

/** A chain with a block every `paceSec` seconds. */
const chainOf = (newest: number, paceSec: number): Eip1193 => ({
  request: ({ params }) => {
    const [tag] = params as [string];
    const number = tag === "latest" ? newest : Number(tag);
    const timestamp = 1_700_000_000 + Math.floor(number * paceSec);
    return Promise.resolve({ number: `0x${number.toString(16)}`, timestamp: `0x${timestamp.toString(16)}` });
  },
});

describe("orchestrator/deploy/blockTime", () => {
  it("is what the last thousand blocks took, also where several share a second", async () => {
    for (const pace of [12, 2, 0.25]) {
      const measured = await measureBlockSec(chainOf(5_000_000, pace), 10n);
      expect(Math.abs(measured - pace), `${pace}`).to.be.lessThan(0.002);
    }
    expect(await measureBlockSec(chainOf(100, 2), 10n)).to.equal(2);
  });

  it("is 12 seconds where the chain cannot tell: one of this machine, and one that has hardly begun", async () => {
    expect(await measureBlockSec(chainOf(5_000_000, 2), 31_337n)).to.equal(12);
    expect(await measureBlockSec(chainOf(15, 2), 10n)).to.equal(12);
  });

  it("is not guessed where the endpoint does not say", async () => {
    for (const answer of [null, {}, { number: "0x20" }, { number: "0x20", timestamp: "soon" }]) {
      const silent: Eip1193 = { request: () => Promise.resolve(answer) };
      expect(await rejection(measureBlockSec(silent, 10n))).to.include({ code: "ERR_UNAVAILABLE_CHAIN" });
    }
  });
});
