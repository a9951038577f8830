import { expect } from "chai";
import fc from "fast-check";

import { fromHex, type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { CompactRange, peakIds, rootFromLeafHashes } from "../../../protocol/log/compactRange.ts";
import { consistencyProof, consistencyProofRanges, verifyConsistency } from "../../../protocol/log/consistency.ts";
import { emptyRoot, leafHash, nodeHash } from "../../../protocol/log/hash.ts";
import { inclusionProof, inclusionProofRanges, verifyInclusion } from "../../../protocol/log/inclusion.ts";
import { completeSubtrees, type NodeSource } from "../../../protocol/log/subtree.ts";
import { TreeAt } from "../../../protocol/log/treeAt.ts";
import { MTH, numberedLeaves, PATH, PROOF } from "../../../scripts/generate/rfc9162Reference.ts";
import vectors from "../../../protocol/vectors/rfc9162.json" with { type: "json" };

const bytes = (hex: string) => fromHex(hex);
const leaves = numberedLeaves(200);

/** A node source over everything that a compact range reports, and nothing else. */
function grow(count: number): { source: NodeSource; range: CompactRange } {
  const nodes = new Map<string, Uint8Array>();
  const range = new CompactRange();
  for (const leaf of leaves.slice(0, count)) {
    range.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  }
  const source: NodeSource = (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new Error(`node ${level}/${index} is not complete`);
    return hash;
  };
  return { source, range };
}

describe("log hashing (RFC 9162 §2.1.1)", () => {
  // The values that implementations of RFC 6962 publish with their tests; the first two are SHA-256 of "" and of 0x00.
  it("has the published hashes", () => {
    const utf8 = (text: string) => new TextEncoder().encode(text);
    expect(toHex(emptyRoot())).to.equal("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(toHex(leafHash(utf8("")))).to.equal("0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    expect(toHex(leafHash(utf8("L123456")))).to.equal(
      "0x395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
    );
    expect(vectors.roots[8]).to.equal("0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    expect(vectors.roots[7]).to.equal("0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
  });

  it("has the roots and leaf hashes of the vectors", () => {
    const hashes = vectors.leaves.map((leaf) => leafHash(bytes(leaf)));
    expect(hashes.map(toHex)).to.deep.equal(vectors.leafHashes);
    for (const [size, root] of vectors.roots.entries()) {
      expect(toHex(rootFromLeafHashes(hashes.slice(0, size)))).to.equal(root);
    }
  });

  it("does not take an inner node for a leaf, nor turns children around", () => {
    const [a, b] = leaves as [Uint8Array, Uint8Array];
    expect(leafHash(Uint8Array.of(...a, ...b))).not.to.deep.equal(nodeHash(a, b));
    expect(nodeHash(b, a)).not.to.deep.equal(nodeHash(a, b));
  });
});

describe("compact range", () => {
  it("has the reference's root at every size", () => {
    const range = new CompactRange();
    for (let size = 0; size <= 130; size++) {
      expect(range.size).to.equal(size);
      expect(toHex(range.root())).to.equal(toHex(MTH(leaves.slice(0, size))));
      range.append(leaves[size]!);
    }
  });

  it("is restored from its peaks and goes on as if it had never stopped", () => {
    const { range } = grow(107);
    const restored = CompactRange.restore(range.size, range.peaks);
    restored.append(leaves[107]!);
    expect(toHex(restored.root())).to.equal(toHex(MTH(leaves.slice(0, 108))));
    expect(range.size).to.equal(107);
  });

  it("says which nodes its peaks are", () => {
    for (const size of [0, 1, 2, 3, 7, 8, 100, 107]) {
      const { source, range } = grow(size);
      expect(peakIds(size).map(({ level, index }) => toHex(source(level, index)))).to.deep.equal(
        range.peaks.map(toHex),
      );
    }
    expect(peakIds(2 ** 52 + 1)).to.deep.equal([
      { level: 52, index: 0 },
      { level: 0, index: 2 ** 52 },
    ]);
  });

  for (const [what, size, peaks] of [
    ["too few peaks", 3, [leaves[0]!]],
    ["too many peaks", 4, [leaves[0]!, leaves[1]!]],
    ["a peak of 31 bytes", 1, [new Uint8Array(31)]],
    ["a negative size", -1, []],
    ["a size that is no whole number", 0.5, []],
    ["a size that is not exact", 2 ** 53, [leaves[0]!]],
  ] as const) {
    it(`is not restored from ${what}`, () => {
      expect(() => CompactRange.restore(size, peaks))
        .to.throw()
        .with.property("code", "ERR_INPUT_MALFORMED");
    });
  }

  it("tries appends on a copy", () => {
    const { range } = grow(7);
    const before = toHex(range.root());
    range.clone().append(leaves[7]!);
    expect(toHex(range.root())).to.equal(before);
  });
});

describe("proofs from stored nodes", () => {
  const { source } = grow(140);

  it("are those of the reference: inclusion, every leaf of every size", () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        expect(inclusionProof(source, index, size).map(toHex)).to.deep.equal(
          PATH(index, leaves.slice(0, size)).map(toHex),
        );
      }
    }
  });

  it("are those of the reference: consistency, every pair of sizes", () => {
    for (let newSize = 1; newSize <= 70; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        expect(consistencyProof(source, oldSize, newSize).map(toHex)).to.deep.equal(
          PROOF(oldSize, leaves.slice(0, newSize)).map(toHex),
        );
      }
    }
    expect(consistencyProof(source, 0, 9)).to.deep.equal([]);
    expect(consistencyProof(source, 0, 0)).to.deep.equal([]);
  });

  it("are the same from a tree held at one size", () => {
    for (const size of [1, 2, 7, 64, 107, 139]) {
      const tree = new TreeAt(source, size);
      const reference = leaves.slice(0, size);
      expect(toHex(tree.root())).to.equal(toHex(MTH(reference)));
      for (let index = 0; index < size; index++) {
        expect(tree.inclusionProof(index).map(toHex)).to.deep.equal(PATH(index, reference).map(toHex));
        expect(tree.consistencyProof(index + 1).map(toHex)).to.deep.equal(PROOF(index + 1, reference).map(toHex));
      }
    }
    expect(toHex(new TreeAt(source, 0).root())).to.equal(toHex(MTH([])));
  });

  it("read no more than two nodes a level, at any size", () => {
    const count = (ranges: readonly { start: number; end: number }[]) => ranges.flatMap(completeSubtrees).length;
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [small, large] = a < b ? [a, b] : [b, a];
        const limit = 2 * Math.ceil(Math.log2(large + 2));
        expect(count(inclusionProofRanges(small, large + (small === large ? 1 : 0)))).to.be.at.most(limit);
        expect(count(consistencyProofRanges(small, large))).to.be.at.most(limit);
      }),
    );
  });

  it("are refused for what is not there", () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
    ] as const) {
      expect(() => inclusionProof(source, index, size))
        .to.throw()
        .with.property("code", "ERR_INPUT_MALFORMED");
    }
    for (const [from, to] of [
      [6, 5],
      [-1, 5],
      [1, 2 ** 53],
    ] as const) {
      expect(() => consistencyProof(source, from, to))
        .to.throw()
        .with.property("code", "ERR_INPUT_MALFORMED");
    }
  });
});

