import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import type { Signer } from "ethers";
import { network } from "hardhat";

import { logAnchorDomain, logAnchorTypes } from "../../protocol/eip712/logAnchor.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { MTH, numberedLeaves, PATH, PROOF } from "../../scripts/generate/rfc9162Reference.ts";

const { ethers, networkHelpers } = await network.create();

const origin = "log.example/main";
const logId = logIdOf(origin);
const noteKey = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(1)));
const otherNoteKey = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(2)));
const latestRoot = 2n ** 256n - 1n;

const leaves = numberedLeaves(40);
const forkedLeaves = [...leaves.slice(0, 4), ...numberedLeaves(36, "forged")];
const rootOf = (size: number, of = leaves) => toHex(MTH(of.slice(0, size)));
const growth = (from: number, to: number, of = leaves) =>
  from === 0 || from === to ? [] : PROOF(from, of.slice(0, to)).map(toHex);

async function empty() {
  const [operator, other, next, reporter] = await ethers.getSigners();
  const anchors = await ethers.deployContract("LogAnchor", operator!);
  await anchors.registerLog(origin, noteKey);
  const { chainId } = await ethers.provider.getNetwork();
  const domain = logAnchorDomain(chainId, await anchors.getAddress());
  const signed = async (signer: Signer, size: number, root: string) => ({
    signer: await signer.getAddress(),
    size,
    root,
    signature: await signer.signTypedData(domain, signerTypes(logAnchorTypes, "Checkpoint"), { logId, size, root }),
  });
  return { anchors, operator: operator!, other: other!, next: next!, reporter: reporter!, signed };
}

/** Records over 5, 8 and 13 leaves; the latest root, over 21, is not recorded. */
async function grown() {
  const world = await empty();
  let at = 0;
  for (const size of [5, 8, 13]) {
    await world.anchors.anchor(logId, size, rootOf(size), growth(at, size));
    at = size;
  }
  await world.anchors.advance(logId, 21, rootOf(21), growth(13, 21));
  return world;
}

const loadEmpty = () => networkHelpers.loadFixture(empty);
const load = () => networkHelpers.loadFixture(grown);

describe("LogAnchor: registering a log", () => {
  it("gives the id that protocol/log computes, and an empty tree", async () => {
    const { anchors, operator } = await loadEmpty();
    const block = await ethers.provider.getBlockNumber();
    expect(await anchors.logOf(logId)).to.deep.equal([operator.address, noteKey, origin, BigInt(block)]);
    expect(await anchors.latest(logId)).to.deep.equal([0n, toHex(MTH([])), BigInt(block), 0n]);
  });

  it("refuses a second log of one origin", async () => {
    const { anchors, other } = await loadEmpty();
    await expect(anchors.connect(other).registerLog(origin, otherNoteKey))
      .to.be.revertedWithCustomError(anchors, "LogExists")
      .withArgs(logId);
  });

  it("takes exactly the origins that protocol/log takes", async () => {
    const { anchors } = await loadEmpty();
    const longest = "o".repeat(255);
    await anchors.registerLog(longest, noteKey);
    expect((await anchors.logOf(logIdOf(longest))).origin).to.equal(longest);
    for (const [bad, position, char] of [
      ["log example", 3n, "0x20"],
      ["log+example", 3n, "0x2b"],
      ["log\n", 3n, "0x0a"],
      ["log\u007f", 3n, "0x7f"],
      ["logé", 3n, "0xc3"],
    ] as const) {
      expect(() => logIdOf(bad))
        .to.throw()
        .with.property("code", "ERR_INPUT_NOTE");
      await expect(anchors.registerLog(bad, noteKey))
        .to.be.revertedWithCustomError(anchors, "OriginCharacter")
        .withArgs(position, char);
    }
    for (const bad of ["", `${longest}o`]) {
      expect(() => logIdOf(bad))
        .to.throw()
        .with.property("code", "ERR_INPUT_NOTE");
      await expect(anchors.registerLog(bad, noteKey))
        .to.be.revertedWithCustomError(anchors, "OriginLength")
        .withArgs(bad.length, 255);
    }
  });

  it("refuses a note key that cannot be one", async () => {
    const { anchors } = await loadEmpty();
    await expect(anchors.registerLog("log.example/2", ethers.ZeroHash))
      .to.be.revertedWithCustomError(anchors, "NoteKeyNotAcceptable")
      .withArgs(ethers.ZeroHash);
  });

  it("knows no log that was not registered", async () => {
    const { anchors } = await loadEmpty();
    const unknown = logIdOf("log.example/unknown");
    for (const ask of [
      () => anchors.latest(unknown),
      () => anchors.logOf(unknown),
      () => anchors.anchorAt(unknown, 0),
      () => anchors.firstAnchorCovering(unknown, 0),
      () => anchors.keep(unknown),
      () => anchors.operatorsOf(unknown),
      () => anchors.handoverSizesOf(unknown),
      () => anchors.noteKeysOf(unknown),
      () => anchors.equivocationCount(unknown),
      () => anchors.acceptOperator(unknown),
      () => anchors.advance(unknown, 1, rootOf(1), []),
      () => anchors.verifyInclusion(unknown, 0, rootOf(1), 0, []),
    ]) {
      await expect(ask()).to.be.revertedWithCustomError(anchors, "UnknownLog").withArgs(unknown);
    }
  });
});

