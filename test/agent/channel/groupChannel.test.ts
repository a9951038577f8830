import { expect } from "chai";
import { network } from "hardhat";

import { headerLength } from "../../../agent/channel/message.ts";
import { SqliteReplayWindows, windowSize } from "../../../agent/channel/replayWindow.ts";
import { ChainEscrow, type EscrowSource } from "../../../agent/escrow/escrowReader.ts";
import { GroupWatch } from "../../../agent/escrow/groupWatch.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { bytes, escrowSystem, graceBlocks, maxAgeBlocks, text } from "../../orchestrator/escrow/world.ts";

const { ethers, networkHelpers } = await network.create();

describe("the channel of a group", () => {
  const folder = tempFolders();
  const start = async () => {
    const world = await escrowSystem(ethers, await folder());
    const publisher = world.publisher();
    await publisher.step();
    const [a, b, c] = world.agents.map(({ address }) => world.member(address)) as [Member, Member, Member];
    return { ...world, rotate: () => publisher.step(), a, b, c };
  };
  type Member = ReturnType<Awaited<ReturnType<typeof escrowSystem>>["member"]>;

  it("carries messages both ways, and shows nothing of them", async () => {
    const { a, b } = await start();
    const message = await a.channel.seal(b.address, bytes("charge 42 USD"));
    expect(Buffer.from(message).includes("charge")).to.equal(false);
    const received = await b.channel.open(message);
    expect(text(received.plaintext)).to.equal("charge 42 USD");
    expect(received).to.include({ from: a.address.toLowerCase(), epoch: 1n });
    const answer = await b.channel.seal(a.address, bytes("done"));
    expect(text((await a.channel.open(answer)).plaintext)).to.equal("done");
  });

  it("takes a message once, in any order within the window", async () => {
    const { a, b } = await start();
    const sent = await Promise.all(["one", "two", "three"].map((word) => a.channel.seal(b.address, bytes(word))));
    for (const message of [sent[2]!, sent[0]!, sent[1]!]) await b.channel.open(message);
    for (const message of sent) {
      expect(await rejectionCode(b.channel.open(message))).to.equal("ERR_CONFLICT_MESSAGE_REPLAY");
    }
  });

  for (const [what, at] of [
    ["version", 0],
    ["epoch", 8],
    ["key id", 9],
    ["sender", 17],
    ["session", 57],
    ["sequence", 80],
    ["block", 88],
    ["ciphertext", headerLength],
  ] as const) {
    it(`refuses a message with one bit of its ${what} changed`, async () => {
      const { a, b } = await start();
      const message = await a.channel.seal(b.address, bytes("hello"));
      message[at]! ^= 2;
      const expected = {
        version: "ERR_INPUT_MESSAGE",
        epoch: "ERR_AUTH_EPOCH_STALE",
        "key id": "ERR_AUTH_EPOCH_STALE",
      };
      const code = (expected as Record<string, string>)[what] ?? "ERR_PROOF_MESSAGE";
      expect(await rejectionCode(b.channel.open(message))).to.equal(code);
    });
  }

  it("opens only what is addressed to it, and not its own", async () => {
    const { a, b, c } = await start();
    const message = await a.channel.seal(b.address, bytes("for b"));
    expect(await rejectionCode(c.channel.open(message))).to.equal("ERR_AUTH_SENDER");
    expect(await rejectionCode(a.channel.open(message))).to.equal("ERR_AUTH_SENDER");
  });

  it("neither sends nor receives from the very block in which a member loses trust, until there is a new epoch", async () => {
    const { a, b, c, setTrusted, rotate } = await start();
    const message = await a.channel.seal(b.address, bytes("before"));
    const fromConvicted = await c.channel.seal(b.address, bytes("last words"));
    await setTrusted(c.address, false);
    expect(await rejectionCode(a.channel.seal(b.address, bytes("after")))).to.equal("ERR_AUTH_EPOCH_STALE");
    expect(await rejectionCode(b.channel.open(message))).to.equal("ERR_AUTH_EPOCH_STALE");
    await rotate();
    expect(await rejectionCode(b.channel.open(fromConvicted)), "no grace for a convict's epoch").to.equal(
      "ERR_AUTH_EPOCH_STALE",
    );
    const next = await a.channel.seal(b.address, bytes("under the next"));
    expect((await b.channel.open(next)).epoch).to.equal(2n);
    expect(await rejectionCode(c.channel.open(await a.channel.seal(c.address, bytes("x"))))).to.equal(
      "ERR_UNAVAILABLE_KEY",
    );
  });

  it("hears the epoch before during the grace period, and not after", async () => {
    const { a, b, rotate } = await start();
    const [early, late] = [await a.channel.seal(b.address, bytes("1")), await a.channel.seal(b.address, bytes("2"))];
    await networkHelpers.mine(maxAgeBlocks);
    await rotate();
    expect((await b.channel.open(early)).epoch).to.equal(1n);
    await networkHelpers.mine(graceBlocks + 1);
    expect(await rejectionCode(b.channel.open(late))).to.equal("ERR_AUTH_EPOCH_STALE");
  });

  it("goes on after a member slept through two rotations", async () => {
    const { a, b, rotate } = await start();
    await b.channel.open(await a.channel.seal(b.address, bytes("awake")));
    for (let rotation = 0; rotation < 2; rotation++) {
      await networkHelpers.mine(maxAgeBlocks);
      await rotate();
    }
    expect((await b.channel.open(await a.channel.seal(b.address, bytes("morning")))).epoch).to.equal(3n);
    expect(b.received.map(([epoch]) => epoch)).to.deep.equal([1n, 3n]);
  });

  it("fails closed when the chain cannot be read", async () => {
    const { a, b, groupAt, member } = await start();
    const chain = new ChainEscrow(ethers.provider, groupAt);
    let down = false;
    const source: EscrowSource = {
      view: () => (down ? Promise.reject(new AffiantError("ERR_UNAVAILABLE_CHAIN", "down")) : chain.view()),
      epoch: (epoch) => chain.epoch(epoch),
    };
    const cut = member(b.address, source);
    await cut.channel.open(await a.channel.seal(b.address, bytes("connected")));
    down = true;
    const message = await a.channel.seal(b.address, bytes("cut off"));
    expect(await rejectionCode(cut.channel.open(message))).to.equal("ERR_UNAVAILABLE_CHAIN_VIEW");
    expect(await rejectionCode(cut.channel.seal(a.address, bytes("x")))).to.equal("ERR_UNAVAILABLE_CHAIN_VIEW");
    down = false;
    expect(text((await cut.channel.open(message)).plaintext)).to.equal("cut off");
  });

  it("fails closed when its endpoint stands still while others go on", async () => {
    const { a, b, groupAt, member } = await start();
    const chain = new ChainEscrow(ethers.provider, groupAt);
    const frozen = await chain.view();
    const slow = member(b.address, { view: async () => frozen, epoch: (epoch) => chain.epoch(epoch) });
    await networkHelpers.mine(3); // as many as may be missing
    expect(text((await slow.channel.open(await a.channel.seal(b.address, bytes("near")))).plaintext)).to.equal("near");
    await networkHelpers.mine(1);
    const message = await a.channel.seal(b.address, bytes("far"));
    expect(await rejectionCode(slow.channel.open(message))).to.equal("ERR_UNAVAILABLE_CHAIN_VIEW");
  });
});

