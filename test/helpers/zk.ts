import { type FastFile, groth16 } from "snarkjs";

import { readProvingArtifacts, readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { withSingleThread } from "../../circuits/curve.ts";
import { fromSnarkjsProof, toSnarkjsProof } from "../../circuits/snarkjsProof.ts";
import type { VerificationKey } from "../../protocol/zk/keyGate.ts";
import type { Groth16Proof } from "../../protocol/zk/groth16Proof.ts";

/** A private key of tests. */
export const testPrivateKey = 1234567890123456789012345678901234567890n;

/** Proves key ownership with the development key in this thread, without the SDK. */
export async function proveInThread(input: Readonly<Record<string, bigint>>, zkey?: FastFile): Promise<Groth16Proof> {
  const artifacts = await readProvingArtifacts("key-ownership");
  return withSingleThread(async () => {
    const { proof } = await groth16.fullProve(input, artifacts.wasm, zkey ?? artifacts.zkey);
    return fromSnarkjsProof(proof);
  });
}

export async function verifyInThread(
  proof: Groth16Proof,
  signals: readonly bigint[],
  key?: VerificationKey,
): Promise<boolean> {
  const verificationKey = key ?? (await readVerifyingArtifacts("key-ownership")).verificationKey;
  return withSingleThread(() => groth16.verify(verificationKey, signals.map(String), toSnarkjsProof(proof)));
}

/**
 * A proof of any signals against a key to which nobody contributed, made from the key alone. With gamma = delta the
 * equation e(A, B) = e(alpha, beta) e(vk_x, gamma) e(C, delta) holds for A = alpha, B = beta, C = -vk_x.
 */
export async function forgeProof(key: VerificationKey, signals: readonly bigint[]): Promise<Groth16Proof> {
  return withSingleThread(async ({ G1 }) => {
    const [first, ...rest] = key.IC.map((point) => G1.fromObject(point.map(BigInt)));
    const sum = rest.reduce((acc, point, i) => G1.add(acc, G1.timesScalar(point, signals[i]!)), first!);
    const c = G1.toObject(G1.toAffine(G1.neg(sum)));
    const b = key.vk_beta_2.map((pair) => pair.map(BigInt));
    return {
      a: [BigInt(key.vk_alpha_1[0]!), BigInt(key.vk_alpha_1[1]!)],
      b: [
        [b[0]![0]!, b[0]![1]!],
        [b[1]![0]!, b[1]![1]!],
      ],
      c: [c[0]!, c[1]!],
    };
  });
}

/** The key as it was before anybody contributed: phase 2 changes delta and nothing else of a verification key. */
export function initialKeyOf(key: VerificationKey): VerificationKey {
  return { ...key, vk_delta_2: key.vk_gamma_2 };
}
