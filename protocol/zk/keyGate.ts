import { AffiantError } from "../errors/affiantError.ts";

/** The parts of a snarkjs verification key that are read here; numbers are decimal text. */
export interface VerificationKey {
  readonly protocol: string;
  readonly curve: string;
  readonly nPublic: number;
  readonly vk_alpha_1: readonly string[];
  readonly vk_beta_2: readonly (readonly string[])[];
  readonly vk_gamma_2: readonly (readonly string[])[];
  readonly vk_delta_2: readonly (readonly string[])[];
  readonly IC: readonly (readonly string[])[];
}

/**
 * Who could know the secrets behind a key. `DEV_INSECURE`: everybody, they follow from public beacons. `CEREMONY`: nobody,
 * if one contributor was honest.
 */
export type KeyKind = "DEV_INSECURE" | "CEREMONY";

/** Chain ids that only ever name a chain of one machine: hardhat/anvil and geth --dev. */
export const localChainIds: readonly bigint[] = [31337n, 1337n];

export interface KeyToDeploy {
  readonly verificationKey: VerificationKey;
  readonly kind: KeyKind;
  readonly chainId: bigint;
  /** Bytecode of the verifier contract, hex. When given it must carry this very key. */
  readonly bytecode?: string;
}

/**
 * Whether a verifier may go on a chain. Nobody's flag overrides this: with a development key on a public chain, or an
 * initial key anywhere, anyone proves anything.
 * @throws AffiantError ERR_INPUT_KEY_INITIAL, ERR_INPUT_KEY_DEVELOPMENT, ERR_INPUT_KEY_MISMATCH
 */
export function assertKeyAllowed({ verificationKey, kind, chainId, bytecode }: KeyToDeploy): void {
  assertContributed(verificationKey);
  if (kind !== "CEREMONY" && !localChainIds.includes(chainId)) {
    throw new AffiantError("ERR_INPUT_KEY_DEVELOPMENT", `a development key may not be used on chain ${chainId}`, {
      hint: "Run a ceremony: affiant ceremony --help",
      details: { chainId: chainId.toString() },
    });
  }
  if (bytecode !== undefined) assertBytecodeCarries(bytecode, verificationKey);
}

/**
 * Rejects a key to which nobody contributed. Phase 2 starts with delta = gamma; then A = alpha, B = beta and
 * C = -(IC_0 + sum of s_i IC_i) is a proof of any signals, made without a witness.
 * @throws AffiantError ERR_INPUT_KEY_INITIAL
 */
export function assertContributed(verificationKey: VerificationKey): void {
  if (pointText(verificationKey.vk_gamma_2) === pointText(verificationKey.vk_delta_2)) {
    throw new AffiantError("ERR_INPUT_KEY_INITIAL", "gamma equals delta: nobody contributed to this key", {
      hint: "Add contributions and a beacon before the key is exported",
    });
  }
}

/**
 * A manifest is only text beside a contract: the constants in the code decide. Every coordinate of the key must stand in
 * the bytecode as a 32-byte word. Leading zeros are not stored, so they are not looked for.
 */
function assertBytecodeCarries(bytecode: string, key: VerificationKey): void {
  const code = bytecode.toLowerCase();
  const points = [key.vk_alpha_1, ...key.vk_beta_2, ...key.vk_gamma_2, ...key.vk_delta_2, ...key.IC.flat()].flat();
  for (const coordinate of points) {
    const hex = BigInt(coordinate).toString(16);
    // 0 and 1 are the homogeneous coordinates of snarkjs' format; they are not in the code.
    if (hex.length > 1 && !code.includes(hex)) {
      throw new AffiantError("ERR_INPUT_KEY_MISMATCH", "the verifier's code was not made from this verification key");
    }
  }
}

function pointText(point: readonly (readonly string[])[]): string {
  return point.flat().map(BigInt).join();
}
