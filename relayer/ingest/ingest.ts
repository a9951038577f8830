import { type BatchResult, type EntrySubmission } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { type Registries } from "../chain/registries.ts";
import { type RateLimiter } from "../http/rateLimit.ts";
import { type Log } from "../log/log.ts";
import { asciiJson } from "../log/receiptText.ts";
import { type Traces } from "../traces/traces.ts";
import { type Sequenced, type Sequencer } from "./sequencer.ts";
import { type Submission, type Verification, type VerifiedEntry } from "./verifiedEntry.ts";
import { type VerifyPool } from "./verifyPool.ts";

/** JSON text of a {@link BatchResult}, in ASCII. */
export type BatchResultText = string;

export interface IngestOptions {
  /** Entries that may be under way at once; more are turned away. */
  readonly queueLimit: number;
  /** Entries of one agent; counted once the key is known to be its own, so that nobody can use up another's. */
  readonly agentLimit: RateLimiter;
  readonly traces: Traces;
}

/** From submission to receipt: check the form and the signature, ask the chain, put in order. */
export class Ingest {
  readonly #pool: VerifyPool;
  readonly #registries: Registries;
  readonly #sequencer: Sequencer;
  readonly #log: Log;
  readonly #options: IngestOptions;
  #underWay = 0;
  #stopping = false;

  constructor(pool: VerifyPool, registries: Registries, sequencer: Sequencer, log: Log, options: IngestOptions) {
    this.#pool = pool;
    this.#registries = registries;
    this.#sequencer = sequencer;
    this.#log = log;
    this.#options = options;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** @throws AffiantError with the code of the refusal */
  async submit(submission: EntrySubmission): Promise<Sequenced> {
    this.#reserve(1);
    try {
      const { traces } = this.#options;
      const verified = await traces.span("verify", {}, () => this.#pool.verifyOne(plain(submission)));
      const entry = await traces.span("admit", {}, () => this.#admit(verified));
      return await traces.span("sequence", {}, () => this.#sequencer.submit(entry));
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Each entry has its own answer. @throws AffiantError ERR_UNAVAILABLE_QUEUE, ERR_UNAVAILABLE_STOPPING for the whole */
  async submitBatch(submissions: readonly EntrySubmission[]): Promise<BatchResultText[]> {
    this.#reserve(submissions.length);
    try {
      const { traces } = this.#options;
      const size = { "affiant.entries": submissions.length };
      const verifications = await traces.span("verify", size, () => this.#pool.verify(submissions.map(plain)));
      // Questions to the chain run side by side, but the entries go into the sequencer in the order they came.
      const admissions = await traces.span("admit", size, () =>
        Promise.allSettled(verifications.map((verification) => this.#admit(verification))),
      );
      return await traces.span("sequence", size, () =>
        Promise.all(admissions.map((admission) => this.#answer(admission))),
      );
    } finally {
      this.#underWay -= submissions.length;
    }
  }

  /** Takes nothing new; what is under way is finished by the caller's drain. */
  stop(): void {
    this.#stopping = true;
  }

  #reserve(count: number): void {
    if (this.#stopping) throw new AffiantError("ERR_UNAVAILABLE_STOPPING", "the relayer takes no more entries");
    if (this.#underWay + count > this.#options.queueLimit) {
      throw new AffiantError("ERR_UNAVAILABLE_QUEUE", `${this.#underWay} entries are under way already`);
    }
    this.#underWay += count;
  }

  async #answer(admission: PromiseSettledResult<VerifiedEntry>): Promise<BatchResultText> {
    try {
      if (admission.status === "rejected") throw admission.reason;
      const { receipt, isNew } = await this.#sequencer.submit(admission.value);
      return `{"status":${isNew ? 201 : 200},"receipt":${receipt}}`;
    } catch (error) {
      const problem = toProblem(error);
      return asciiJson({ status: problem.status, problem } satisfies BatchResult);
    }
  }

  async #admit({ entry, refusal }: Verification): Promise<VerifiedEntry> {
    if (refusal) throw new AffiantError(refusal.code, refusal.message);
    const head = this.#log.agent(entry.did);
    const isTaken = head !== undefined && entry.seq < head.nextSeq;
    // An entry that is in the log is answered from it, whatever became of the agent, its key or the chain since.
    if (isTaken && this.#isKnown(head.id, entry.seq, entry.entryId)) return entry;
    await this.#registries.checkKey(entry);
    this.#options.agentLimit.count(entry.did);
    if (!isTaken) await this.#registries.checkBlockAndPolicy(entry);
    return entry;
  }

  #isKnown(agentId: number, seq: number, entryId: Uint8Array): boolean {
    const known = this.#log.entries.bySeq(agentId, seq);
    return known !== undefined && Buffer.compare(known.entryId, entryId) === 0;
  }
}

function plain({ leaf, disclosures }: EntrySubmission): Submission {
  return { leaf, disclosures: disclosures ?? [] };
}
