import { getAddress, type Wallet } from "ethers";
import { LRUCache } from "lru-cache";

import { openAuthenticated } from "../../agent/sealing/hpke.ts";
import {
  decodeTask,
  type SealedTask,
  taskInfo,
  type TaskPlace,
  type VerificationTask,
} from "../../protocol/attestation/task.ts";
import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import type { EncryptionKeys } from "../evidence/encryptionKeys.ts";
import { examine, type ExamineOptions } from "./examine.ts";
import { signVerdict, type Verdict } from "./signVerdict.ts";

export interface VerifierOptions extends ExamineOptions {
  /** Account of the agent, which owns itself. */
  readonly account: Wallet;
  readonly chainId: number;
  /** The attestation registry's address. */
  readonly registry: string;
  readonly encryptionKeys: EncryptionKeys;
  /** X25519 key of the service, 32 bytes: who may give tasks. */
  readonly servicePublicKey: Hex;
  /** Whether the draw says so as well: the service must not choose verifiers. Left out, the contract alone decides. */
  readonly isDrawn?: (place: TaskPlace) => Promise<boolean>;
}

/** Verifies other agents when the service brings a task. One answer a seat: asked again, it says the same again. */
export class Verifier {
  readonly #options: VerifierOptions;
  readonly #verdicts = new LRUCache<string, Promise<Verdict>>({ max: 1024 });

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /**
   * @throws AffiantError ERR_INPUT_ATTESTATION for a task of another verifier or registry, or a draw that the chain does
   * not know; ERR_PROOF_SEAL if it is not from the service or not for the keys at hand
   */
  async verify(sealed: SealedTask): Promise<Verdict> {
    // Opened before it is looked whether the seat has a verdict: what is not from the service stands in nobody's way.
    const task = await this.#open(sealed);
    const seat = toCanonicalJson(sealed.place);
    let verdict = this.#verdicts.get(seat);
    if (!verdict) {
      verdict = this.#verify(sealed.place, task);
      this.#verdicts.set(seat, verdict);
      // A refused task must not block the seat for the genuine one.
      verdict.catch(() => this.#verdicts.delete(seat));
    }
    return verdict;
  }

  async #open({ place, enc, ciphertext }: SealedTask): Promise<VerificationTask> {
    const { account, chainId, registry, encryptionKeys, servicePublicKey } = this.#options;
    const ours = getAddress(place.verifier) === account.address && getAddress(place.registry) === getAddress(registry);
    if (!ours || place.chainId !== chainId) {
      throw new AffiantError("ERR_INPUT_ATTESTATION", "the task is for another verifier or another registry");
    }
    const message = await openAuthenticated(
      { enc: fromHex(enc, 32), ciphertext: fromHex(ciphertext) },
      taskInfo(place),
      await encryptionKeys.forRound(place.round),
      fromHex(servicePublicKey, 32),
    );
    return decodeTask(message);
  }

  async #verify(place: TaskPlace, task: VerificationTask): Promise<Verdict> {
    const { account, isDrawn } = this.#options;
    if (isDrawn && !(await isDrawn(place))) {
      throw new AffiantError("ERR_INPUT_ATTESTATION", "this agent is not drawn for that target");
    }
    return signVerdict(await examine(task, place, this.#options), place, account);
  }
}
