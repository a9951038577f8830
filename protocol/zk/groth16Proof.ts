import { AffiantError } from "../errors/affiantError.ts";
import { fromHex, type Hex, toHex } from "../encoding/hex.ts";
import { baseFieldOrder } from "./fields.ts";

/** Affine coordinates, each in [0, q). */
export type G1Point = readonly [x: bigint, y: bigint];
/** Coordinates in Fq2 as (real part, imaginary part); the EVM's precompiles and calldata have them the other way round. */
export type G2Point = readonly [x: readonly [bigint, bigint], y: readonly [bigint, bigint]];

export interface Groth16Proof {
  readonly a: G1Point;
  readonly b: G2Point;
  readonly c: G1Point;
}

export const proofByteLength = 256;

/**
 * 256 bytes: `abi.encode(uint256[2] a, uint256[2][2] b, uint256[2] c)`, imaginary parts of `b` first (EIP-197).
 * @throws AffiantError ERR_INPUT_PROOF if a coordinate is not in [0, q)
 */
export function encodeProof({ a, b, c }: Groth16Proof): Hex {
  const words = [a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]];
  return `0x${words.map((word, index) => checkCoordinate(index, word).toString(16).padStart(64, "0")).join("")}`;
}

/**
 * Reads the encoding of `encodeProof`, and nothing else: one proof has one spelling.
 * Whether the points are on their curves is for the verifier to say.
 * @throws AffiantError ERR_INPUT_ENCODING if it is not 256 bytes of lower-case hex, ERR_INPUT_PROOF if a coordinate is
 *   not in [0, q)
 */
export function decodeProof(encoded: string): Groth16Proof {
  const bytes = fromHex(encoded, proofByteLength);
  const word = (index: number): bigint =>
    checkCoordinate(index, BigInt(toHex(bytes.subarray(32 * index, 32 * (index + 1)))));
  return {
    a: [word(0), word(1)],
    b: [
      [word(3), word(2)],
      [word(5), word(4)],
    ],
    c: [word(6), word(7)],
  };
}

function checkCoordinate(index: number, value: bigint): bigint {
  if (value < 0n || value >= baseFieldOrder) {
    throw new AffiantError("ERR_INPUT_PROOF", `coordinate ${index} of the proof is not a reduced field element`, {
      details: { coordinate: index },
    });
  }
  return value;
}
