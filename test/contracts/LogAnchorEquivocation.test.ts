import { expect } from "chai";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ed25519 } from "@noble/curves/ed25519.js";
import { hexlify, SigningKey, Wallet } from "ethers";
import { network } from "hardhat";

import { toHex } from "../../protocol/encoding/hex.ts";
import { formatCheckpoint } from "../../protocol/log/checkpoint.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { checkpointDigest, operatorNoteSigner, signedCheckpointOf } from "../../protocol/log/operatorNote.ts";
import { signNote } from "../../protocol/log/signedNote.ts";
import { MTH, numberedLeaves, PROOF } from "../../scripts/generate/rfc9162Reference.ts";

const { ethers, networkHelpers } = await network.create();

const origin = "log.example/main";
const logId = logIdOf(origin);
const noteKey = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(1)));
const latestRoot = 2n ** 256n - 1n;
const zero = ethers.ZeroAddress;

const leaves = numberedLeaves(30);
/** Another history from leaf 6 on. */
const forked = [...leaves.slice(0, 6), ...numberedLeaves(24, "forged")];
const rootOf = (size: number, of = leaves) => toHex(MTH(of.slice(0, size)));
const growth = (from: number, to: number, of = leaves) => PROOF(from, of.slice(0, to)).map(toHex);

async function fixture() {
  const [funder, stranger, next] = (await ethers.getSigners()) as [
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
  ];
  const operator = new Wallet(`0x${"42".repeat(32)}`, ethers.provider);
  await funder.sendTransaction({ to: operator.address, value: ethers.parseEther("1") });
  const anchors = (await ethers.deployContract("LogAnchor", funder)).connect(operator);
  await anchors.registerLog(origin, noteKey);
  await anchors.anchor(logId, 9, rootOf(9), []);
  await anchors.advance(logId, 14, rootOf(14), growth(9, 14));
  const { chainId } = await ethers.provider.getNetwork();
  const logAnchor = await anchors.getAddress();

  /** The statement as a relayer writes it into a note, and as a reader takes it out again. */
  const stated = (size: number, of: readonly Uint8Array[] = leaves, key = `0x${"42".repeat(32)}`) => {
    const signer = new SigningKey(key);
    const operatorKey = { chainId, logAnchor, operator: new Wallet(key).address };
    const text = formatCheckpoint({ origin, size, root: MTH(of.slice(0, size)) });
    const sign = (digest: string) => ethers.getBytes(signer.sign(digest).serialized);
    const note = signNote(text, operatorNoteSigner(origin, operatorKey, sign));
    return signedCheckpointOf(note, origin, operatorKey)!;
  };
  return { anchors, operator, stranger, next, chainId, logAnchor, stated };
}

const load = () => networkHelpers.loadFixture(fixture);

