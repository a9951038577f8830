import { expect } from "chai";

import { SyncRounds } from "../../relayer/store/syncRounds.ts";
import { rejection } from "../helpers/rejection.ts";

describe("relayer: rounds of syncing", () => {
  /** Rounds that end when the test says so. */
  function rounds() {
    const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const shared = new SyncRounds(() => new Promise((resolve, reject) => ends.push({ resolve, reject })));
    return { shared, ends };
  }

  it("give who comes during a round the next one, and one to all who come", async () => {
    const { shared, ends } = rounds();
    const order: string[] = [];
    const first = shared.join().then(() => order.push("first"));
    const second = shared.join().then(() => order.push("second"));
    const third = shared.join().then(() => order.push("third"));
    expect(ends).to.have.lengthOf(1);
    ends[0]?.resolve();
    await first;
    await new Promise(setImmediate);
    expect([ends.length, order]).to.deep.equal([2, ["first"]]);
    ends[1]?.resolve();
    await Promise.all([second, third]);
    expect([ends.length, order]).to.deep.equal([2, ["first", "second", "third"]]);
  });

  it("tell only those who were in it of a round that failed", async () => {
    const { shared, ends } = rounds();
    const first = rejection(shared.join());
    const second = shared.join();
    ends[0]?.reject(new Error("EIO"));
    expect(((await first) as Error).message).to.equal("EIO");
    await new Promise(setImmediate);
    ends[1]?.resolve();
    await second;
    void shared.join();
    expect(ends).to.have.lengthOf(3);
  });
});
