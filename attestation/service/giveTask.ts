import { randomBytes } from "node:crypto";

import { LRUCache } from "lru-cache";

import { type EncryptionKeyPair, sealAuthenticated } from "../../agent/sealing/hpke.ts";
import { type Challenge, commissionOf } from "../../protocol/attestation/challenge.ts";
import { decodeEvidence, faultOfEvidence } from "../../protocol/attestation/evidence.ts";
import {
  encodeTask,
  type SealedTask,
  taskInfo,
  type TaskPlace,
  type VerificationTask,
} from "../../protocol/attestation/task.ts";
import { attestationResults } from "../../protocol/attestation/types.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromHex, type Hex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { postJson } from "../verifier/postJson.ts";
import type { Verdict } from "../verifier/signVerdict.ts";
import { expectedAnswer, type Reference } from "./references.ts";

export interface TaskGiverOptions {
  /** EIP-55; in whose name the service asks for keys. */
  readonly account: string;
  readonly chainId: number;
  readonly keys: EncryptionKeyPair;
  readonly isSigningKey: (agent: string, publicKey: Uint8Array) => Promise<boolean>;
  /** How long a verifier may take, all its attempts included. Default 45,000. */
  readonly verifyTimeoutMs?: number;
  /** Also wrappers on this machine and in private networks: where they are is their own word. Default false. */
  readonly allowPrivate?: boolean;
  /** Told when a verifier's own evidence is not what its reference says. The contract's rounds decide what follows. */
  readonly onWrongAnswer?: (agent: string, round: number) => void;
}

/** Brings tasks to verifiers and verdicts back. */
export class TaskGiver {
  readonly #options: TaskGiverOptions;
  /** A verifier has one key a round, and stands on several panels: measuring it for each would slow down the round. */
  readonly #recipients = new LRUCache<string, Promise<Hex>>({ max: 4096 });

  constructor(options: TaskGiverOptions) {
    this.#options = options;
  }

  /**
   * What is sealed for a verifier: everything it learns about its target.
   * @param nonce N; the same one when a task is brought again
   */
  taskFor(target: Reference, place: TaskPlace, nonce: Hex): VerificationTask {
    const chainId = BigInt(place.chainId);
    const [asked, verifier] = [formatEthrDid(chainId, place.target), formatEthrDid(chainId, place.verifier)];
    const question = { round: place.round, target: asked, verifier, nonce };
    const commission = commissionOf(question, fromHex(target.agentKey, 32));
    return { targetUrl: target.url, nonce, expected: expectedAnswer(target, nonce), tier: target.tier, commission };
  }

  /**
   * Has one agent verify another.
   * @throws AffiantError ERR_UNAVAILABLE_TARGET if no sound verdict comes back
   */
  async verdictOf(verifier: Reference, target: Reference, place: TaskPlace, nonce: Hex): Promise<Verdict> {
    const { keys, verifyTimeoutMs: timeoutMs = 45_000, allowPrivate = false } = this.#options;
    const recipient = await this.#recipientOf(verifier, place.round);
    const message = encodeTask(this.taskFor(target, place, nonce));
    const sealed = await sealAuthenticated(message, taskInfo(place), fromHex(recipient, 32), keys);
    const body: SealedTask = { place, enc: toHex(sealed.enc), ciphertext: toHex(sealed.ciphertext) };
    try {
      return readVerdict(
        await postJson(`${verifier.url}/v1/attestation/verify`, body, { timeoutMs, allowPrivate }),
        place,
      );
    } catch (error) {
      // Started again since, it has another key: the next try asks for it.
      this.#recipients.delete(recipientId(verifier, place.round));
      throw error;
    }
  }

  /** Introductions are all in round 0, over years: what was true of one says nothing of the next. */
  #recipientOf(verifier: Reference, round: number): Promise<Hex> {
    if (round === 0) return this.#encryptionKeyOf(verifier, round);
    const id = recipientId(verifier, round);
    let recipient = this.#recipients.get(id);
    if (!recipient) {
      recipient = this.#encryptionKeyOf(verifier, round);
      this.#recipients.set(id, recipient);
      recipient.catch(() => this.#recipients.delete(id));
    }
    return recipient;
  }

  /** The X25519 key in evidence that the verifier itself gives: nobody else can have a task sealed to a key of theirs. */
  async #encryptionKeyOf(verifier: Reference, round: number): Promise<Hex> {
    const { account, chainId, isSigningKey, onWrongAnswer, allowPrivate = false } = this.#options;
    const timeoutMs = this.#options.verifyTimeoutMs ?? 45_000;
    const question = {
      round,
      target: formatEthrDid(BigInt(chainId), verifier.agent),
      verifier: formatEthrDid(BigInt(chainId), account),
      nonce: toHex(randomBytes(32)),
    };
    const challenge: Challenge = {
      ...question,
      commission: commissionOf(question, fromHex(verifier.agentKey, 32)),
    };
    const answer = await postJson(`${verifier.url}/v1/attestation/challenge`, challenge, {
      timeoutMs,
      allowPrivate,
    });
    const { evidence } = answer as { evidence?: unknown };
    if (typeof evidence !== "string") throw unsound("its evidence is missing");
    const decoded = decodeEvidence(evidence);
    const fault = faultOfEvidence(decoded, challenge, verifyNative);
    if (fault !== null) throw unsound(`its evidence has a wrong ${fault}`);
    if (!(await isSigningKey(verifier.agent, decoded.publicKey))) throw unsound("its evidence is under a foreign key");
    if (decoded.claims.answer !== expectedAnswer(verifier, challenge.nonce)) onWrongAnswer?.(verifier.agent, round);
    return decoded.claims.encryptionKey;
  }
}

/** By commitment: an agent's new version is another verifier. */
function recipientId({ commitment }: Reference, round: number): string {
  return `${commitment} ${round}`;
}

function readVerdict(value: unknown, { verifier }: TaskPlace): Verdict {
  const { result, attempts, evidenceHash, signature, evidence } = (value ?? {}) as Record<string, unknown>;
  const sound =
    ["pass", "fail", "timeout"].includes(attestationResults[result as number] ?? "none") &&
    Number.isSafeInteger(attempts) &&
    (attempts as number) >= 0 &&
    (attempts as number) < 256 &&
    isHex(evidenceHash, 32) &&
    typeof signature === "string" &&
    /^0x[0-9a-f]{2,2048}$/.test(signature);
  if (!sound) throw unsound("its verdict has another form");
  return {
    verifier,
    result: result as number,
    attempts: attempts as number,
    evidenceHash: evidenceHash as Hex,
    signature: signature as Hex,
    evidence: typeof evidence === "string" ? evidence : null,
  };
}

function unsound(why: string): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_TARGET", `the verifier gives no sound verdict: ${why}`);
}