describe("LogAnchor: equivocation", () => {
  it("signs the digest that protocol/log signs", async () => {
    const { anchors, chainId, logAnchor } = await load();
    const checkpoint = { origin, size: 9, root: MTH(leaves.slice(0, 9)) };
    expect(await anchors.checkpointDigest(logId, 9, rootOf(9))).to.equal(
      checkpointDigest({ chainId, logAnchor }, checkpoint),
    );
  });

  it("convicts of two roots at one size, reported by anyone", async () => {
    const { anchors, operator, stranger, stated } = await load();
    const [a, b] = [stated(20), stated(20, forked)];
    const tx = await anchors.connect(stranger).reportEquivocation(logId, a, b, b.root, []);
    await expect(tx).to.emit(anchors, "EquivocationReported").withArgs(logId, 0, stranger.address);
    expect(await anchors.equivocationCount(logId)).to.equal(1n);
    expect(await anchors.equivocationAt(logId, 0)).to.deep.equal([
      operator.address,
      20n,
      operator.address,
      20n,
      BigInt(tx.blockNumber!),
      a.root,
      b.root,
    ]);
  });

  it("convicts of two roots at two sizes, neither signed twice", async () => {
    const { anchors, operator, stated } = await load();
    const [a, b] = [stated(17), stated(25, forked)];
    const inLarger = rootOf(17, forked);
    await anchors.reportEquivocation(logId, a, b, inLarger, growth(17, 25, forked));
    const found = await anchors.equivocationAt(logId, 0);
    expect([found.smallerSigner, found.smallerSize, found.smallerRoot]).to.deep.equal([operator.address, 17n, a.root]);
    expect([found.largerSigner, found.largerSize, found.largerRoot]).to.deep.equal([operator.address, 25n, b.root]);
  });

  for (const [what, index, size] of [
    ["a record", 0n, 9],
    ["the latest root", latestRoot, 14],
  ] as const) {
    it(`convicts of a checkpoint against ${what}: of its size, below and above it`, async () => {
      const { anchors, operator, stated } = await load();
      const report = (signed: unknown, root: string, proof: string[]) =>
        anchors.reportEquivocationAgainstAnchor(logId, signed as never, index, root, proof);
      await report(stated(size, forked), rootOf(size), []);
      await report(stated(size - 1, forked), rootOf(size - 1), growth(size - 1, size));
      await report(stated(size + 5, forked), rootOf(size, forked), growth(size, size + 5, forked));
      const found = await Promise.all([0, 1, 2].map((i) => anchors.equivocationAt(logId, i)));
      expect(found.map((one) => [one.smallerSigner, one.smallerSize, one.largerSigner, one.largerSize])).to.deep.equal([
        [operator.address, BigInt(size), zero, BigInt(size)],
        [operator.address, BigInt(size - 1), zero, BigInt(size)],
        [zero, BigInt(size), operator.address, BigInt(size + 5)],
      ]);
    });
  }

  it("never convicts of checkpoints that agree", async () => {
    const { anchors, stated } = await load();
    await expect(anchors.reportEquivocation(logId, stated(17), stated(25), rootOf(17), growth(17, 25)))
      .to.be.revertedWithCustomError(anchors, "NoEquivocation")
      .withArgs(17, 25);
    await expect(anchors.reportEquivocation(logId, stated(20), stated(20), rootOf(20), []))
      .to.be.revertedWithCustomError(anchors, "NoEquivocation")
      .withArgs(20, 20);
    await expect(anchors.reportEquivocation(logId, stated(17), stated(25), rootOf(17, forked), growth(17, 25)))
      .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
      .withArgs(17, 25);
    await expect(anchors.reportEquivocation(logId, stated(20), stated(20), rootOf(20, forked), []))
      .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
      .withArgs(20, 20);
    await expect(anchors.reportEquivocationAgainstAnchor(logId, stated(9), 0, rootOf(9, forked), []))
      .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
      .withArgs(9, 9);
    await expect(anchors.reportEquivocationAgainstAnchor(logId, stated(9), 1, rootOf(9), []))
      .to.be.revertedWithCustomError(anchors, "UnknownAnchor")
      .withArgs(1, 1);
    expect(await anchors.equivocationCount(logId)).to.equal(0n);
  });

  it("convicts of a non-empty empty tree", async () => {
    const { anchors, operator, stated } = await load();
    const { signature: _, ...unsigned } = { ...stated(0), root: rootOf(3) };
    const digest = await anchors.checkpointDigest(logId, 0, unsigned.root);
    const signature = operator.signingKey.sign(digest).serialized;
    await anchors.reportEquivocationAgainstAnchor(logId, { ...unsigned, signature }, 0, rootOf(0), []);
    expect((await anchors.equivocationAt(logId, 0)).smallerRoot).to.equal(rootOf(3));
  });

  it("wants the smaller checkpoint first", async () => {
    const { anchors, stated } = await load();
    await expect(anchors.reportEquivocation(logId, stated(25, forked), stated(17), rootOf(17), []))
      .to.be.revertedWithCustomError(anchors, "CheckpointsOutOfOrder")
      .withArgs(25, 17);
  });

  it("takes one report once", async () => {
    const { anchors, stated } = await load();
    const [a, b] = [stated(20), stated(20, forked)];
    await anchors.reportEquivocation(logId, a, b, b.root, []);
    await expect(anchors.reportEquivocation(logId, a, b, b.root, []))
      .to.be.revertedWithCustomError(anchors, "AlreadyReported")
      .withArgs(logId, 0);
  });

  it("holds nobody to what another signed", async () => {
    const { anchors, operator, stranger, stated } = await load();
    const [a, b] = [stated(20), stated(20, forked)];
    const forger = `0x${"43".repeat(32)}`;
    const forged = stated(20, forked, forger);
    await expect(anchors.reportEquivocation(logId, a, forged, forged.root, []))
      .to.be.revertedWithCustomError(anchors, "SignerNeverOperator")
      .withArgs(logId, new Wallet(forger).address);
    await expect(anchors.reportEquivocation(logId, a, { ...forged, signer: operator.address }, forged.root, []))
      .to.be.revertedWithCustomError(anchors, "InvalidCheckpointSignature")
      .withArgs(operator.address, 20, forged.root);
    const fields = [
      { ...b, size: 21 },
      { ...b, root: rootOf(21, forked) },
      { ...b, signature: hexlify(ethers.getBytes(b.signature).with(40, 7)) },
      { ...b, signature: "0x" },
    ];
    for (const changed of fields) {
      await expect(anchors.connect(stranger).reportEquivocation(logId, a, changed, changed.root, []))
        .to.be.revertedWithCustomError(anchors, "InvalidCheckpointSignature")
        .withArgs(operator.address, changed.size, changed.root);
    }
  });

  it("holds a former operator to what it signed, up to the size it handed over", async () => {
    const { anchors, operator, next, stated } = await load();
    await anchors.offerOperator(logId, next.address);
    await anchors.connect(next).acceptOperator(logId);
    await anchors.connect(next).advance(logId, 20, rootOf(20), growth(14, 20));
    await anchors.reportEquivocationAgainstAnchor(logId, stated(14, forked), latestRoot, rootOf(14), growth(14, 20));
    const found = await anchors.equivocationAt(logId, 0);
    expect([found.smallerSigner, found.smallerSize]).to.deep.equal([operator.address, 14n]);
    expect(await anchors.handoverSizesOf(logId)).to.deep.equal([0n, 14n]);
  });

  it("hears no lie of a former operator about what came after it", async () => {
    const { anchors, operator, next, stated } = await load();
    await anchors.offerOperator(logId, next.address);
    await anchors.connect(next).acceptOperator(logId);
    await anchors.connect(next).advance(logId, 20, rootOf(20), growth(14, 20));
    const refused = (call: Promise<unknown>, size: number) =>
      expect(call)
        .to.be.revertedWithCustomError(anchors, "StatementAfterHandover")
        .withArgs(operator.address, size, 14);
    const against = (size: number, root: string, proof: string[]) =>
      anchors.reportEquivocationAgainstAnchor(logId, stated(size, forked), latestRoot, root, proof);
    await refused(against(15, rootOf(15), growth(15, 20)), 15);
    await refused(against(20, rootOf(20), []), 20);
    await refused(against(25, rootOf(20, forked), growth(20, 25, forked)), 25);
    const two = anchors.reportEquivocation(logId, stated(20), stated(20, forked), rootOf(20, forked), []);
    await refused(two, 20);
    const mixed = anchors.reportEquivocation(logId, stated(14), stated(25, forked), rootOf(14, forked), []);
    await refused(mixed, 25);
    expect(await anchors.equivocationCount(logId)).to.equal(0n);
  });

  it("hears an operator that came back about all that it may anchor, and the one between up to where it left", async () => {
    const { anchors, operator, next, stated } = await load();
    const between = new Wallet(`0x${"44".repeat(32)}`, ethers.provider);
    await next.sendTransaction({ to: between.address, value: ethers.parseEther("1") });
    const handOver = async (from: Wallet, to: Wallet) => {
      await anchors.connect(from).offerOperator(logId, to.address);
      await anchors.connect(to).acceptOperator(logId);
    };
    await handOver(operator, between);
    await anchors.connect(between).advance(logId, 17, rootOf(17), growth(14, 17));
    await handOver(between, operator);
    const report = (size: number, key: string) =>
      anchors.reportEquivocationAgainstAnchor(
        logId,
        stated(size, forked, key),
        latestRoot,
        rootOf(17, forked),
        growth(17, size, forked),
      );
    await expect(report(18, between.privateKey))
      .to.be.revertedWithCustomError(anchors, "StatementAfterHandover")
      .withArgs(between.address, 18, 17);
    await report(18, operator.privateKey);
    expect((await anchors.equivocationAt(logId, 0)).largerSigner).to.equal(operator.address);
    expect(await anchors.handoverSizesOf(logId)).to.deep.equal([0n, 14n, 17n]);
  });

  it("knows no report that was not made", async () => {
    const { anchors } = await load();
    await expect(anchors.equivocationAt(logId, 0))
      .to.be.revertedWithCustomError(anchors, "UnknownEquivocation")
      .withArgs(0, 0);
  });
});