describe("the view of a group", () => {
  it("is asked for again only when it is too old", async () => {
    let [reads, nowMs] = [0, 0];
    const view = { epoch: 1n, current: true, previousAccepted: false, keyCommitment: "0x" as const, blockNumber: 100 };
    const source: EscrowSource = {
      view: async () => ({ ...view, blockNumber: 100 + reads++ }),
      epoch: () => Promise.reject(new Error("not asked")),
    };
    const watch = new GroupWatch({ source, maxAgeMs: 1000, maxLagBlocks: 3, nowMs: () => nowMs });
    await watch.view();
    nowMs = 1000;
    await watch.view();
    expect(reads, "as old as it may be").to.equal(1);
    nowMs = 1001;
    await watch.view();
    expect(reads).to.equal(2);
    await watch.view(104);
    expect(reads, "three blocks behind").to.equal(2);
    expect(await rejectionCode(watch.view(106))).to.equal("ERR_UNAVAILABLE_CHAIN_VIEW");
    expect(reads).to.equal(3);
  });
});

describe("the replay window", () => {
  const sender = `0x${"5e".repeat(20)}`;
  const open = () => new SqliteReplayWindows(":memory:");

  it("takes each number once, and none that is further behind than the window", () => {
    const windows = open();
    const take = (sequence: bigint) => windows.take(1n, sender, "s", sequence);
    expect(take(0n)).to.equal(true);
    expect(take(windowSize)).to.equal(true);
    expect(take(0n), "one past the window").to.equal(false);
    expect(take(1n), "the last in the window").to.equal(true);
    expect(take(1n)).to.equal(false);
    expect(take(2n ** 62n), "a jump").to.equal(true);
    expect(take(windowSize)).to.equal(false);
  });

  it("keeps epochs, senders and sessions apart", () => {
    const windows = open();
    expect(windows.take(1n, sender, "s", 5n)).to.equal(true);
    expect(windows.take(2n, sender, "s", 5n)).to.equal(true);
    expect(windows.take(1n, sender, "t", 5n)).to.equal(true);
    expect(windows.take(1n, `0x${"00".repeat(20)}`, "s", 5n)).to.equal(true);
  });

  it("survives a restart", async () => {
    const { mkdtemp, rm } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const at = await mkdtemp(join(tmpdir(), "affiant-test-"));
    const first = new SqliteReplayWindows(join(at, "channel.db"));
    expect(first.take(1n, sender, "s", 5n)).to.equal(true);
    first.close();
    const second = new SqliteReplayWindows(join(at, "channel.db"));
    expect(second.take(1n, sender, "s", 5n)).to.equal(false);
    second.close();
    await rm(at, { recursive: true });
  });
});
