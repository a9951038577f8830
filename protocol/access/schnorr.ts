/**
 * Schnorr's proof of knowledge of the private key behind a registered commitment, in three moves: the prover commits to
 * `R = r·B`, the verifier challenges, the prover responds `s = r + c·x`; it holds if `s·B = R + c·A`. RFC 8235 with the sign of `c`
 * turned round, which is the form of the paper.
 *
 * It is done in the prime-order subgroup of BabyJubJub, where the agents' registered keys are, and not modulo a prime as the paper
 * has it: the registry binds `Poseidon(Ax, Ay)` to the agent after a proof in that very group, so no second key has to be
 * registered; and a group modulo p of the same strength has numbers of 3,072 bits and subgroups that must be kept out.
 *
 * Interactive: `R` is sent first, then comes the challenge. Non-interactive: `R` comes with the response. `c` is a hash of the whole
 * statement in both (RFC 8235 §3.3 hashes user and context likewise): a bare random `c` could be passed on by a server in the middle to
 * an agent that means another server. The prover computes `c` itself and so answers nothing it does not mean.
 */
import { babyjubjub } from "@noble/curves/misc.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { poseidon2 } from "poseidon-lite/poseidon2";

import { utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { scalarFieldOrder, subgroupOrder } from "../zk/fields.ts";
import { assertPrivateKey, privateKeyFromSeed } from "../zk/identityKey.ts";
import { type LoginStatement, statementBytes } from "./statement.ts";

const { Point } = babyjubjub;
type CurvePoint = InstanceType<typeof Point>;

/** 64 bytes: x and y, 32 bytes each, big endian, each below the field's order. */
export type EncodedPoint = Hex;
/** 32 bytes, big endian, below the subgroup's order. */
export type EncodedScalar = Hex;

export interface SchnorrCommitment {
  /** Once, for one challenge: with two responses to it anybody computes the private key. */
  readonly secret: bigint;
  readonly commitment: EncodedPoint;
}

export interface SchnorrResponse {
  readonly publicKey: EncodedPoint;
  readonly commitment: EncodedPoint;
  readonly scalar: EncodedScalar;
}

/** The first move. @param seed `privateKeySeedLength` fresh random bytes @throws AffiantError ERR_INPUT_MALFORMED for another length */
export function commitSchnorr(seed: Uint8Array): SchnorrCommitment {
  const secret = privateKeyFromSeed(seed);
  return { secret, commitment: encodePoint(Point.BASE.multiply(secret)) };
}

/** The third move. @throws AffiantError ERR_INPUT_PRIVATE_KEY */
export function respondSchnorr(
  statement: LoginStatement,
  privateKey: bigint,
  { secret, commitment }: SchnorrCommitment,
): SchnorrResponse {
  assertPrivateKey(privateKey);
  const publicKey = encodePoint(Point.BASE.multiply(privateKey));
  const c = schnorrChallenge(statement, publicKey, commitment);
  return { publicKey, commitment, scalar: encodeScalar((secret + c * privateKey) % subgroupOrder) };
}

/** In [0, l). Each part of what is hashed has its length before it (RFC 8235 §3.3). */
export function schnorrChallenge(statement: LoginStatement, publicKey: EncodedPoint, commitment: EncodedPoint): bigint {
  const hash = sha256.create();
  for (const part of [utf8("affiant-schnorr/1"), fromHex(commitment), fromHex(publicKey), statementBytes(statement)]) {
    hash.update(Uint8Array.of(part.length >> 24, part.length >> 16, part.length >> 8, part.length)).update(part);
  }
  const digest = hash.digest();
  // 512 bits before the reduction, so that no challenge is likelier than another.
  const wide = sha256(Uint8Array.of(...digest, 1));
  return ((BigInt(toHex(digest)) << 256n) | BigInt(toHex(wide))) % subgroupOrder;
}

/**
 * Whether the response shows knowledge of the key behind the registered commitment. False for everything that is not a proof, and
 * for forms that are refused whatever they prove: numbers that are not reduced, the neutral point, keys of small order, `c = 0`.
 *
 * `R` needs no check of its own: it is compared, whole, with `s·B − c·A`, which is in the subgroup because `A` is.
 * @param registered Poseidon(Ax, Ay), of the chain
 */
export function verifySchnorr(statement: LoginStatement, response: SchnorrResponse, registered: bigint): boolean {
  const publicKey = decodePoint(response.publicKey);
  const commitment = coordinatesOf(response.commitment);
  const scalar = scalarOf(response.scalar);
  if (!publicKey || !commitment || scalar === undefined) return false;
  const { x, y } = publicKey.toAffine();
  if (poseidon2([x, y]) !== registered) return false;
  // Of small order in parts: not what the registry took, since its circuit makes such keys impossible; checked all the same.
  if (publicKey.is0() || !publicKey.isTorsionFree()) return false;
  const c = schnorrChallenge(statement, response.publicKey, response.commitment);
  if (c === 0n) return false;
  const expected = multiple(Point.BASE, scalar).add(multiple(publicKey, subgroupOrder - c));
  // The neutral point commits to r = 0: its response tells the key.
  if (expected.is0()) return false;
  const affine = expected.toAffine();
  return affine.x === commitment.x && affine.y === commitment.y;
}

/** Whether a first move has the form of one: reduced coordinates, not the neutral point. @param text of unknown form */
export function isSchnorrCommitment(text: unknown): text is EncodedPoint {
  if (typeof text !== "string") return false;
  const at = coordinatesOf(text);
  return at !== undefined && !(at.x === 0n && at.y === 1n);
}

function multiple(point: CurvePoint, scalar: bigint): CurvePoint {
  return scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar);
}

function encodePoint(point: CurvePoint): EncodedPoint {
  const { x, y } = point.toAffine();
  return `0x${wordOf(x)}${wordOf(y)}`;
}

function encodeScalar(scalar: bigint): EncodedScalar {
  return `0x${wordOf(scalar)}`;
}

function wordOf(value: bigint): string {
  return value.toString(16).padStart(64, "0");
}

function decodePoint(text: string): CurvePoint | undefined {
  const at = coordinatesOf(text);
  if (!at) return undefined;
  try {
    const point = Point.fromAffine(at);
    point.assertValidity();
    return point;
  } catch {
    return undefined;
  }
}

function coordinatesOf(text: string): { readonly x: bigint; readonly y: bigint } | undefined {
  const bytes = bytesOf(text, 64);
  if (!bytes) return undefined;
  const x = BigInt(toHex(bytes.subarray(0, 32)));
  const y = BigInt(toHex(bytes.subarray(32)));
  return x < scalarFieldOrder && y < scalarFieldOrder ? { x, y } : undefined;
}

function scalarOf(text: string): bigint | undefined {
  const bytes = bytesOf(text, 32);
  const scalar = bytes && BigInt(toHex(bytes));
  return scalar !== undefined && scalar < subgroupOrder ? scalar : undefined;
}

function bytesOf(text: string, length: number): Uint8Array | undefined {
  try {
    return fromHex(text, length);
  } catch (error) {
    if (error instanceof AffiantError) return undefined;
    throw error;
  }
}