describe("LogAnchor: anchoring", () => {
  for (const name of ["anchor", "advance"] as const) {
    it(`${name}: from every size to every larger one`, async () => {
      const { anchors } = await loadEmpty();
      for (let from = 0; from < 18; from++) {
        const start = await networkHelpers.takeSnapshot();
        if (from > 0) await anchors.advance(logId, from, rootOf(from), []);
        for (let to = from + 1; to <= 18; to++) {
          const before = await networkHelpers.takeSnapshot();
          await expect(anchors[name](logId, to, rootOf(to), growth(from, to))).to.emit(anchors, "Anchored");
          expect((await anchors.latest(logId)).root).to.equal(rootOf(to));
          await before.restore();
        }
        await start.restore();
      }
    });

    it(`${name}: is for the operator alone`, async () => {
      const { anchors, operator, other } = await load();
      await expect(anchors.connect(other)[name](logId, 30, rootOf(30), growth(21, 30)))
        .to.be.revertedWithCustomError(anchors, "NotOperator")
        .withArgs(logId, other.address, operator.address);
    });

    it(`${name}: has an error of its own for each wrong size`, async () => {
      const { anchors } = await load();
      await expect(anchors[name](logId, 20, rootOf(20), []))
        .to.be.revertedWithCustomError(anchors, "SizeNotLarger")
        .withArgs(20, 21);
      await expect(anchors[name](logId, 21, rootOf(20), []))
        .to.be.revertedWithCustomError(anchors, "EqualSizeOtherRoot")
        .withArgs(21, rootOf(20), rootOf(21));
      await expect(anchors[name](logId, 21, rootOf(21), []))
        .to.be.revertedWithCustomError(anchors, "AlreadyAnchored")
        .withArgs(21);
      await expect(anchors[name](logId, 2n ** 48n, rootOf(22), []))
        .to.be.revertedWithCustomError(anchors, "SizeTooLarge")
        .withArgs(2n ** 48n, 2n ** 48n - 1n);
    });

    it(`${name}: refuses every wrong proof`, async () => {
      const { anchors } = await load();
      const proof = growth(21, 30);
      const refused = async (root: string, wrong: string[]) =>
        expect(anchors[name](logId, 30, root, wrong))
          .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
          .withArgs(21, 30);
      for (const [i, hash] of proof.entries()) {
        const flipped = toHex(ethers.getBytes(hash).map((byte, at) => (at === i % 32 ? byte ^ 1 : byte)));
        await refused(rootOf(30), proof.with(i, flipped));
      }
      await refused(rootOf(30), proof.slice(0, -1));
      await refused(rootOf(30), proof.slice(1));
      await refused(rootOf(30), [...proof, proof[0]!]);
      await refused(rootOf(30), [rootOf(21), ...proof]);
      await refused(rootOf(30), []);
      await refused(rootOf(29), proof);
      await anchors[name](logId, 30, rootOf(30), proof);
    });
  }

  it("cannot anchor a rewritten history, even with the forged tree's own proof", async () => {
    const { anchors } = await load();
    await expect(anchors.anchor(logId, 30, rootOf(30, forkedLeaves), growth(21, 30, forkedLeaves)))
      .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
      .withArgs(21, 30);
  });

  it("takes no size 0 and no proof from the empty tree", async () => {
    const { anchors } = await loadEmpty();
    await expect(anchors.anchor(logId, 0, rootOf(0), []))
      .to.be.revertedWithCustomError(anchors, "SizeNotLarger")
      .withArgs(0, 0);
    await expect(anchors.anchor(logId, 2, rootOf(2), [rootOf(1)]))
      .to.be.revertedWithCustomError(anchors, "InvalidConsistencyProof")
      .withArgs(0, 2);
  });

  it("links each event to the one before", async () => {
    const { anchors } = await load();
    const { blockNumber } = await anchors.latest(logId);
    const tx = await anchors.advance(logId, 30, rootOf(30), growth(21, 30));
    await expect(tx).to.emit(anchors, "Anchored").withArgs(logId, 30, rootOf(30), blockNumber);
    await expect(tx).not.to.emit(anchors, "AnchorKept");
    expect((await anchors.latest(logId)).blockNumber).to.equal(BigInt(tx.blockNumber!));
  });
});

