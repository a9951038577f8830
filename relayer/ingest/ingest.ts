import type { EntrySubmission } from "../../protocol/api/types.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Admission } from "../admission/admission.ts";
import type { ChainClaims, Registries } from "../chain/registries.ts";
import type { RateLimiter } from "../http/rateLimit.ts";
import type { Log } from "../log/log.ts";
import type { Attributes, Traces } from "../traces/traces.ts";
import type { Answer } from "./answer.ts";
import { type LeafRun, toLeafRun } from "./leafRun.ts";
import type { Sequencer } from "./sequencer.ts";
import { Strangers } from "./strangers.ts";
import { trialQuestions, Trials } from "./trial.ts";
import type { Verification, VerifiedEntry } from "./verifiedEntry.ts";
import type { VerifyPool } from "./verifyPool.ts";

export interface IngestOptions {
  /** Entries that may be under way at once; more are turned away. As many more may wait to be looked at. */
  readonly queueLimit: number;
  /** Entries of one agent; counted once the key is known to be its own, so that nobody can use up another's. */
  readonly agentLimit: RateLimiter;
  readonly traces: Traces;
  /** Asked about agents that have no entry yet. */
  readonly admission: Pick<Admission, "refusalOf">;
}

/** From submission to receipt: check the form and the signature, ask the chain, put in order. */
export class Ingest {
  readonly #pool: VerifyPool;
  readonly #registries: Registries;
  readonly #sequencer: Sequencer;
  readonly #log: Log;
  readonly #options: IngestOptions;
  readonly #strangers: Strangers;
  readonly #trials = new Trials();
  #underWay = 0;
  #stopping = false;

  constructor(pool: VerifyPool, registries: Registries, sequencer: Sequencer, log: Log, options: IngestOptions) {
    this.#pool = pool;
    this.#registries = registries;
    this.#sequencer = sequencer;
    this.#log = log;
    this.#options = options;
    this.#strangers = new Strangers(options.queueLimit);
  }

  /** Entries that are their agent's own and wait for their receipt: what the queue is bounded by. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Entries of which it is not known yet whose they are. */
  get unknown(): number {
    return this.#strangers.held;
  }

  /**
   * @param source whom it is charged to until it is known whose it is: an address
   * @throws AffiantError ERR_LIMIT_RATE, ERR_UNAVAILABLE_STOPPING; whatever else the entry is refused with is in the answer
   */
  submit(submission: EntrySubmission, source: string): Promise<Answer> {
    return this.submitRunOfOne(toLeafRun([submission]), source);
  }

  /** Each entry has its own answer. @throws AffiantError ERR_LIMIT_RATE, ERR_UNAVAILABLE_STOPPING for the whole */
  submitBatch(submissions: readonly EntrySubmission[], source: string): Promise<Answer[]> {
    return this.submitRun(toLeafRun(submissions), source);
  }

