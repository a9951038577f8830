import { addPoint, Base8, mulPointEscalar, type Point } from "@zk-kit/baby-jubjub";
import { expect } from "chai";
import { poseidon2 } from "poseidon-lite/poseidon2";

import {
  commitSchnorr,
  isSchnorrCommitment,
  respondSchnorr,
  schnorrChallenge,
  type SchnorrResponse,
  verifySchnorr,
} from "../../../protocol/access/schnorr.ts";
import { type LoginStatement, statementBytes } from "../../../protocol/access/statement.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { scalarFieldOrder as p, subgroupOrder as l } from "../../../protocol/zk/fields.ts";
import { commitmentOf, privateKeySeedLength } from "../../../protocol/zk/identityKey.ts";

const privateKey = 987_654_321n;
const registered = commitmentOf(privateKey);
const statement: LoginStatement = {
  issuer: "http://issuer.example",
  clientId: "affiant-agent",
  method: "schnorr",
  did: `did:ethr:0x7a69:0x${"1".repeat(40)}`,
  challenge: "A".repeat(43),
  jkt: "B".repeat(43),
  codeChallenge: "C".repeat(43),
  scope: "reports:read",
  resource: "http://reports.example/",
  expiresAtSec: 2_000_000_000,
};
const word = (value: bigint) => value.toString(16).padStart(64, "0");
const pointText = ([x, y]: Point<bigint>): Hex => `0x${word(x)}${word(y)}`;
const pointOf = (text: string): Point<bigint> => [BigInt(text.slice(0, 66)), BigInt(`0x${text.slice(66)}`)];
const seed = (fill: number) => new Uint8Array(privateKeySeedLength).fill(fill);

describe("protocol/access/schnorr", () => {
  const good = () => respondSchnorr(statement, privateKey, commitSchnorr(seed(7)));

  it("holds in an independent library: s·B = R + c·A", () => {
    const { publicKey, commitment, scalar } = good();
    expect(pointOf(publicKey)).to.deep.equal(mulPointEscalar(Base8, privateKey));
    const c = schnorrChallenge(statement, publicKey, commitment);
    const right = addPoint(pointOf(commitment), mulPointEscalar(pointOf(publicKey), c));
    expect(mulPointEscalar(Base8, BigInt(scalar))).to.deep.equal(right);
    expect(verifySchnorr(statement, good(), registered)).to.equal(true);
  });

  it("takes a proof that an independent library made", () => {
    const r = 5_555_555_555n;
    const [publicKey, commitment] = [mulPointEscalar(Base8, privateKey), mulPointEscalar(Base8, r)].map(pointText) as [
      Hex,
      Hex,
    ];
    const scalar: Hex = `0x${word((r + schnorrChallenge(statement, publicKey, commitment) * privateKey) % l)}`;
    expect(verifySchnorr(statement, { publicKey, commitment, scalar }, registered)).to.equal(true);
  });

  it("is for its statement alone", () => {
    for (const name of Object.keys(statement) as (keyof LoginStatement)[]) {
      const changed = {
        ...statement,
        [name]: name === "expiresAtSec" ? 2_000_000_001 : `${statement[name]}x`,
      } as LoginStatement;
      expect(verifySchnorr(changed, good(), registered), name).to.equal(false);
    }
  });

  it("is for the key that is registered alone", () => {
    expect(verifySchnorr(statement, good(), commitmentOf(privateKey + 1n))).to.equal(false);
    expect(verifySchnorr(statement, good(), 0n)).to.equal(false);
  });

  it("refuses numbers that are not reduced: s ≥ l, coordinates ≥ p", () => {
    const { publicKey, commitment, scalar } = good();
    const [x, y] = pointOf(publicKey);
    const [rx, ry] = pointOf(commitment);
    const changes: readonly Partial<SchnorrResponse>[] = [
      { scalar: `0x${word(BigInt(scalar) + l)}` },
      { scalar: `0x${word(l)}` },
      { publicKey: pointText([x + p, y]) },
      { publicKey: pointText([x, y + p]) },
      { commitment: pointText([rx + p, ry]) },
      { commitment: pointText([rx, ry + p]) },
    ];
    for (const change of changes)
      expect(verifySchnorr(statement, { ...good(), ...change }, registered)).to.equal(false);
  });

  it("refuses the neutral point and points of small order, as key and as commitment", () => {
    // The neutral point, and the one of order 2.
    const small: readonly Point<bigint>[] = [
      [0n, 1n],
      [0n, p - 1n],
    ];
    for (const point of small) {
      const publicKey = pointText(point);
      // With a key of order h and r known, s = r answers whenever c is a multiple of h: as registered it would be nobody's secret.
      const { commitment, secret } = commitSchnorr(seed(9));
      const forged = { publicKey, commitment, scalar: `0x${word(secret)}` as Hex };
      expect(verifySchnorr(statement, forged, poseidon2([...point])), publicKey).to.equal(false);
      expect(verifySchnorr(statement, { ...good(), commitment: publicKey }, registered), publicKey).to.equal(false);
    }
    expect(isSchnorrCommitment(pointText([0n, 1n]))).to.equal(false);
    // r = 0: the response is c·x, and tells the key.
    const publicKey = good().publicKey;
    const neutral = pointText([0n, 1n]);
    const scalar: Hex = `0x${word((schnorrChallenge(statement, publicKey, neutral) * privateKey) % l)}`;
    expect(verifySchnorr(statement, { publicKey, commitment: neutral, scalar }, registered)).to.equal(false);
  });

  it("refuses a key with a part of small order, which proves as much as the one it was made from", () => {
    const { commitment, secret } = commitSchnorr(seed(11));
    const [x, y] = addPoint(mulPointEscalar(Base8, privateKey), [0n, p - 1n]);
    const publicKey = pointText([x, y]);
    const c = schnorrChallenge(statement, publicKey, commitment);
    const scalar: Hex = `0x${word((secret + c * privateKey) % l)}`;
    expect(verifySchnorr(statement, { publicKey, commitment, scalar }, poseidon2([x, y]))).to.equal(false);
  });

  it("refuses points off the curve, and what is no point at all", () => {
    const { publicKey, commitment, scalar } = good();
    for (const text of [pointText([1n, 1n]), "0x", `0x${"g".repeat(128)}`, publicKey.toUpperCase()] as Hex[]) {
      expect(verifySchnorr(statement, { publicKey: text, commitment, scalar }, registered), text).to.equal(false);
      expect(verifySchnorr(statement, { publicKey, commitment: text, scalar }, registered), text).to.equal(false);
    }
    expect(verifySchnorr(statement, { publicKey, commitment, scalar: "0x" }, registered)).to.equal(false);
  });

  it("shows why a first move is good once: two answers to it tell the key", () => {
    const first = commitSchnorr(seed(13));
    const [one, two] = [statement, { ...statement, challenge: "D".repeat(43) }].map((said) => {
      const { publicKey, commitment, scalar } = respondSchnorr(said, privateKey, first);
      return { c: schnorrChallenge(said, publicKey, commitment), s: BigInt(scalar) };
    }) as [{ c: bigint; s: bigint }, { c: bigint; s: bigint }];
    // s₁ − s₂ = (c₁ − c₂)·x: this is why a first move must never be used again.
    expect((one.s - two.s + l) % l).to.equal((((one.c - two.c + l) % l) * privateKey) % l);
  });

  it("signs and hashes the statement under a name of its own", () => {
    const text = new TextDecoder().decode(statementBytes(statement));
    expect(text).to.match(/^affiant-login\/1\n\{"challenge":"A{43}","clientId":"affiant-agent",/);
  });
});
