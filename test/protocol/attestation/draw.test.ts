import { readFileSync } from "node:fs";

import { expect } from "chai";

import { roundOrder } from "../../../protocol/attestation/order.ts";
import { candidateCount, operatorTagOf, panelOf, type RosterEntry } from "../../../protocol/attestation/panel.ts";
import { referenceCommitment } from "../../../protocol/attestation/reference.ts";
import { roundSeed } from "../../../protocol/attestation/seed.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";

interface Vectors {
  seeds: { secret: Hex; blockHash: Hex; rotHead: Hex; round: number; seed: Hex }[];
  references: { agent: string; version: number; measurement: Hex; salt: Hex; commitment: Hex }[];
  rings: {
    seed: Hex;
    size: number;
    ring: number[];
    operators: string[];
    panels: { place: number; verifiers: number[] }[];
  }[];
}

const vectors = JSON.parse(readFileSync("protocol/vectors/attestation.json", "utf8")) as Vectors;
const seedOf = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;

describe("protocol/attestation: the draw", () => {
  it("derives the seeds of the vectors", () => {
    for (const { round, seed, ...parts } of vectors.seeds) {
      expect(roundSeed({ ...parts, round: BigInt(round) })).to.equal(seed);
    }
  });

  it("derives the commitments of the vectors", () => {
    for (const { version, commitment, ...opening } of vectors.references) {
      expect(referenceCommitment({ ...opening, version: BigInt(version) })).to.equal(commitment);
    }
  });

  it("stands the agents where the vectors have them, and finds the way back", () => {
    for (const { seed, size, ring } of vectors.rings) {
      const order = roundOrder(seed, size);
      expect(
        ring.map((_, position) => order.placeAt(position)),
        `${size} agents`,
      ).to.deep.equal(ring);
      expect(ring.map((place) => order.positionOf(place))).to.deep.equal(ring.map((_, position) => position));
    }
  });

  it("draws the verifiers of the vectors", () => {
    for (const { seed, size, operators, panels } of vectors.rings) {
      const roster: RosterEntry[] = operators.map((operator, place) => {
        return { agent: String(place), operatorTag: operatorTagOf(operator) };
      });
      for (const { place, verifiers } of panels) {
        const panel = panelOf(seed, roster, place);
        expect(panel.verifiers.map(Number), `place ${place} of ${size}`).to.deep.equal(verifiers);
        expect(panel.seats).to.equal(Math.max(1, Math.min(3, verifiers.length)));
      }
    }
  });

  it("is a permutation at every size up to 300", () => {
    for (let size = 1; size <= 300; size++) {
      const order = roundOrder(seedOf(size), size);
      const places = new Set(Array.from({ length: size }, (_, position) => order.placeAt(position)));
      expect(places.size).to.equal(size);
    }
  });

  it("draws no self pairs and no reciprocal pairs", () => {
    for (const size of [3, 4, 7, 12, 33, 34]) {
      const order = roundOrder(seedOf(7), size);
      const verified = new Set<string>();
      for (let position = 0; position < size; position++) {
        for (let distance = 1; distance <= candidateCount(size); distance++) {
          verified.add(`${order.placeAt((position + distance) % size)} ${order.placeAt(position)}`);
        }
      }
      for (const pair of verified) {
        const [verifier, target] = pair.split(" ");
        expect(verifier).not.to.equal(target);
        expect(verified.has(`${target} ${verifier}`)).to.equal(false);
      }
    }
  });

  it("draws every other agent about as often: chi-square below the 99.99 % quantile", () => {
    const [size, draws] = [20, 4_000];
    const counts = new Array<number>(size).fill(0);
    for (let n = 0; n < draws; n++) {
      const order = roundOrder(seedOf(n + 1), size);
      const position = order.positionOf(0);
      for (let distance = 1; distance <= 3; distance++) {
        const place = order.placeAt((position + distance) % size);
        counts[place] = (counts[place] ?? 0) + 1;
      }
    }
    expect(counts[0]).to.equal(0);
    const expected = (3 * draws) / (size - 1);
    const chiSquare = counts.slice(1).reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 18 degrees of freedom. The seeds are fixed: this never flickers.
    expect(chiSquare).to.be.below(48.9);
  });
});