describe("proof vectors", () => {
  for (const one of vectors.inclusion) {
    it(`inclusion, ${one.name}: ${one.valid ? "holds" : "fails"}`, () => {
      const claim = { ...one, leafHash: bytes(one.leafHash), root: bytes(one.root), proof: one.proof.map(bytes) };
      expect(verifyInclusion(claim)).to.equal(one.valid);
    });
  }
  for (const one of vectors.consistency) {
    it(`consistency, ${one.name}: ${one.valid ? "holds" : "fails"}`, () => {
      const claim = { ...one, oldRoot: bytes(one.oldRoot), newRoot: bytes(one.newRoot), proof: one.proof.map(bytes) };
      expect(verifyConsistency(claim)).to.equal(one.valid);
    });
  }
});

describe("proofs with one field changed", () => {
  const bit = (hash: Uint8Array, at: number) => hash.map((byte, i) => (i === at >> 3 ? byte ^ (1 << (at & 7)) : byte));
  const size = fc.integer({ min: 1, max: leaves.length });
  const inclusionCase = size.chain((n) => fc.tuple(fc.integer({ min: 0, max: n - 1 }), fc.constant(n)));
  const consistencyCase = fc
    .integer({ min: 2, max: leaves.length })
    .chain((n) => fc.tuple(fc.integer({ min: 1, max: n - 1 }), fc.constant(n)));
  const anyBit = fc.integer({ min: 0, max: 255 });

  it("inclusion: none is accepted", () => {
    fc.assert(
      fc.property(inclusionCase, anyBit, fc.nat(), ([index, n], at, pick) => {
        const tree = leaves.slice(0, n);
        const proof = PATH(index, tree);
        const valid = { index, size: n, leafHash: leaves[index]!, proof, root: MTH(tree) };
        expect(verifyInclusion(valid)).to.equal(true);
        const hit = pick % Math.max(1, proof.length);
        const changed = [
          { leafHash: bit(valid.leafHash, at) },
          { leafHash: valid.leafHash.slice(0, 31) },
          { root: bit(valid.root, at) },
          { root: valid.root.slice(1) },
          { proof: [...proof, valid.root] },
          { proof: [valid.leafHash, ...proof] },
          { size: index },
          { size: -n },
          { size: n + 0.5 },
          { index: n + index },
          { index: -1 },
          { index: Number.NaN },
          ...(n > 1 ? [{ index: (index + 1) % n }] : []),
          ...(proof.length > 0
            ? [
                { proof: proof.with(hit, bit(proof[hit]!, at)) },
                { proof: proof.with(hit, proof[hit]!.slice(1)) },
                { proof: proof.toSpliced(hit, 1) },
                { proof: proof.toSpliced(hit, 0, proof[hit]!) },
              ]
            : []),
        ];
        for (const change of changed) expect(verifyInclusion({ ...valid, ...change })).to.equal(false);
      }),
    );
  });

  it("consistency: none is accepted", () => {
    fc.assert(
      fc.property(consistencyCase, anyBit, fc.nat(), ([oldSize, newSize], at, pick) => {
        const tree = leaves.slice(0, newSize);
        const proof = PROOF(oldSize, tree);
        const valid = { oldSize, oldRoot: MTH(tree.slice(0, oldSize)), newSize, newRoot: MTH(tree), proof };
        expect(verifyConsistency(valid)).to.equal(true);
        const hit = pick % proof.length;
        const changed = [
          { oldRoot: bit(valid.oldRoot, at) },
          { oldRoot: valid.oldRoot.slice(1) },
          { newRoot: bit(valid.newRoot, at) },
          { newRoot: valid.newRoot.slice(1) },
          { oldSize: newSize },
          { oldSize: newSize + 1 },
          { oldSize: 0 },
          { oldSize: -1 },
          { newSize: oldSize },
          { newSize: oldSize - 1 },
          { newSize: Number.NaN },
          { proof: proof.with(hit, bit(proof[hit]!, at)) },
          { proof: proof.with(hit, proof[hit]!.slice(1)) },
          { proof: proof.toSpliced(hit, 1) },
          { proof: proof.toSpliced(hit, 0, proof[hit]!) },
          { proof: [...proof, valid.newRoot] },
          { proof: [valid.oldRoot, ...proof] },
        ];
        for (const change of changed) expect(verifyConsistency({ ...valid, ...change })).to.equal(false);
      }),
    );
  });

  it("sizes beyond 32 bits are climbed exactly", () => {
    const size = 2 ** 40 + 3;
    const same: Hex = toHex(leaves[0]!);
    // Leaf 2^40 has its sibling, the leaf after both, and the whole complete subtree on its left.
    const [right, last, left] = leaves.slice(1, 4) as [Uint8Array, Uint8Array, Uint8Array];
    const root = nodeHash(left, nodeHash(nodeHash(bytes(same), right), last));
    const valid = { index: 2 ** 40, size, leafHash: bytes(same), proof: [right, last, left], root };
    expect(verifyInclusion(valid)).to.equal(true);
    expect(verifyInclusion({ ...valid, index: 0 })).to.equal(false);
  });
});
