import { keccak_256 } from "@noble/hashes/sha3.js";

import { fromHex, type Hex } from "../encoding/hex.ts";

const feistelRounds = 8;

/** The agents of a round on a ring, in the order that its seed draws. */
export interface RoundOrder {
  readonly size: number;
  /** The place in the roster of whoever stands at a position of the ring. */
  placeAt(position: number): number;
  /** The position on the ring of whoever is at a place of the roster. */
  positionOf(place: number): number;
}

/**
 * A pseudo-random permutation of [0, size): an alternating Feistel network over Z_a × Z_b with a = ⌈√size⌉ and
 * b = ⌈size / a⌉, walked until it lands below size (Black and Rogaway, 2002). `libraries/AttestationSchedule.sol` is the
 * same in Solidity and says why.
 * @param seed 32 bytes
 * @param size from 1
 */
export function roundOrder(seed: Hex, size: number): RoundOrder {
  const a = Math.ceil(Math.sqrt(size));
  const b = Math.ceil(size / a);
  const input = new Uint8Array(64);
  input.set(fromHex(seed));

  /** keccak256(seed ‖ round as 16 bytes ‖ half as 16 bytes) mod modulus */
  const shift = (round: number, half: number, modulus: number): number => {
    input[47] = round;
    new DataView(input.buffer).setUint32(60, half);
    const { buffer, byteOffset } = keccak_256(input);
    const digest = new DataView(buffer, byteOffset);
    let rest = 0;
    for (let at = 0; at < 32; at += 2) rest = (rest * 65_536 + digest.getUint16(at)) % modulus;
    return rest;
  };
  const forward = (x: number): number => {
    let [left, right] = [x % a, Math.floor(x / a)];
    for (let round = 0; round < feistelRounds; round += 2) {
      left = (left + shift(round, right, a)) % a;
      right = (right + shift(round + 1, left, b)) % b;
    }
    return right * a + left;
  };
  const backward = (x: number): number => {
    let [left, right] = [x % a, Math.floor(x / a)];
    for (let round = feistelRounds - 2; round >= 0; round -= 2) {
      right = (right + b - shift(round + 1, left, b)) % b;
      left = (left + a - shift(round, right, a)) % a;
    }
    return right * a + left;
  };
  return {
    size,
    placeAt: (position) => walk(forward, position, size),
    positionOf: (place) => walk(backward, place, size),
  };
}

function walk(step: (x: number) => number, from: number, size: number): number {
  let x = step(from);
  while (x >= size) x = step(x);
  return x;
}
