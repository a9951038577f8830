import { randomBytes } from "node:crypto";

import { type Logger, zKey } from "snarkjs";

import { withWorkers } from "../../curve.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { assertAbsent, identifyPhase1 } from "./files.ts";
import type { PublishedPhase1 } from "./publishedPhase1.ts";

/** What a step tells on its way; `debug` texts carry "done/total". */
export type StepLogger = Logger;

export interface InitOptions {
  readonly r1cs: string;
  readonly phase1: string;
  /** Where the initial key goes. */
  readonly to: string;
  readonly knownPhase1?: ReadonlyMap<string, PublishedPhase1>;
  readonly logger?: StepLogger;
}

/**
 * Opens phase 2 for a circuit. The key it writes is initial: anyone can forge proofs for it until somebody contributes.
 * @returns the circuit's hash, which every later file of this ceremony carries
 * @throws AffiantError ERR_INPUT_CEREMONY, ERR_INPUT_FILE
 */
export async function initCeremony({ r1cs, phase1, to, knownPhase1, logger }: InitOptions): Promise<string> {
  await assertAbsent(to);
  await identifyPhase1(phase1, knownPhase1);
  const errors: string[] = [];
  const hash = await withWorkers(() => zKey.newZKey(r1cs, phase1, to, collecting(logger, errors)));
  if (hash === -1) throw new AffiantError("ERR_INPUT_CEREMONY", `phase 2 cannot start: ${errors.join("; ")}`);
  return toText(hash);
}

export interface ContributeOptions {
  /** The file received. */
  readonly from: string;
  /** The file to pass on. */
  readonly to: string;
  /** Stands in the file for all to read. */
  readonly name: string;
  readonly logger?: StepLogger;
}

/**
 * Adds one person's secret, which is forgotten when this ends. One honest contributor among all makes the key safe.
 * @returns the contribution's hash: publish it, so that you can later see that you were not left out
 * @throws AffiantError ERR_INPUT_CEREMONY
 */
export async function contribute({ from, to, name, logger }: ContributeOptions): Promise<string> {
  if (!/^[\x20-\x7e]{1,64}$/.test(name)) {
    throw new AffiantError("ERR_INPUT_CEREMONY", "a contributor's name has 1 to 64 printable ASCII characters");
  }
  await assertAbsent(to);
  // snarkjs mixes this with randomness of its own.
  const entropy = randomBytes(64).toString("hex");
  return toText(await step(() => withWorkers(() => zKey.contribute(from, to, name, entropy, logger))));
}

export interface BeaconOptions {
  readonly from: string;
  readonly to: string;
  /** Public randomness that nobody knew before the last contribution, such as the hash of a block announced beforehand. */
  readonly beacon: string;
  /** SHA-256 is applied 2^exponent times, 10 to 63. */
  readonly iterationsExponent: number;
  readonly logger?: StepLogger;
}

/**
 * Ends the contributions with public randomness, so that the last contributor did not choose the key.
 * @throws AffiantError ERR_INPUT_CEREMONY
 */
export async function applyBeacon(options: BeaconOptions): Promise<string> {
  const { from, to, iterationsExponent, logger } = options;
  const beacon = options.beacon.replace(/^0x/, "");
  if (!/^([0-9a-f]{2}){32,255}$/.test(beacon)) {
    throw new AffiantError("ERR_INPUT_CEREMONY", "a beacon is 32 to 255 bytes of lower-case hex");
  }
  if (!Number.isInteger(iterationsExponent) || iterationsExponent < 10 || iterationsExponent > 63) {
    throw new AffiantError("ERR_INPUT_CEREMONY", "the beacon's exponent is from 10 to 63");
  }
  await assertAbsent(to);
  const hash = await step(() => withWorkers(() => zKey.beacon(from, to, "beacon", beacon, iterationsExponent, logger)));
  if (hash === false) throw new AffiantError("ERR_INPUT_CEREMONY", "the beacon was not taken");
  return toText(hash);
}

async function step<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_CEREMONY", `the key cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Hashes are shown as lower-case hex, 64 bytes. */
function toText(hash: Uint8Array): string {
  return Buffer.from(hash).toString("hex");
}

function collecting(logger: StepLogger | undefined, errors: string[]): StepLogger {
  const ignore = (): void => undefined;
  const { debug, info, warn } = logger ?? { debug: ignore, info: ignore, warn: ignore };
  return { debug, info, warn, error: (text) => void errors.push(text) };
}