describe("LogAnchor: records", () => {
  it("keeps every anchor with its size, root and block", async () => {
    const { anchors } = await load();
    const { blockNumber, anchorCount } = await anchors.latest(logId);
    expect(anchorCount).to.equal(3n);
    for (const [index, size] of [5, 8, 13].entries()) {
      const expected = [BigInt(size), rootOf(size), blockNumber - BigInt(3 - index)];
      expect(await anchors.anchorAt(logId, index)).to.deep.equal(expected);
    }
    for (const index of [3n, latestRoot]) {
      await expect(anchors.anchorAt(logId, index))
        .to.be.revertedWithCustomError(anchors, "UnknownAnchor")
        .withArgs(index, 3);
    }
  });

  it("stores an advanced root when anyone asks for it, with the block it was anchored in", async () => {
    const { anchors, other } = await load();
    const { blockNumber } = await anchors.latest(logId);
    await networkHelpers.mine(5);
    await expect(anchors.connect(other).keep(logId)).to.emit(anchors, "AnchorKept").withArgs(logId, 3, 21);
    expect(await anchors.anchorAt(logId, 3)).to.deep.equal([21n, rootOf(21), blockNumber]);
    await expect(anchors.keep(logId)).to.be.revertedWithCustomError(anchors, "AlreadyKept").withArgs(3);
  });

  it("has nothing to keep before the first anchor", async () => {
    const { anchors } = await loadEmpty();
    await expect(anchors.keep(logId)).to.be.revertedWithCustomError(anchors, "NothingAnchored").withArgs(logId);
  });

  it("finds the first record that covers a leaf", async () => {
    const { anchors } = await load();
    const covering = await Promise.all(
      Array.from({ length: 13 }, (_, leaf) => anchors.firstAnchorCovering(logId, leaf)),
    );
    expect(covering).to.deep.equal([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2].map(BigInt));
    await expect(anchors.firstAnchorCovering(logId, 13))
      .to.be.revertedWithCustomError(anchors, "NoAnchorCovers")
      .withArgs(13, 13);
  });

  it("finds none when there is none", async () => {
    const { anchors } = await loadEmpty();
    await expect(anchors.firstAnchorCovering(logId, 0))
      .to.be.revertedWithCustomError(anchors, "NoAnchorCovers")
      .withArgs(0, 0);
  });

  it("verifies inclusion and consistency against records and the latest root", async () => {
    const { anchors } = await load();
    for (const [anchorIndex, size] of [
      [0n, 5],
      [2n, 13],
      [latestRoot, 21],
    ] as const) {
      const tree = leaves.slice(0, size);
      const hash = toHex(leaves[3]!);
      const proof = PATH(3, tree).map(toHex);
      expect(await anchors.verifyInclusion(logId, anchorIndex, hash, 3, proof)).to.equal(true);
      expect(await anchors.verifyInclusion(logId, anchorIndex, hash, 2, proof)).to.equal(false);
      expect(await anchors.verifyConsistency(logId, anchorIndex, 3, rootOf(3), growth(3, size))).to.equal(true);
      expect(await anchors.verifyConsistency(logId, anchorIndex, 3, rootOf(2), growth(3, size))).to.equal(false);
    }
    await expect(anchors.verifyInclusion(logId, 3, rootOf(1), 0, []))
      .to.be.revertedWithCustomError(anchors, "UnknownAnchor")
      .withArgs(3, 3);
  });
});

