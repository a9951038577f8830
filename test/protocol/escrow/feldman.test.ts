import { expect } from "chai";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";

import {
  combine,
  deal,
  dealZero,
  isRedistributionOf,
  isShareOf,
  publicPointOf,
  recoveryPrivateKey,
  redistributedCommitments,
  redistributedShare,
  refreshCommitments,
  refreshShare,
  scalarFrom,
  type Share,
} from "../../../protocol/escrow/feldman.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const q = 2n ** 252n + 27742317777372353535851937790883648493n;
const scalar = fc.bigInt({ min: 1n, max: q - 1n });
const secret = scalarFrom(new Uint8Array(64).fill(7));
const coefficients = [scalarFrom(new Uint8Array(64).fill(8)), scalarFrom(new Uint8Array(64).fill(9))];

describe("Feldman's secret sharing", () => {
  it("works in the field that RFC 8032 names", () => {
    expect(ed25519.Point.Fn.ORDER).to.equal(q);
  });

  it("gives shares of the polynomial, computed by hand for f(x) = 11 + 5x + 3x²", () => {
    const { shares } = deal(11n, [5n, 3n], 4);
    expect(shares.map(({ value }) => value)).to.deep.equal([19n, 33n, 53n, 79n]);
  });

  it("gives the secret back from any threshold of shares, for any secret and polynomial", () => {
    const cases = fc.tuple(
      scalar,
      fc.array(scalar, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.nat(),
    );
    fc.assert(
      fc.property(cases, ([a0, others, more, seed]) => {
        const threshold = others.length + 1;
        const { shares, commitments } = deal(a0, others, threshold + more);
        const rotated = [...shares.slice(seed % shares.length), ...shares.slice(0, seed % shares.length)];
        expect(combine(rotated.slice(0, threshold), commitments)).to.equal(a0);
        expect(toHex(commitments[0]!)).to.equal(toHex(publicPointOf(a0)));
      }),
      { numRuns: 10 },
    );
  });

  it("tells threshold − 1 holders nothing: their shares fit every secret", () => {
    // For any other secret there is a polynomial through the same two shares: 3-of-n, holders 1 and 2.
    const { shares } = deal(secret, coefficients, 5);
    const other = 424242n;
    const Fn = ed25519.Point.Fn;
    const [y1, y2] = shares.map(({ value }) => value) as [bigint, bigint];
    // a1 + a2 = y1 − s, 2·a1 + 4·a2 = y2 − s
    const a2 = Fn.div(Fn.sub(Fn.sub(y2, other), Fn.mul(2n, Fn.sub(y1, other))), 2n);
    const a1 = Fn.sub(Fn.sub(y1, other), a2);
    const alternative = deal(other, [a1, a2], 5);
    expect(alternative.shares.slice(0, 2)).to.deep.equal(shares.slice(0, 2));
  });

  it("refuses too few shares, and one that comes twice", () => {
    const { shares, commitments } = deal(secret, coefficients, 5);
    expect(thrownCode(() => combine(shares.slice(0, 2), commitments))).to.equal("ERR_INPUT_SHARE");
    expect(thrownCode(() => combine([shares[0]!, shares[1]!, shares[1]!], commitments))).to.equal("ERR_INPUT_SHARE");
  });

  it("finds one flipped bit, wherever it is, and names the holder", () => {
    const { shares, commitments } = deal(secret, coefficients, 5);
    const good = shares[3]!;
    expect(isShareOf(good, commitments)).to.equal(true);
    for (let bit = 0n; bit < 252n; bit += 21n) {
      expect(isShareOf({ ...good, value: good.value ^ (1n << bit) }, commitments), `bit ${bit}`).to.equal(false);
    }
    const flipped = { ...good, value: good.value ^ 1n };
    expect(() => combine([shares[0]!, shares[1]!, flipped], commitments))
      .to.throw("share 4 does not fit")
      .with.property("details")
      .that.deep.equals({ index: 4 });
  });

  it("takes no share of another holder, nor a scalar that was not reduced", () => {
    const { shares, commitments } = deal(secret, coefficients, 5);
    expect(isShareOf({ index: 2, value: shares[0]!.value }, commitments)).to.equal(false);
    expect(isShareOf({ index: 1, value: shares[0]!.value + q }, commitments)).to.equal(false);
  });

  it("takes no commitments of low order", () => {
    const { shares, commitments } = deal(secret, coefficients, 5);
    const lowOrder = new Uint8Array(32); // y = 0: a point of order 4
    const spoiled = [lowOrder, ...commitments.slice(1)];
    expect(thrownCode(() => isShareOf(shares[0]!, spoiled))).to.equal("ERR_INPUT_SHARE");
  });

  it("refuses a threshold of one, and one above the number of holders", () => {
    expect(thrownCode(() => deal(secret, [], 3))).to.equal("ERR_INPUT_SHARE");
    expect(thrownCode(() => deal(secret, coefficients, 2))).to.equal("ERR_INPUT_SHARE");
  });

  it("refreshes shares: same secret, and old ones no longer fit with new ones", () => {
    const first = deal(secret, coefficients, 5);
    const zero = dealZero([5n, 6n], 5);
    const commitments = refreshCommitments(first.commitments, zero.commitments);
    const shares = first.shares.map((share, i) => refreshShare(share, zero.shares[i]!));
    expect(combine(shares.slice(2), commitments)).to.equal(secret);
    expect(isShareOf(first.shares[0]!, commitments)).to.equal(false);
    expect(toHex(commitments[0]!)).to.equal(toHex(first.commitments[0]!));
  });

  it("refuses a refresh that would change the secret", () => {
    const first = deal(secret, coefficients, 5);
    const notZero = deal(1n, [5n, 6n], 5);
    expect(thrownCode(() => refreshCommitments(first.commitments, notZero.commitments))).to.equal("ERR_PROOF_SHARE");
  });

  it("replaces trustees without putting the secret together, and names one who deals another share", () => {
    const old = deal(secret, coefficients, 5);
    const dealers = [1, 3, 5];
    const parts = dealers.map((from) => ({ from, ...deal(old.shares[from - 1]!.value, [BigInt(from) + 100n], 4) }));
    for (const part of parts) expect(isRedistributionOf(part, old.commitments)).to.equal(true);
    const commitments = redistributedCommitments(parts, old.commitments);
    const shares: Share[] = [0, 1, 2, 3].map((j) =>
      redistributedShare(new Map(parts.map(({ from, shares }) => [from, shares[j]!]))),
    );
    for (const share of shares) expect(isShareOf(share, commitments)).to.equal(true);
    expect(combine([shares[1]!, shares[3]!], commitments)).to.equal(secret);

    const lie = { from: 3, ...deal(old.shares[2]!.value ^ 1n, [103n], 4) };
    expect(thrownCode(() => redistributedCommitments([parts[0]!, lie, parts[2]!], old.commitments))).to.equal(
      "ERR_PROOF_SHARE",
    );
  });

  it("makes one recovery key of one secret", () => {
    expect(toHex(recoveryPrivateKey(secret))).to.equal(toHex(recoveryPrivateKey(secret)));
    expect(toHex(recoveryPrivateKey(secret))).to.not.equal(toHex(recoveryPrivateKey(secret + 1n)));
  });
});
