import { isAddress } from "ethers";

import { utf8 } from "../encoding/bytes.ts";
import { type Hex, isHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { type AssuranceTier, assuranceTiers } from "./types.ts";
import { canonicalJsonBytes, parseCanonicalJson, toCanonicalJson } from "../json/canonical.ts";

/** The draw that a task belongs to; what the verdict is signed over, beside the result. */
export interface TaskPlace {
  readonly chainId: number;
  /** The registry's address, EIP-55. */
  readonly registry: string;
  readonly round: number;
  /** 32 bytes. For an introduction: the number of records of the target. */
  readonly seed: Hex;
  /** EIP-55. */
  readonly target: string;
  readonly enrolment: number;
  /** EIP-55. */
  readonly verifier: string;
}

/** What a verifier is told, under seal. There is nothing in it that depends on the reference but e. */
export interface VerificationTask {
  readonly targetUrl: string;
  /** The tier that the target is enrolled with. */
  readonly tier: AssuranceTier;
  /** N, 32 bytes. */
  readonly nonce: Hex;
  /** e, 32 bytes: what the target answers if it runs what it should. */
  readonly expected: Hex;
  /** The service's word to the target that it is asked on its behalf, 32 bytes. */
  readonly commission: Hex;
}

/** A task on its way: `POST /v1/attestation/verify`. */
export interface SealedTask {
  readonly place: TaskPlace;
  /** HPKE's encapsulated key, 32 bytes. */
  readonly enc: Hex;
  readonly ciphertext: Hex;
}

/** HPKE's `info`: a task that was sealed for one pair and draw opens for no other. */
export function taskInfo(place: TaskPlace): Uint8Array {
  return utf8(`affiant attestation task 1 ${toCanonicalJson(place)}`);
}

export function encodeTask(task: VerificationTask): Uint8Array {
  return canonicalJsonBytes(task);
}

/** @throws AffiantError ERR_INPUT_ATTESTATION, ERR_INPUT_ENCODING */
export function decodeTask(bytes: Uint8Array): VerificationTask {
  const task = parseCanonicalJson(bytes) as Record<string, unknown> | null;
  check(
    Object.keys(task ?? {}).join() === "commission,expected,nonce,targetUrl,tier",
    "a task is {commission, expected, nonce, targetUrl, tier}",
  );
  const { commission, expected, nonce, targetUrl, tier } = task as Record<string, unknown>;
  const words = [commission, expected, nonce].every((word) => isHex(word, 32));
  check(words, "commission, expected and nonce are 32 bytes");
  check(typeof targetUrl === "string" && /^https?:\/\//.test(targetUrl), "targetUrl is no http(s) URL");
  check(assuranceTiers.includes(tier as AssuranceTier), "there is no such tier");
  return {
    commission: commission as Hex,
    expected: expected as Hex,
    nonce: nonce as Hex,
    targetUrl: targetUrl as string,
    tier: tier as AssuranceTier,
  };
}

/** @throws AffiantError ERR_INPUT_ATTESTATION */
export function parseSealedTask(value: unknown): SealedTask {
  const { place, enc, ciphertext } = (value ?? {}) as Record<string, unknown>;
  const { chainId, registry, round, seed, target, enrolment, verifier } = (place ?? {}) as Record<string, unknown>;
  check([chainId, round, enrolment].every(isCount), "chainId, round and enrolment are whole numbers");
  check([registry, target, verifier].every(isAddress), "registry, target and verifier are addresses");
  check(isHex(seed, 32) && isHex(enc, 32), "seed and enc are 32 bytes");
  check(typeof ciphertext === "string" && /^0x(?:[0-9a-f]{2}){16,4096}$/.test(ciphertext), "no ciphertext");
  return value as SealedTask;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_ATTESTATION", message);
}
