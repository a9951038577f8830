import type { SnarkjsProof } from "snarkjs";

import type { Groth16Proof } from "../protocol/zk/groth16Proof.ts";

/** From snarkjs' decimal text in homogeneous coordinates, which a prover always leaves with a last coordinate of 1. */
export function fromSnarkjsProof({ pi_a, pi_b, pi_c }: SnarkjsProof): Groth16Proof {
  return {
    a: [number(pi_a[0]), number(pi_a[1])],
    b: [
      [number(pi_b[0]?.[0]), number(pi_b[0]?.[1])],
      [number(pi_b[1]?.[0]), number(pi_b[1]?.[1])],
    ],
    c: [number(pi_c[0]), number(pi_c[1])],
  };
}

export function toSnarkjsProof({ a, b, c }: Groth16Proof): SnarkjsProof {
  return {
    pi_a: [String(a[0]), String(a[1]), "1"],
    pi_b: [
      [String(b[0][0]), String(b[0][1])],
      [String(b[1][0]), String(b[1][1])],
      ["1", "0"],
    ],
    pi_c: [String(c[0]), String(c[1]), "1"],
    protocol: "groth16",
    curve: "bn128",
  };
}

function number(text: string | undefined): bigint {
  if (text === undefined) throw new TypeError("snarkjs gave a proof without a coordinate");
  return BigInt(text);
}
