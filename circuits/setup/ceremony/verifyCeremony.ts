import { type Logger, type SnarkjsVerificationKey, zKey } from "snarkjs";

import { withWorkers } from "../../curve.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { assertContributed } from "../../../protocol/zk/keyGate.ts";
import { sha256 } from "../buildCircuit.ts";
import { identifyPhase1, readBytes } from "./files.ts";
import type { PublishedPhase1 } from "./publishedPhase1.ts";

export interface Contribution {
  readonly name: string;
  /** 64 bytes, lower-case hex: what the contributor was shown. */
  readonly hash: string;
  readonly beacon?: { readonly value: string; readonly iterationsExponent: number };
}

/** What anyone can establish about a key from the circuit, the phase-1 file and the key. */
export interface CeremonyTranscript {
  readonly format: "affiant-ceremony/1";
  readonly circuit: string;
  readonly circuitHash: string;
  readonly r1csSha256: string;
  readonly zkeySha256: string;
  readonly phase1: { readonly fileName: string; readonly blake2b: string };
  readonly contributions: readonly Contribution[];
}

export interface VerifyOptions {
  readonly circuit: string;
  /** Built from source by whoever verifies. */
  readonly r1cs: string;
  readonly phase1: string;
  readonly zkey: string;
  readonly knownPhase1?: ReadonlyMap<string, PublishedPhase1>;
  readonly logger?: Logger;
}

export interface VerifiedCeremony {
  readonly transcript: CeremonyTranscript;
  readonly verificationKey: SnarkjsVerificationKey;
}

/**
 * Verifies a finished key from nothing but public files: the phase-1 file is a published one, each contribution follows
 * the one before it from the key of this very r1cs, at least one person contributed, and a beacon came last.
 * @throws AffiantError ERR_INPUT_KEY_INITIAL, ERR_INPUT_CEREMONY, ERR_INPUT_FILE
 */
export async function verifyCeremony(options: VerifyOptions): Promise<VerifiedCeremony> {
  const { circuit, r1cs, phase1, zkey, knownPhase1, logger } = options;
  const published = await identifyPhase1(phase1, knownPhase1);
  const told = new Told(logger);
  // As bytes: snarkjs leaves files open that it was given by name.
  const [r1csBytes, zkeyBytes] = [await readBytes(r1cs), await readBytes(zkey)];
  const verificationKey = await withWorkers(async () => {
    try {
      const key = await zKey.exportVerificationKey(zkeyBytes);
      // Before the costly part, and for the clearer error: snarkjs has nothing against a key without contributions.
      assertContributed(key);
      if (!(await zKey.verifyFromR1cs(r1csBytes, phase1, zkeyBytes, told))) {
        throw new AffiantError(
          "ERR_INPUT_CEREMONY",
          `the key does not follow from the circuit: ${told.errors.join("; ")}`,
        );
      }
      return key;
    } catch (cause) {
      if (cause instanceof AffiantError) throw cause;
      throw new AffiantError("ERR_INPUT_CEREMONY", `the key cannot be read: ${(cause as Error).message}`, { cause });
    }
  });
  const contributions = told.contributions();
  assertFinished(contributions);
  const [r1csSha256, zkeySha256] = [sha256(r1csBytes), sha256(zkeyBytes)];
  const { fileName, blake2b } = published;
  const head = { format: "affiant-ceremony/1" as const, circuit, circuitHash: told.circuitHash() };
  return {
    transcript: { ...head, r1csSha256, zkeySha256, phase1: { fileName, blake2b }, contributions },
    verificationKey,
  };
}

function assertFinished(contributions: readonly Contribution[]): void {
  if (contributions.every(({ beacon }) => beacon !== undefined)) {
    throw new AffiantError(
      "ERR_INPUT_CEREMONY",
      "nobody contributed: a key from beacons alone can be forged by anyone",
    );
  }
  if (contributions.at(-1)?.beacon === undefined) {
    throw new AffiantError("ERR_INPUT_CEREMONY", "the last contribution is not a beacon's: its author chose the key");
  }
}

/** snarkjs gives the contributions of a key it verified only as texts to its logger, the last one first. */
class Told implements Logger {
  readonly errors: string[] = [];
  readonly #lines: string[] = [];
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
    this.debug = (text) => this.#logger?.debug(text);
    this.info = (text) => {
      this.#lines.push(text);
    };
    this.warn = (text) => this.#logger?.warn(text);
    this.error = (text) => {
      this.errors.push(text);
    };
  }

  readonly debug: (text: string) => void;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly error: (text: string) => void;

  circuitHash(): string {
    const line = this.#lines.find((text) => text.startsWith("Circuit Hash:"));
    return hexOf(line?.slice("Circuit Hash:".length));
  }

  contributions(): readonly Contribution[] {
    const found: { name: string; hash: string; value?: string; iterationsExponent?: number }[] = [];
    for (const line of this.#lines) {
      const contribution = /^contribution #\d+ (.*):\n([\s\S]+)$/.exec(line);
      if (contribution) found.unshift({ name: contribution[1] ?? "", hash: hexOf(contribution[2]) });
      const value = /^Beacon generator: ([0-9a-f]+)$/.exec(line)?.[1];
      const exponent = /^Beacon iterations Exp: (\d+)$/.exec(line)?.[1];
      if (found[0] && value) found[0].value = value;
      if (found[0] && exponent) found[0].iterationsExponent = Number(exponent);
    }
    return found.map(({ name, hash, value, iterationsExponent }) =>
      value === undefined || iterationsExponent === undefined
        ? { name, hash }
        : { name, hash, beacon: { value, iterationsExponent } },
    );
  }
}

function hexOf(text: string | undefined): string {
  return (text ?? "").replace(/\s/g, "");
}
