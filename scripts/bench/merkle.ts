import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { LeanIMT } from "@zk-kit/lean-imt";
import { createHash } from "node:crypto";
import { MerkleTree } from "merkletreejs";

import { toHex } from "../../protocol/encoding/hex.ts";
import { CompactRange } from "../../protocol/log/compactRange.ts";
import { leafHash } from "../../protocol/log/hash.ts";
import { verifyInclusion } from "../../protocol/log/inclusion.ts";
import { TreeAt } from "../../protocol/log/treeAt.ts";
import type { Bench, BenchRow } from "./report.ts";

const leafCount = 100_000;
const proofCount = 1_000;

interface Peer {
  readonly name: string;
  /** Builds the tree over the leaf hashes and gives back how to prove the leaf at an index. */
  build(leaves: readonly Uint8Array[]): (index: number) => unknown;
}

interface Figures {
  readonly buildMs: number;
  readonly proveUs: number;
}

/**
 * The log's tree: every complete node kept by level, as a store does, and the right edge beside it. Each built from the
 * same leaf hashes; then the same thousand leaves are proven. All of it in one process, one after the other.
 */
const ours: Peer = {
  name: "protocol/log",
  build: (leaves) => {
    const levels: Uint8Array[][] = [];
    const range = new CompactRange();
    for (const leaf of leaves) range.append(leaf, (level, index, hash) => ((levels[level] ??= [])[index] = hash));
    range.root();
    const source = (level: number, index: number) => levels[level]?.[index] as Uint8Array;
    const tree = new TreeAt(source, leaves.length);
    return (index) => tree.inclusionProof(index);
  },
};

/** By `node:crypto`, for the peers that bring no hash function of their own. */
const sha256 = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();

const peers: readonly Peer[] = [
  {
    name: "merkletreejs, by leaf",
    build: (leaves) => {
      const tree = new MerkleTree(
        leaves.map((leaf) => Buffer.from(leaf)),
        sha256,
      );
      return (index) => tree.getProof(Buffer.from(leaves[index] as Uint8Array));
    },
  },
  {
    name: "merkletreejs, by leaf and index",
    build: (leaves) => {
      const tree = new MerkleTree(
        leaves.map((leaf) => Buffer.from(leaf)),
        sha256,
      );
      return (index) => tree.getProof(Buffer.from(leaves[index] as Uint8Array), index);
    },
  },
  {
    name: "@openzeppelin/merkle-tree",
    build: (leaves) => {
      const tree = SimpleMerkleTree.of(leaves.map(toHex));
      return (index) => tree.getProof(index);
    },
  },
  {
    name: "@zk-kit/lean-imt",
    build: (leaves) => {
      const tree = new LeanIMT<string>((a, b) => sha256(Buffer.from(a + b, "hex")).toString("hex"));
      tree.insertMany(leaves.map((leaf) => toHex(leaf).slice(2)));
      return (index) => tree.generateProof(index);
    },
  },
];

export const bench: Bench = () => {
  const leaves = Array.from({ length: leafCount }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
  checkProofs(leaves);
  const mine = measure(ours, leaves);
  const rows = peers.flatMap((peer): BenchRow[] => {
    const theirs = measure(peer, leaves);
    return [
      figure(`build, ${leafCount} leaves`, mine.buildMs, "ms", peer.name, theirs.buildMs),
      figure("prove one leaf", mine.proveUs, "µs", peer.name, theirs.proveUs),
    ];
  });
  const notes = [
    "The leaves are hashed beforehand for all. merkletreejs and LeanIMT hash with node:crypto, OpenZeppelin's tree with its own keccak256, protocol/log with its portable SHA-256.",
    "merkletreejs and LeanIMT keep the order of leaves; OpenZeppelin's tree sorts pairs and leaves. None of the three is the tree of RFC 9162.",
  ];
  return Promise.resolve({ rows, notes });
};

/** What is measured must be right: some of the proofs are verified first. */
function checkProofs(leaves: readonly Uint8Array[]): void {
  const prove = ours.build(leaves) as (index: number) => Uint8Array[];
  const range = new CompactRange();
  for (const leaf of leaves) range.append(leaf);
  for (let i = 0; i < 100; i++) {
    const index = (i * 7919) % leaves.length;
    const claim = {
      index,
      size: leaves.length,
      leafHash: leaves[index] as Uint8Array,
      proof: prove(index),
      root: range.root(),
    };
    if (!verifyInclusion(claim)) throw new Error(`the proof of leaf ${index} does not verify`);
  }
}

function measure(peer: Peer, leaves: readonly Uint8Array[]): Figures {
  const start = performance.now();
  const prove = peer.build(leaves);
  const built = performance.now();
  for (let i = 0; i < proofCount; i++) prove((i * 7919) % leaves.length);
  const proven = performance.now();
  return { buildMs: built - start, proveUs: ((proven - built) * 1000) / proofCount };
}

function figure(name: string, ours: number, unit: string, peer: string, theirs: number): BenchRow {
  const rounded = (value: number) => Number(value.toPrecision(3));
  return { name, value: rounded(ours), unit, peer: { name: peer, value: rounded(theirs), source: "run" } };
}
