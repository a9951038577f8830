import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "../encoding/bytes.ts";
import { toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/**
 * Verifiable secret sharing: P. Feldman, "A Practical Scheme for Non-interactive Verifiable Secret Sharing", FOCS 1987,
 * over the prime-order subgroup of edwards25519 (@noble/curves has points and the scalar field, q = 2^252 + …).
 *
 * The dealer takes f(x) = a0 + a1 x + … + a(t-1) x^(t-1) mod q with f(0) = a0 the secret, gives holder i the share f(i), and
 * publishes Cj = aj·G. Holder i checks f(i)·G = Σ i^j·Cj. Any t shares give f(0) by Lagrange's formula; fewer say nothing
 * beyond C0 = a0·G, from which finding a0 is a discrete logarithm. So the secret must be a random scalar, never a value
 * that could be guessed, and the commitments may be public.
 */
const Point = ed25519.Point;
const Fn = Point.Fn;

/** f(index), a scalar below q; index counts from 1. */
export interface Share {
  readonly index: number;
  readonly value: bigint;
}

/** Compressed points, 32 bytes each; as many as the threshold. */
export type Commitments = readonly Uint8Array[];

export interface Dealing {
  readonly shares: readonly Share[];
  readonly commitments: Commitments;
}

/** A scalar from 64 random bytes: reduced mod q, the bias is below 2^-256. */
export function scalarFrom(random: Uint8Array): bigint {
  if (random.length !== 64) throw new RangeError("a scalar is made of 64 random bytes");
  return Fn.create(BigInt(toHex(random)));
}

/**
 * Shares a secret among `holders`, any `coefficients.length + 1` of whom can bring it back.
 * @param coefficients a1 …: fresh random scalars
 */
export function deal(secret: bigint, coefficients: readonly bigint[], holders: number): Dealing {
  const polynomial = [secret, ...coefficients].map((scalar) => checkScalar(scalar));
  if (polynomial.length < 2 || polynomial.length > holders) {
    throw new AffiantError("ERR_INPUT_SHARE", "the threshold is at least 2, and not above the number of holders");
  }
  return evaluate(polynomial, holders);
}

/**
 * A dealing of zero: added to the shares of an earlier one it makes new shares of the same secret, with which the old ones
 * do not fit together (Herzberg and others, "Proactive Secret Sharing", CRYPTO 1995).
 */
export function dealZero(coefficients: readonly bigint[], holders: number): Dealing {
  return evaluate([0n, ...coefficients.map((scalar) => checkScalar(scalar))], holders);
}

/** Whether a holder was given what the commitments say. Anyone can check a share that is shown. */
export function isShareOf({ index, value }: Share, commitments: Commitments): boolean {
  if (!Number.isSafeInteger(index) || index < 1 || value < 0n || value >= Fn.ORDER) return false;
  const left = value === 0n ? Point.ZERO : Point.BASE.multiply(value);
  return left.equals(commitmentAt(index, commitments));
}

/** f(index)·G as the commitments have it: Σ index^j·Cj, by Horner's rule. */
function commitmentAt(index: number, commitments: Commitments) {
  return parse(commitments).reduceRight(
    (sum, point) => (sum.is0() ? sum : sum.multiply(BigInt(index))).add(point),
    Point.ZERO,
  );
}

/**
 * The secret, from shares that were checked.
 * @throws AffiantError ERR_PROOF_SHARE naming the first share that does not fit, ERR_INPUT_SHARE if there are too few or
 *   one stands twice
 */
export function combine(shares: readonly Share[], commitments: Commitments): bigint {
  const bad = shares.find((share) => !isShareOf(share, commitments));
  if (bad) {
    throw new AffiantError("ERR_PROOF_SHARE", `share ${bad.index} does not fit the commitments`, {
      details: { index: bad.index },
    });
  }
  const used = shares.slice(0, commitments.length);
  if (used.length < commitments.length || new Set(shares.map(({ index }) => index)).size !== shares.length) {
    throw new AffiantError("ERR_INPUT_SHARE", `${commitments.length} different shares are needed`);
  }
  const indices = used.map(({ index }) => index);
  return used.reduce((sum, { index, value }) => Fn.add(sum, Fn.mul(value, lagrangeAtZero(index, indices))), 0n);
}

/** New shares of the same secret: each holder adds what it got of a dealing of zero. */
export function refreshShare(share: Share, zero: Share): Share {
  if (share.index !== zero.index) throw new AffiantError("ERR_INPUT_SHARE", "the shares are of different holders");
  return { index: share.index, value: Fn.add(share.value, zero.value) };
}

/**
 * The commitments of refreshed shares.
 * @throws AffiantError ERR_PROOF_SHARE if the dealing is not one of zero: its first commitment must be the neutral point
 */
export function refreshCommitments(commitments: Commitments, zero: Commitments): Commitments {
  const [before, added] = [parse(commitments), parse(zero)];
  if (before.length !== added.length || added[0]?.is0() !== true) {
    throw new AffiantError("ERR_PROOF_SHARE", "the refresh would change the secret or the threshold");
  }
  return before.map((point, j) => point.add(added[j] ?? Point.ZERO).toBytes());
}

/** What an old holder deals to the new ones: its own share, as the secret of a dealing of its own. */
export interface Redistribution {
  /** The old holder. */
  readonly from: number;
  readonly commitments: Commitments;
}

/**
 * Trustees are replaced without the secret ever being put together: each of a threshold of old holders deals its share
 * to the new ones (Desmedt and Jajodia, 1997; verified as in Wong, Wang and Wing, 2002). This says whether an old holder
 * dealt the share it has, and not another.
 */
export function isRedistributionOf({ from, commitments }: Redistribution, old: Commitments): boolean {
  const [first] = parse(commitments);
  return first !== undefined && first.equals(commitmentAt(from, old));
}

/**
 * A new holder's share of the same secret, from what a threshold of old holders dealt to it.
 * @param dealt by old holder: the share that this new holder got
 */
export function redistributedShare(dealt: ReadonlyMap<number, Share>): Share {
  const old = [...dealt.keys()];
  const [first] = dealt.values();
  if (!first || [...dealt.values()].some(({ index }) => index !== first.index)) {
    throw new AffiantError("ERR_INPUT_SHARE", "the shares are of different holders");
  }
  const value = [...dealt].reduce((sum, [i, share]) => Fn.add(sum, Fn.mul(share.value, lagrangeAtZero(i, old))), 0n);
  return { index: first.index, value };
}

/**
 * The commitments of the new shares. The first one stays what it was, since the secret does.
 * @throws AffiantError ERR_PROOF_SHARE if an old holder dealt another share than its own, ERR_INPUT_SHARE if it is not
 *   exactly a threshold of them
 */
export function redistributedCommitments(parts: readonly Redistribution[], old: Commitments): Commitments {
  const from = parts.map((part) => part.from);
  const length = parts[0]?.commitments.length ?? 0;
  if (new Set(from).size !== old.length || parts.some(({ commitments }) => commitments.length !== length)) {
    throw new AffiantError("ERR_INPUT_SHARE", `${old.length} different holders have to deal, with one threshold`);
  }
  const liar = parts.find((part) => !isRedistributionOf(part, old));
  if (liar) {
    throw new AffiantError("ERR_PROOF_SHARE", `holder ${liar.from} did not deal its own share`, {
      details: { index: liar.from },
    });
  }
  const points = parts.map(({ commitments }) => parse(commitments));
  return Array.from({ length }, (_, j) =>
    points
      .map((row, i) => (row[j] ?? Point.ZERO).multiply(lagrangeAtZero(from[i] ?? 0, from)))
      .reduce((sum, point) => sum.add(point), Point.ZERO)
      .toBytes(),
  );
}

/** secret·G: what the first commitment must be. */
export function publicPointOf(secret: bigint): Uint8Array {
  return Point.BASE.multiply(checkScalar(secret)).toBytes();
}

/** The private X25519 key that a shared secret stands for, to which epoch keys are sealed for recovery. */
export function recoveryPrivateKey(secret: bigint): Uint8Array {
  return hkdf(sha256, scalarBytes(checkScalar(secret)), undefined, utf8("affiant/escrow/recovery-key/1"), 32);
}

/** 32 bytes, little-endian, as RFC 8032 writes scalars. */
export function scalarBytes(scalar: bigint): Uint8Array {
  return Fn.toBytes(scalar);
}

/** @throws AffiantError ERR_INPUT_SHARE unless it is below q */
export function scalarOfBytes(bytes: Uint8Array): bigint {
  try {
    return Fn.fromBytes(bytes);
  } catch {
    throw new AffiantError("ERR_INPUT_SHARE", "not a scalar in its one encoding");
  }
}

function evaluate(polynomial: readonly bigint[], holders: number): Dealing {
  const shares = Array.from({ length: holders }, (_, i) => {
    const x = BigInt(i + 1);
    return { index: i + 1, value: polynomial.reduceRight((sum, a) => Fn.add(Fn.mul(sum, x), a), 0n) };
  });
  const commitments = polynomial.map((a) => (a === 0n ? Point.ZERO : Point.BASE.multiply(a)).toBytes());
  return { shares, commitments };
}

/** Π xm / (xm − xi) over the others. */
function lagrangeAtZero(index: number, indices: readonly number[]): bigint {
  const xi = BigInt(index);
  return indices
    .filter((other) => other !== index)
    .map((other) => BigInt(other))
    .reduce((product, xm) => Fn.mul(product, Fn.div(xm, Fn.sub(xm, xi))), 1n);
}

function parse(commitments: Commitments) {
  try {
    return commitments.map((bytes) => {
      const point = Point.fromBytes(bytes);
      if (!point.isTorsionFree()) throw new Error("not of prime order");
      return point;
    });
  } catch {
    throw new AffiantError("ERR_INPUT_SHARE", "a commitment is not a point of the prime-order subgroup");
  }
}

function checkScalar(scalar: bigint): bigint {
  if (scalar <= 0n || scalar >= Fn.ORDER) throw new AffiantError("ERR_INPUT_SHARE", "not a scalar from 1 to q - 1");
  return scalar;
}
