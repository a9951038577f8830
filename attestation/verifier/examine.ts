import { setTimeout as sleep } from "node:timers/promises";

import type { Challenge } from "../../protocol/attestation/challenge.ts";
import {
  decodeEvidence,
  type DecodedEvidence,
  evidenceHashOf,
  faultOfEvidence,
  platformBindingOf,
} from "../../protocol/attestation/evidence.ts";
import type { TaskPlace, VerificationTask } from "../../protocol/attestation/task.ts";
import type { AttestationResult } from "../../protocol/attestation/types.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { PlatformAppraiser } from "../evidence/backend.ts";
import { postJson } from "./postJson.ts";

export const noEvidence: Hex = `0x${"00".repeat(32)}`;

/** What a verifier found. */
export interface Finding {
  readonly result: Exclude<AttestationResult, "none">;
  readonly attempts: number;
  /** SHA-256 of the evidence; zero with time-out. */
  readonly evidenceHash: Hex;
  readonly evidence: string | null;
}

export interface ExamineOptions {
  /** Whether a key is a signing key of the agent, by the agent registry. */
  readonly isSigningKey: (agent: string, publicKey: Uint8Array) => Promise<boolean>;
  readonly appraisers?: readonly PlatformAppraiser[];
  /** Default 3. */
  readonly attempts?: number;
  /** Of one attempt; measuring a large program takes a while. Default 10,000. */
  readonly attemptTimeoutMs?: number;
  /**
   * From the beginning of the first attempt to that of the last. Whoever keeps the target busy, or the line down, has to do so for
   * as long and not for the moment in which three refusals come. Default 15,000.
   */
  readonly spreadMs?: number;
  /** The target's URL is its wrapper's own word: also on this machine and in private networks? Default false. */
  readonly allowPrivate?: boolean;
  /** Milliseconds of a clock that only goes forward, and how to wait on it; a test has its own. */
  readonly clock?: Clock;
}

export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
}

const machineClock: Clock = { nowMs: () => performance.now(), sleep: (ms) => sleep(ms) };

/**
 * Asks a target and compares. Only what the target itself signed for this very challenge can speak against it: garbage, a
 * foreign key or an old answer may come from anybody between the two, so it counts as no answer. A target wins nothing
 * by that, since it could be silent as well; three time-outs in a row cost it its trust.
 */
export async function examine(task: VerificationTask, place: TaskPlace, options: ExamineOptions): Promise<Finding> {
  const { attempts = 3, spreadMs = 15_000, clock = machineClock } = options;
  const startedMs = clock.nowMs();
  const chainId = BigInt(place.chainId);
  const challenge: Challenge = {
    round: place.round,
    target: formatEthrDid(chainId, place.target),
    verifier: formatEthrDid(chainId, place.verifier),
    nonce: task.nonce,
    commission: task.commission,
  };
  for (let attempt = 1; attempt <= attempts; attempt++) {
    // Spread evenly; an attempt that took longer than its share is followed at once.
    const dueMs = startedMs + (attempts > 1 ? ((attempt - 1) * spreadMs) / (attempts - 1) : 0);
    if (dueMs > clock.nowMs()) await clock.sleep(dueMs - clock.nowMs());
    const evidence = await ask(task.targetUrl, challenge, options);
    const verdict = evidence === null ? null : await judge(evidence, task, place, challenge, options);
    if (evidence !== null && verdict !== null) {
      const result = verdict ? "pass" : "fail";
      return { result, attempts: attempt, evidenceHash: evidenceHashOf(evidence), evidence };
    }
  }
  return { result: "timeout", attempts, evidenceHash: noEvidence, evidence: null };
}

async function ask(
  url: string,
  challenge: Challenge,
  { attemptTimeoutMs: timeoutMs = 10_000, allowPrivate = false }: ExamineOptions,
): Promise<string | null> {
  try {
    const answer = await postJson(`${url}/v1/attestation/challenge`, challenge, { timeoutMs, allowPrivate });
    const { evidence } = answer as { evidence?: unknown };
    return typeof evidence === "string" ? evidence : null;
  } catch {
    return null;
  }
}

/** @returns null if it is no answer of the target to this challenge */
async function judge(
  text: string,
  task: VerificationTask,
  place: TaskPlace,
  challenge: Challenge,
  { isSigningKey, appraisers = [] }: ExamineOptions,
): Promise<boolean | null> {
  let evidence: DecodedEvidence;
  try {
    evidence = decodeEvidence(text);
  } catch {
    return null;
  }
  if (faultOfEvidence(evidence, challenge, verifyNative) !== null) return null;
  if (!(await isSigningKey(place.target, evidence.publicKey))) return null;
  const { claims } = evidence;
  if (claims.answer !== task.expected || claims.tier !== task.tier) return false;
  if (claims.platform === undefined) return true;
  const appraiser = appraisers.find(({ tier }) => tier === claims.tier);
  return appraiser ? appraiser.appraise(claims.platform, platformBindingOf(claims)) : null;
}
