import type { EntrySubmission } from "../../protocol/api/types.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ChainClaims, Registries } from "../chain/registries.ts";
import type { RateLimiter } from "../http/rateLimit.ts";
import type { Log } from "../log/log.ts";
import type { Attributes, Traces } from "../traces/traces.ts";
import type { Answer } from "./answer.ts";
import { type LeafRun, toLeafRun } from "./leafRun.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Verification, VerifiedEntry } from "./verifiedEntry.ts";
import type { VerifyPool } from "./verifyPool.ts";

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

  /** @throws AffiantError ERR_UNAVAILABLE_QUEUE, ERR_UNAVAILABLE_STOPPING; whatever else the entry is refused with is in the answer */
  submit(submission: EntrySubmission): Promise<Answer> {
    return this.submitRunOfOne(toLeafRun([submission]));
  }

  /** Each entry has its own answer. @throws AffiantError ERR_UNAVAILABLE_QUEUE, ERR_UNAVAILABLE_STOPPING for the whole */
  submitBatch(submissions: readonly EntrySubmission[]): Promise<Answer[]> {
    return this.submitRun(toLeafRun(submissions));
  }

  /** As {@link submit}, of a run of one entry. */
  async submitRunOfOne(run: LeafRun): Promise<Answer> {
    this.#reserve(1);
    try {
      const [verification] = await this.#step("verify", {}, async () => [await this.#pool.verifyOne(run)], thrownFor);
      const [answer] = await this.#answer([verification as Verification], {});
      return answer as Answer;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** As {@link submitBatch}. */
  async submitRun(run: LeafRun): Promise<Answer[]> {
    const count = run.bounds.length / 2;
    this.#reserve(count);
    try {
      const size = { "affiant.entries": count };
      return await this.#answer(await this.#step("verify", size, () => this.#pool.verify(run), thrownFor), size);
    } finally {
      this.#underWay -= count;
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

  async #answer(verifications: readonly Verification[], size: Attributes): Promise<Answer[]> {
    const refusals = await this.#step(
      "admit",
      size,
      () => this.#admit(verifications),
      (refusal) => refusal,
    );
    const admitted = verifications.flatMap(({ entry }, i) => (entry && refusals[i] === undefined ? [entry] : []));
    const sequence = () => this.#sequencer.submit(admitted);
    const answers = (await this.#step("sequence", size, sequence, ({ error }) => error)).values();
    return refusals.map((error) => (error === undefined ? (answers.next().value as Answer) : { error }));
  }

  /** A span around a step; where a single entry came, its refusal is the span's. */
  async #step<T>(
    name: string,
    size: Attributes,
    work: () => Promise<T[]>,
    refusalOf: (result: T) => unknown,
  ): Promise<T[]> {
    let results: T[] | undefined;
    try {
      await this.#options.traces.span(name, size, async () => {
        results = await work();
        const [only] = results;
        const refusal = results.length === 1 ? refusalOf(only as T) : undefined;
        if (refusal !== undefined) throw refusal;
      });
    } catch (error) {
      if (results === undefined) throw error;
    }
    return results as T[];
  }

  /**
   * Asks the chain what must be asked, once for all entries that say the same about it, and side by side.
   * @returns what each entry is refused with, undefined for those that may go on
   */
  async #admit(verifications: readonly Verification[]): Promise<unknown[]> {
    const standings = verifications.map(({ entry }) => (entry ? this.#standing(entry) : "known"));
    const asked = verifications.flatMap(({ entry }, i) => (entry && standings[i] !== "known" ? [entry.claims] : []));
    const keys = await refusalsOf(asked, (claims) => this.#registries.checkKey(claims));
    const refusals = verifications.map(({ entry, refusal }, i): unknown => {
      if (refusal) return thrownFor({ refusal });
      if (standings[i] === "known") return undefined;
      return keys.get(entry.claims) ?? this.#overLimit(entry.claims.did);
    });
    const isOpen = (i: number) => refusals[i] === undefined && standings[i] === "new";
    const open = verifications.flatMap(({ entry }, i) => (entry && isOpen(i) ? [entry.claims] : []));
    const blocks = await refusalsOf(open, (claims) => this.#registries.checkBlockAndPolicy(claims));
    return refusals.map((refusal, i) => {
      const claims = verifications[i]?.entry?.claims;
      return claims && isOpen(i) ? blocks.get(claims) : refusal;
    });
  }

  #overLimit(did: string): unknown {
    try {
      this.#options.agentLimit.count(did);
      return undefined;
    } catch (refusal) {
      return refusal;
    }
  }

  /**
   * An entry that is in the log is answered from it, whatever became of the agent, its key or the chain since; one that
   * takes another's number is kept as evidence if its key speaks for the agent.
   */
  #standing({ claims, seq, entryId }: VerifiedEntry): "new" | "known" | "rival" {
    const head = this.#log.agent(claims.did);
    if (head === undefined || seq >= head.nextSeq) return "new";
    const known = this.#log.entries.bySeq(head.id, seq);
    return known !== undefined && bytesEqual(known.entryId, entryId) ? "known" : "rival";
  }
}

function thrownFor({ refusal }: Verification): AffiantError | undefined {
  return refusal && new AffiantError(refusal.code, refusal.message);
}

/** Asks once about each; those that are refused, and with what. */
async function refusalsOf(
  asked: readonly ChainClaims[],
  ask: (claims: ChainClaims) => Promise<void>,
): Promise<Map<ChainClaims, unknown>> {
  const refusals = new Map<ChainClaims, unknown>();
  const each = [...new Set(asked)].map((claims) => ask(claims).catch((error: unknown) => refusals.set(claims, error)));
  await Promise.all(each);
  return refusals;
}