describe("LogAnchor: keys and operators", () => {
  it("changes hands in two steps and remembers who operated it", async () => {
    const { anchors, operator, other, next } = await load();
    await expect(anchors.connect(next).acceptOperator(logId))
      .to.be.revertedWithCustomError(anchors, "NotOfferedOperator")
      .withArgs(logId, next.address, ethers.ZeroAddress);
    await expect(anchors.connect(other).offerOperator(logId, other.address))
      .to.be.revertedWithCustomError(anchors, "NotOperator")
      .withArgs(logId, other.address, operator.address);
    await expect(anchors.offerOperator(logId, next.address))
      .to.emit(anchors, "OperatorOffered")
      .withArgs(logId, operator.address, next.address);
    expect(await anchors.offeredOperatorOf(logId)).to.equal(next.address);
    expect((await anchors.logOf(logId)).operator).to.equal(operator.address);
    await expect(anchors.connect(other).acceptOperator(logId))
      .to.be.revertedWithCustomError(anchors, "NotOfferedOperator")
      .withArgs(logId, other.address, next.address);
    const tx = await anchors.connect(next).acceptOperator(logId);
    await expect(tx).to.emit(anchors, "OperatorChanged").withArgs(logId, operator.address, next.address);

    const { registeredAtBlock } = await anchors.logOf(logId);
    expect(await anchors.operatorsOf(logId)).to.deep.equal([
      [operator.address, next.address],
      [registeredAtBlock, BigInt(tx.blockNumber!)],
    ]);
    expect(await anchors.handoverSizesOf(logId)).to.deep.equal([0n, 21n]);
    expect(await anchors.offeredOperatorOf(logId)).to.equal(ethers.ZeroAddress);
    await anchors.connect(next).anchor(logId, 30, rootOf(30), growth(21, 30));
    await expect(anchors.anchor(logId, 31, rootOf(31), growth(30, 31)))
      .to.be.revertedWithCustomError(anchors, "NotOperator")
      .withArgs(logId, operator.address, next.address);
  });

  it("withdraws an offer", async () => {
    const { anchors, next } = await load();
    await anchors.offerOperator(logId, next.address);
    await anchors.offerOperator(logId, ethers.ZeroAddress);
    await expect(anchors.connect(next).acceptOperator(logId))
      .to.be.revertedWithCustomError(anchors, "NotOfferedOperator")
      .withArgs(logId, next.address, ethers.ZeroAddress);
  });

  it("changes the note key and keeps the earlier ones", async () => {
    const { anchors, operator, other } = await load();
    await expect(anchors.connect(other).changeNoteKey(logId, otherNoteKey))
      .to.be.revertedWithCustomError(anchors, "NotOperator")
      .withArgs(logId, other.address, operator.address);
    await expect(anchors.changeNoteKey(logId, noteKey))
      .to.be.revertedWithCustomError(anchors, "NoteKeyUnchanged")
      .withArgs(noteKey);
    await expect(anchors.changeNoteKey(logId, ethers.ZeroHash))
      .to.be.revertedWithCustomError(anchors, "NoteKeyNotAcceptable")
      .withArgs(ethers.ZeroHash);
    const tx = await anchors.changeNoteKey(logId, otherNoteKey);
    await expect(tx).to.emit(anchors, "NoteKeyChanged").withArgs(logId, noteKey, otherNoteKey);
    const { noteKey: current, registeredAtBlock } = await anchors.logOf(logId);
    expect(current).to.equal(otherNoteKey);
    expect(await anchors.noteKeysOf(logId)).to.deep.equal([
      [noteKey, otherNoteKey],
      [registeredAtBlock, BigInt(tx.blockNumber!)],
    ]);
  });
});
