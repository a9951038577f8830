/** The parts of snarkjs used here; the package has no types of its own. */
declare module "snarkjs" {
  /** A path, bytes, or a file in memory whose `data` is filled by the function that writes it. */
  export type FastFile = string | Uint8Array | MemoryFile;
  export interface MemoryFile {
    type: "mem";
    data?: Uint8Array;
  }

  export interface Logger {
    debug(text: string): void;
    info(text: string): void;
    warn(text: string): void;
    error(text: string): void;
  }

  /** An element of G1 or G2 in the form of the library, in Montgomery representation. */
  export type CurvePoint = Uint8Array;
  export interface CurveGroup {
    readonly g: CurvePoint;
    readonly zero: CurvePoint;
    add(a: CurvePoint, b: CurvePoint): CurvePoint;
    neg(a: CurvePoint): CurvePoint;
    eq(a: CurvePoint, b: CurvePoint): boolean;
    timesScalar(a: CurvePoint, scalar: bigint): CurvePoint;
    toAffine(a: CurvePoint): CurvePoint;
    fromObject(a: unknown): CurvePoint;
    toObject(a: CurvePoint): bigint[] & bigint[][];
  }
  export interface Curve {
    readonly name: string;
    readonly q: bigint;
    readonly r: bigint;
    readonly G1: CurveGroup;
    readonly G2: CurveGroup;
    terminate(): Promise<void>;
  }

  export interface SnarkjsProof {
    readonly pi_a: readonly string[];
    readonly pi_b: readonly (readonly string[])[];
    readonly pi_c: readonly string[];
    readonly protocol: string;
    readonly curve: string;
  }
  export interface SnarkjsVerificationKey {
    readonly protocol: string;
    readonly curve: string;
    readonly nPublic: number;
    readonly vk_alpha_1: readonly string[];
    readonly vk_beta_2: readonly (readonly string[])[];
    readonly vk_gamma_2: readonly (readonly string[])[];
    readonly vk_delta_2: readonly (readonly string[])[];
    readonly IC: readonly (readonly string[])[];
  }

  export const curves: {
    getCurveFromName(name: string, options?: { singleThread?: boolean }): Promise<Curve>;
  };

  export const groth16: {
    fullProve(
      input: Readonly<Record<string, string | bigint>>,
      wasm: FastFile,
      zkey: FastFile,
      logger?: Logger,
    ): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
    prove(
      zkey: FastFile,
      witness: FastFile,
      logger?: Logger,
    ): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
    verify(
      verificationKey: SnarkjsVerificationKey,
      publicSignals: readonly string[],
      proof: SnarkjsProof,
      logger?: Logger,
    ): Promise<boolean>;
  };

  export const powersOfTau: {
    newAccumulator(curve: Curve, power: number, to: FastFile, logger?: Logger): Promise<Uint8Array>;
    beacon(
      from: FastFile,
      to: FastFile,
      name: string,
      beaconHash: string,
      iterationsExponent: number,
      logger?: Logger,
    ): Promise<Uint8Array>;
    preparePhase2(from: FastFile, to: FastFile, logger?: Logger): Promise<void>;
    verify(ptau: FastFile, logger?: Logger): Promise<boolean>;
  };

  export const r1cs: {
    info(file: FastFile, logger?: Logger): Promise<R1csHeader>;
    exportJson(file: FastFile, logger?: Logger): Promise<R1cs>;
  };
  export interface R1csHeader {
    readonly prime: bigint;
    readonly nVars: number;
    readonly nOutputs: number;
    readonly nPubInputs: number;
    readonly nPrvInputs: number;
    readonly nLabels: number;
    readonly nConstraints: number;
  }
  /** Wire index (decimal text) to coefficient. */
  export type LinearCombination = Readonly<Record<string, bigint | string>>;
  export interface R1cs extends R1csHeader {
    readonly constraints: readonly (readonly [LinearCombination, LinearCombination, LinearCombination])[];
    readonly map: readonly number[];
  }

  export const wtns: {
    calculate(input: Readonly<Record<string, string | bigint>>, wasm: FastFile, to: FastFile): Promise<void>;
    check(r1cs: FastFile, witness: FastFile, logger?: Logger): Promise<boolean>;
    exportJson(witness: FastFile): Promise<bigint[]>;
  };

  export interface ZkeyContribution {
    readonly name?: string;
    /** 0: a person's, 1: a beacon's. */
    readonly type: number;
    readonly beaconHash?: Uint8Array;
    readonly numIterationsExp?: number;
  }
  export const zKey: {
    /** The circuit's hash, or -1 after an error that went to the logger. */
    newZKey(r1cs: FastFile, ptau: FastFile, to: FastFile, logger?: Logger): Promise<Uint8Array | -1>;
    /** The contribution's hash. */
    contribute(from: FastFile, to: FastFile, name: string, entropy: string, logger?: Logger): Promise<Uint8Array>;
    /** The contribution's hash, or false after an error that went to the logger. */
    beacon(
      from: FastFile,
      to: FastFile,
      name: string,
      beaconHash: string,
      iterationsExponent: number,
      logger?: Logger,
    ): Promise<Uint8Array | false>;
    verifyFromR1cs(r1cs: FastFile, ptau: FastFile, zkey: FastFile, logger?: Logger): Promise<boolean>;
    exportVerificationKey(zkey: FastFile, logger?: Logger): Promise<SnarkjsVerificationKey>;
    exportSolidityVerifier(zkey: FastFile, templates: { readonly groth16: string }, logger?: Logger): Promise<string>;
    exportJson(zkey: FastFile): Promise<unknown>;
  };
}
