import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Base8, mulPointEscalar, r as zkKitOrder, subOrder } from "@zk-kit/baby-jubjub";
import { expect } from "chai";
import { buildBabyjub, buildPoseidon } from "circomlibjs";

import {
  scalarFieldOrder as r,
  subgroupBits,
  subgroupGenerator,
  subgroupOrder as l,
} from "../../protocol/zk/fields.ts";
import { commitmentOf, privateKeyFromSeed, privateKeySeedLength, publicKeyOf } from "../../protocol/zk/identityKey.ts";
import { publicSignalTable } from "../../protocol/zk/publicSignals.ts";
import { root } from "../../circuits/setup/compile.ts";
import { brokenConstraints, compileForTest, type TestCircuit } from "../helpers/circuit.ts";
import { rejection } from "../helpers/rejection.ts";

const keys = [1n, 2n, 7n, 8n, 9n, (1n << 248n) + 5n, 1n << 249n, (1n << 250n) - 1n, 1n << 250n, l - 2n, l - 1n];

describe("circuits/key-ownership", () => {
  let circuit: TestCircuit;
  let independentCommitment: (privateKey: bigint) => bigint;

  before(async () => {
    circuit = await compileForTest("circuits/key-ownership.circom");
    const [babyjub, poseidon] = await Promise.all([buildBabyjub(), buildPoseidon()]);
    independentCommitment = (privateKey) => {
      const point = babyjub.mulPointEscalar(babyjub.Base8, privateKey);
      return BigInt(poseidon.F.toString(poseidon(point)));
    };
  });

  const witness = (privateKey: bigint, commitment: bigint, action = 42n) =>
    circuit.witness({ privateKey, commitment, action });

  it("has the size that is on record", async () => {
    const recorded = JSON.parse(await readFile(join(root, "snapshots/circuits.json"), "utf8"));
    const { nConstraints, nVars, nPubInputs, nPrvInputs, nOutputs } = circuit.r1cs;
    expect(recorded["key-ownership"]).to.deep.equal({
      constraints: nConstraints,
      wires: nVars,
      publicInputs: nPubInputs,
      privateInputs: nPrvInputs,
      outputs: nOutputs,
    });
    expect(nConstraints).to.be.at.most(1_800);
  });

  it("has its public signals in the order of the table", () => {
    const names = publicSignalTable["key-ownership"].map((name) => `main.${name}`);
    expect(names.map((name) => circuit.wireOf.get(name))).to.deep.equal([1, 2]);
  });

  it("shares its numbers with independent libraries", () => {
    expect(l).to.equal(subOrder);
    expect(r).to.equal(zkKitOrder);
    expect([subgroupGenerator.x, subgroupGenerator.y]).to.deep.equal(Base8);
    expect(l >> BigInt(subgroupBits - 1)).to.equal(1n);
  });

  it("accepts each private key with the commitment that independent libraries compute, and with no other", async () => {
    for (const privateKey of keys) {
      const commitment = independentCommitment(privateKey);
      expect(commitmentOf(privateKey)).to.equal(commitment);
      const { x, y } = publicKeyOf(privateKey);
      expect([x, y]).to.deep.equal(mulPointEscalar(Base8, privateKey));
      const wires = await witness(privateKey, commitment);
      expect(wires.slice(0, 3)).to.deep.equal([1n, commitment, 42n]);
      expect(brokenConstraints(circuit.r1cs, wires)).to.deep.equal([]);
      expect(String(await rejection(witness(privateKey, commitment + 1n)))).to.match(/Error in template KeyOwnership/);
    }
  });

  it("accepts random private keys", async () => {
    for (let i = 0; i < 8; i++) {
      const seed = Uint8Array.from({ length: privateKeySeedLength }, (_, j) => (i * 57 + j * 31 + 11) % 256);
      const privateKey = privateKeyFromSeed(seed);
      const wires = await witness(privateKey, independentCommitment(privateKey));
      expect(brokenConstraints(circuit.r1cs, wires)).to.deep.equal([]);
    }
  });

  it("rejects every private key outside [1, l), though its commitment is that of one inside", async () => {
    const same = independentCommitment(5n);
    // 5 + l is below 2^251; 5 + 7l is the largest that is below r. BabyPbk takes six of these.
    for (let k = 1n; k <= 7n; k++) {
      expect(String(await rejection(witness(5n + k * l, same))), `5 + ${k}l`).to.match(/Error in template/);
    }
    const outside: readonly [string, bigint, bigint][] = [
      ["l", l, independentCommitment(0n)],
      ["l + 1", l + 1n, independentCommitment(1n)],
      ["2^251 - 1", (1n << 251n) - 1n, independentCommitment((1n << 251n) - 1n - l)],
      ["2^251", 1n << 251n, independentCommitment((1n << 251n) % l)],
      ["r - 1", r - 1n, independentCommitment((r - 1n) % l)],
      ["0", 0n, independentCommitment(0n)],
    ];
    for (const [name, privateKey, commitment] of outside) {
      expect(String(await rejection(witness(privateKey, commitment))), name).to.match(/Error in template/);
    }
  });

  it("takes any action in the field", async () => {
    const commitment = independentCommitment(3n);
    for (const action of [0n, 1n, (1n << 248n) - 1n, 1n << 248n, r - 1n]) {
      expect(brokenConstraints(circuit.r1cs, await witness(3n, commitment, action))).to.deep.equal([]);
    }
  });

  it("leaves no wire free: a change of any one of them breaks a constraint", async () => {
    const wires = await witness(l - 1n, independentCommitment(l - 1n));
    const users = wires.map((): number[] => []);
    circuit.r1cs.constraints.forEach((constraint, index) => {
      for (const part of constraint) for (const wire of Object.keys(part)) users[Number(wire)]!.push(index);
    });
    for (let wire = 1; wire < wires.length; wire++) {
      const concerned = { ...circuit.r1cs, constraints: users[wire]!.map((i) => circuit.r1cs.constraints[i]!) };
      for (const change of [1n, r - 1n, 1n << 128n]) {
        const changed = wires.with(wire, (wires[wire]! + change) % r);
        expect(brokenConstraints(concerned, changed), `wire ${wire}`).to.not.deep.equal([]);
      }
    }
  });

  it("needs every constraint: the witness of another statement breaks each kind", async () => {
    const commitment = independentCommitment(5n);
    const good = await witness(5n, commitment);
    const withWire = (name: string, value: bigint) => {
      const wire = circuit.wireOf.get(`main.${name}`)!;
      expect(wire, name).to.be.greaterThan(0);
      return brokenConstraints(circuit.r1cs, good.with(wire, value));
    };
    expect(withWire("publicKey.scalar.inverse", 0n), "non-zero").to.have.length(1);
    expect(withWire("actionSquare", 1n), "action").to.have.length(1);
    expect(withWire("commitment", commitment + 1n), "commitment").to.not.have.length(0);
    // Not a bit, and the bit of another key, for every bit that has a wire of its own.
    const bits = [...circuit.wireOf].filter(([name, wire]) => wire > 2 && /publicKey\.product\.e\[\d+\]$/.test(name));
    expect(bits.length).to.be.at.least(subgroupBits - 1);
    for (const [name, wire] of bits) {
      for (const value of [2n, 1n - good[wire]!]) {
        expect(brokenConstraints(circuit.r1cs, good.with(wire, value)), `${name} = ${value}`).to.not.deep.equal([]);
      }
    }
  });
});

describe("protocol/zk/identityKey", () => {
  it("derives keys in [1, l) at the ends of the seed's range", () => {
    const seed = (byte: number) => new Uint8Array(privateKeySeedLength).fill(byte);
    expect(privateKeyFromSeed(seed(0))).to.equal(1n);
    const last = BigInt(`0x${"ff".repeat(privateKeySeedLength)}`);
    expect(privateKeyFromSeed(seed(255))).to.equal(1n + (last % (l - 1n)));
    expect(() => privateKeyFromSeed(new Uint8Array(32)))
      .to.throw()
      .with.property("code", "ERR_INPUT_MALFORMED");
  });

  it("refuses what is no private key", () => {
    for (const privateKey of [0n, l, -1n, l + 1n]) {
      expect(() => commitmentOf(privateKey))
        .to.throw()
        .with.property("code", "ERR_INPUT_PRIVATE_KEY");
    }
  });
});
