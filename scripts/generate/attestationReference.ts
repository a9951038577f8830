/**
 * The draw as `IAttestationRegistry.sol` and `AttestationSchedule.sol` describe it, read literally: whole numbers of any
 * size, the whole permutation as a list, classes sorted at once. Nothing of `protocol/attestation` has a part in it.
 */
import { AbiCoder, concat, id, keccak256, toBeHex } from "ethers";

const abi = AbiCoder.defaultAbiCoder();

export function seedOf(secret: string, blockHash: string, rotHead: string, round: number): string {
  const typeHash = id("Seed(bytes32 secret,bytes32 blockHash,bytes32 rotHead,uint256 round)");
  return keccak256(
    abi.encode(["bytes32", "bytes32", "bytes32", "bytes32", "uint256"], [typeHash, secret, blockHash, rotHead, round]),
  );
}

export function commitmentOf(agent: string, version: number, measurement: string, salt: string): string {
  const typeHash = id("Reference(address agent,uint256 version,bytes32 measurement,bytes32 salt)");
  return keccak256(
    abi.encode(["bytes32", "address", "uint256", "bytes32", "bytes32"], [typeHash, agent, version, measurement, salt]),
  );
}

/** Place in the roster by position on the ring. */
export function ringOf(seed: string, size: number): number[] {
  const n = BigInt(size);
  let a = 1n;
  while (a * a < n) a++;
  let b = 1n;
  while (a * b < n) b++;
  const f = (round: number, half: bigint): bigint =>
    BigInt(keccak256(concat([seed, toBeHex(round, 16), toBeHex(half, 16)])));
  const cipher = (x: bigint): bigint => {
    const half: [bigint, bigint] = [x % a, x / a];
    for (let round = 0; round < 8; round++) {
      if (round % 2 === 0) half[0] = (half[0] + f(round, half[1])) % a;
      else half[1] = (half[1] + f(round, half[0])) % b;
    }
    return half[1] * a + half[0];
  };
  return Array.from({ length: size }, (_, position) => {
    let x = cipher(BigInt(position));
    while (x >= n) x = cipher(x);
    return Number(x);
  });
}

/** Places of the verifiers of the agent at `place`, in the order of their turn. */
export function verifiersOf(ring: readonly number[], operators: readonly string[], place: number): number[] {
  const n = ring.length;
  const count = Math.min(16, Math.floor((n - 1) / 2));
  const position = ring.indexOf(place);
  const drawn = Array.from({ length: count }, (_, i) => ring[(position + i + 1) % n] as number);
  const classOf = (at: number): number => {
    const own = operators[drawn[at] as number];
    if (own === operators[place]) return 2;
    return drawn.slice(0, at).some((before) => operators[before] === own) ? 1 : 0;
  };
  return drawn
    .map((verifier, at) => ({ verifier, at, window: Math.floor(at / 8), class: classOf(at) }))
    .sort((x, y) => x.window - y.window || x.class - y.class || x.at - y.at)
    .map(({ verifier }) => verifier);
}
