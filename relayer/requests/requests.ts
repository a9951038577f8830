import { createHash, randomUUID } from "node:crypto";

import { getAddress, isAddress } from "ethers";

import type { RequestStatus } from "../../protocol/api/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Problem } from "../../protocol/errors/problem.ts";
import { type Job, makesRoom, type Simulation } from "../journal/job.ts";
import { type Journal, keyTaken } from "../journal/journal.ts";
import type { Admission } from "../admission/admission.ts";
import type { Sender } from "../sender/sender.ts";
import type { AllowList } from "./allowList.ts";
import { RequestIntake } from "./intake.ts";

export interface RequestOptions {
  /** Requests of one agent in 24 hours; 0 = no limit. */
  readonly quotaPerDay: number;
  /** Gas of one agent in 24 hours, what is under way at its limit; 0 = no limit. */
  readonly gasPerDay: number;
  /** The same for all agents together. */
  readonly budget: { readonly requests: number; readonly gas: number };
  readonly admission?: Pick<Admission, "admit">;
  readonly now: () => number;
  /** Runs the call without spending anything; throws what the contract says. */
  readonly simulate: (call: { target: string; data: Uint8Array }) => Promise<Simulation>;
  readonly onAccepted: (jobId: string) => void;
}

const dayMs = 86_400_000;

/** Carries other people's signed calls to the chain and tells how far they have come. */
export class Requests {
  readonly #journal: Journal;
  readonly #sender: Sender;
  readonly #allowList: AllowList;
  readonly #options: RequestOptions;
  readonly #intake: RequestIntake;

  constructor(journal: Journal, sender: Sender, allowList: AllowList, options: RequestOptions) {
    this.#journal = journal;
    this.#sender = sender;
    this.#allowList = allowList;
    this.#options = options;
    this.#intake = new RequestIntake(journal, () => ({
      sinceMs: options.now() - dayMs,
      requests: options.quotaPerDay,
      gas: options.gasPerDay,
      budget: options.budget,
      ...(options.admission && { admit: (agent, ticket) => options.admission?.admit(agent, ticket) }),
    }));
  }

  /**
   * Takes a call. The same idempotency key with the same call, or the same call again, is the same request; a call
   * carries the contract's own replay key (nonce), so its effect is at most once whatever happens here.
   * @param check what is costly to check, of a call that the contract would take: its signatures hold by then
   * @throws AffiantError ERR_INPUT_MALFORMED, ERR_INPUT_ENCODING, ERR_AUTH_TARGET, ERR_CONFLICT_IDEMPOTENCY_KEY,
   * ERR_LIMIT_QUOTA, ERR_LIMIT_BUDGET, ERR_AUTH_ADMISSION, ERR_AUTH_TICKET, ERR_CONFLICT_TICKET_USED, ERR_PROOF_REVERTED, ERR_PROOF_GAS_LIMIT, ERR_UNAVAILABLE_CHAIN
   */
  async submit(
    call: { target: string; data: string },
    idempotencyKey: string,
    ticket?: string,
    check?: () => Promise<void>,
  ): Promise<RequestStatus> {
    if (!isAddress(call.target) || !/^0x([0-9a-f]{2}){4,}$/.test(call.data)) {
      throw new AffiantError("ERR_INPUT_MALFORMED", "target must be an address and data lower-case hex");
    }
    if (!/^[!-~]{1,128}$/.test(idempotencyKey)) {
      throw new AffiantError("ERR_INPUT_MALFORMED", "Idempotency-Key must be 1 to 128 printable ASCII characters");
    }
    const target = getAddress(call.target);
    const { agent, repeatable, needsAdmission } = this.#allowList.check(target, call.data);
    const data = Uint8Array.from(Buffer.from(call.data.slice(2), "hex"));
    const dedupeKey = `request:${callDigest(target, data)}`;
    const known = this.#journal.byIdempotencyKey(agent, idempotencyKey);
    if (known && known.dedupeKey !== dedupeKey) throw keyTaken(known.id);
    const same = known && repeatable ? this.#journal.byId(known.id) : this.#journal.byDedupeKey(dedupeKey);
    // A call that failed may be asked for again under a new key: what made it fail may have passed. One that is
    // repeatable, once it is through; while it is on its way it is one request for all who ask.
    if (same && (known || !makesRoom(same.state, repeatable))) return toStatus(same);
    const simulation = await this.#options.simulate({ target, data });
    await check?.();
    const place = { kind: "request", agent, target, data, lane: null } as const;
    const job = await this.#intake.add({
      job: { id: randomUUID(), dedupeKey, ...place },
      idempotencyKey,
      simulation,
      repeatable,
      ticket,
      needsAdmission,
    });
    this.#options.onAccepted(job.id);
    this.#sender.wake();
    return toStatus(job);
  }

  /** @throws AffiantError ERR_NOT_FOUND_REQUEST */
  status(id: string): RequestStatus & { readonly attempts: readonly string[] } {
    const job = this.#journal.byId(id);
    if (job?.kind !== "request") throw new AffiantError("ERR_NOT_FOUND_REQUEST", "no request has this id");
    return { ...toStatus(job), attempts: this.#journal.attempts(id).map((attempt) => attempt.hash) };
  }
}

function callDigest(target: string, data: Uint8Array): string {
  return createHash("sha256").update(target.toLowerCase()).update(data).digest("hex");
}

function toStatus(job: Job): RequestStatus {
  return {
    id: job.id,
    state: job.state,
    ...(job.txHash === null ? {} : { txHash: job.txHash as Hex }),
    ...(job.blockNumber === null ? {} : { blockNumber: job.blockNumber }),
    ...(job.gasUsed === null ? {} : { gasUsed: job.gasUsed }),
    ...(job.error === null ? {} : { error: JSON.parse(job.error) as Problem }),
  };
}