  /** As {@link submit}, of a run of one entry. */
  async submitRunOfOne(run: LeafRun, source: string): Promise<Answer> {
    const admission = await this.#asStranger(1, source, async () => {
      const verify = async () => [await this.#pool.verifyOne(run)];
      return this.#examine(await this.#step("verify", {}, verify, thrownFor), {});
    });
    const [answer] = await this.#sequence([admission], {});
    return answer as Answer;
  }

  /** As {@link submitBatch}. */
  async submitRun(run: LeafRun, source: string): Promise<Answer[]> {
    const count = run.bounds.length / 2;
    const size = { "affiant.entries": count };
    const verify = (from: number, to: number) =>
      this.#step("verify", size, () => this.#pool.verify(run, from, to), thrownFor);
    const admissions = await this.#asStranger(count, source, async () => {
      const length = this.#trials.lengthFor(run);
      const trial = await this.#examine(await verify(0, length), size, trialQuestions);
      trial.refusals.forEach((refusal, i) => refusal ?? this.#trials.remember(run, i));
      if (!trial.isAuthentic) return [trial, notLookedAt(count - length)];
      const first = await this.#examineLeft(trial, size);
      return count > length ? [first, await this.#examine(await verify(length, count), size)] : [first];
    });
    return this.#sequence(admissions, size);
  }

  /** Takes nothing new; what is under way is finished by the caller's drain. */
  stop(): void {
    this.#stopping = true;
  }

  /** Work for somebody who is not known yet: it takes places of its own, and none in the queue. */
  async #asStranger<T>(count: number, source: string, work: () => Promise<T>): Promise<T> {
    if (this.#stopping) throw new AffiantError("ERR_UNAVAILABLE_STOPPING", "the relayer takes no more entries");
    const leave = this.#strangers.enter(source, count);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Asks the chain about what was verified. @param questions about so many claims at most; the others are left for later */
  async #examine(
    verifications: readonly Verification[],
    size: Attributes,
    questions = verifications.length,
  ): Promise<Looked> {
    const admit = () => this.#admit(verifications, questions);
    const refusals = await this.#step("admit", size, admit, (refusal) => refusal);
    const isAuthentic = verifications.some(({ entry }, i) => {
      return entry && refusals[i] === undefined && this.#standing(entry) !== "known";
    });
    return { verifications, refusals, isAuthentic };
  }

  /** What a trial left alone. */
  async #examineLeft(trial: Looked, size: Attributes): Promise<Looked> {
    const left = trial.verifications.filter((_, i) => trial.refusals[i] === leftAlone);
    if (left.length === 0) return trial;
    const refusals = (await this.#examine(left, size)).refusals.values();
    return { ...trial, refusals: trial.refusals.map((one) => (one === leftAlone ? refusals.next().value : one)) };
  }

  async #sequence(admissions: readonly Looked[], size: Attributes): Promise<Answer[]> {
    const verifications = admissions.flatMap((admission) => admission.verifications);
    const refusals = admissions.flatMap((admission) => admission.refusals);
    const admitted = verifications.flatMap(({ entry }, i) => (entry && refusals[i] === undefined ? [entry] : []));
    const full = this.#underWay + admitted.length > this.#options.queueLimit ? this.#isFull() : undefined;
    if (full) return refusals.map((error) => ({ error: error ?? full }));
    this.#underWay += admitted.length;
    try {
      const sequence = () => this.#sequencer.submit(admitted);
      const answers = (await this.#step("sequence", size, sequence, ({ error }) => error)).values();
      return refusals.map((error) => (error === undefined ? (answers.next().value as Answer) : { error }));
    } finally {
      this.#underWay -= admitted.length;
    }
  }

  #isFull(): AffiantError {
    return new AffiantError("ERR_UNAVAILABLE_QUEUE", `${this.#underWay} entries are under way already`);
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
  async #admit(verifications: readonly Verification[], questions: number): Promise<unknown[]> {
    const standings = verifications.map(({ entry }) => (entry ? this.#standing(entry) : "known"));
    const asked = verifications.flatMap(({ entry }, i) => (entry && standings[i] !== "known" ? [entry.claims] : []));
    const inQuestion = new Set([...new Set(asked)].slice(0, questions));
    const keys = await refusalsOf(inQuestion, (claims) => this.#registries.checkKey(claims));
    const refusals = verifications.map(({ entry, refusal }, i): unknown => {
      if (refusal) return thrownFor({ refusal });
      if (standings[i] === "known") return undefined;
      if (!inQuestion.has(entry.claims)) return leftAlone;
      return keys.get(entry.claims) ?? this.#notAdmitted(entry.claims.did) ?? this.#overLimit(entry.claims.did);
    });
    const isOpen = (i: number) => refusals[i] === undefined && standings[i] === "new";
    const open = verifications.flatMap(({ entry }, i) => (entry && isOpen(i) ? [entry.claims] : []));
    const blocks = await refusalsOf(new Set(open), (claims) => this.#registries.checkBlockAndPolicy(claims));
    return refusals.map((refusal, i) => {
      const claims = verifications[i]?.entry?.claims;
      return claims && isOpen(i) ? blocks.get(claims) : refusal;
    });
  }

  /** Its key is its own; whether this log is for it is the operator's to say. */
  #notAdmitted(did: string): unknown {
    if (this.#log.agent(did)) return undefined;
    try {
      return this.#options.admission.refusalOf(parseEthrDid(did).address.toLowerCase());
    } catch (refusal) {
      return refusal;
    }
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

/** What came of looking at entries, one refusal (or undefined) each. */
interface Looked {
  readonly verifications: readonly Verification[];
  readonly refusals: readonly unknown[];
  /** One of them at least is new, and its agent's own: whoever sent them holds a key that the chain knows. */
  readonly isAuthentic: boolean;
}

/** What an entry is refused with that was sent among inventions, and not looked at for their sake. */
const leftAlone = new AffiantError(
  "ERR_LIMIT_RATE",
  "none of those before it is new and its agent's own: not looked at",
  {
    details: { retryAfterSec: 1 },
    hint: "Send it again.",
  },
);

function notLookedAt(count: number): Looked {
  const refusal = { code: leftAlone.code, message: leftAlone.message };
  return {
    verifications: Array<Verification>(count).fill({ refusal }),
    refusals: Array<unknown>(count).fill(leftAlone),
    isAuthentic: false,
  };
}

function thrownFor({ refusal }: Verification): AffiantError | undefined {
  return refusal && new AffiantError(refusal.code, refusal.message);
}

/** Asks once about each; those that are refused, and with what. */
async function refusalsOf(
  asked: ReadonlySet<ChainClaims>,
  ask: (claims: ChainClaims) => Promise<void>,
): Promise<Map<ChainClaims, unknown>> {
  const refusals = new Map<ChainClaims, unknown>();
  const each = [...asked].map((claims) => ask(claims).catch((error: unknown) => refusals.set(claims, error)));
  await Promise.all(each);
  return refusals;
}
