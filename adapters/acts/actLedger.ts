import { randomUUID } from "node:crypto";

import type { JsonAct } from "../../agent/entry/signEntry.ts";
import { type AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { PolicyAct } from "../../protocol/policy/types.ts";
import type { ClaimStore } from "./claimStore.ts";
import { type Signable, signable } from "./signable.ts";

/** What of an agent the ledger needs. */
export interface LedgerAgent {
  /** Signs an act and stores it: durable on this machine when it resolves. */
  enter(act: JsonAct): Promise<unknown>;
  /** Rejects where no entry could be made now: no policy, no chain, a journal that is behind. */
  ready(): Promise<void>;
  /** Whether there is an entry under this key. Only asked for keys that a caller chose. */
  isKnown?(idempotencyKey: string): boolean;
  /** What earlier processes did in a thread, so that a restart forgets no rule. */
  historyOf?(thread: string): ThreadHistory;
}

/** Every act of a thread that was allowed, in that order. */
export interface ThreadHistory {
  readonly acts: readonly PolicyAct[];
  /** How many acts there were, refused ones among them: the number of the next one. */
  readonly count: number;
}

/** An act that somebody wants to do. */
export interface ProposedAct {
  readonly act: string;
  /** Numbers may be `ExactNumber`. */
  readonly input: Json;
  /** The text that `input` was read from. */
  readonly inputText: string;
  readonly thread: string;
  readonly context?: { readonly [key: string]: Json };
  readonly ctr?: string;
  /** Default: one of its own. */
  readonly idempotencyKey?: string;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** An act that may be done now. `settle` it, whatever comes of it. */
export interface Claim {
  readonly id: string;
  /** Number of the act in its thread, from 0. */
  readonly index: number;
}

/** Says whether an act may be done. `before` are the acts of its thread so far, those without an outcome among them. */
export type ActGate = (
  act: {
    readonly act: string;
    readonly input: Json;
    /** Number of the act in its thread, from 0. */
    readonly index: number;
    readonly thread: string;
    /** What the entry will say beside. */
    readonly context: { readonly [key: string]: Json };
  },
  before: readonly PolicyAct[],
) => Promise<Refusal | undefined>;

interface OpenAct {
  readonly claim: Claim;
  readonly entry: JsonAct;
  readonly facts: PolicyAct;
}

interface Thread {
  /** Every act that was allowed, in that order; the outcome is put in when it is there. */
  readonly acts: PolicyAct[];
  count: number;
}

/** What is entered where nobody can say what came of an act. */
export const outcomeUnknown = { outcome: "unknown" } as const;

/**
 * Judges acts, and puts them on record so that nothing is done that is not: an allowed act is claimed on disk before it can
 * happen; its entry is made when its outcome is there; a claim whose process died is entered as "outcome unknown" by the
 * next one. A refusal is an entry too. An act that could not be entered is refused before it happens.
 */
export class ActLedger {
  readonly #agent: LedgerAgent;
  readonly #gate: ActGate;
  readonly #claims: ClaimStore;
  readonly #threads = new Map<string, Thread>();
  readonly #open = new Map<string, OpenAct>();
  /** Acts are judged one after the other: of five at once under a once-only rule the later ones see the first. */
  #judging: Promise<unknown> = Promise.resolve();

  constructor(parts: { readonly agent: LedgerAgent; readonly gate: ActGate; readonly claims: ClaimStore }) {
    this.#agent = parts.agent;
    this.#gate = parts.gate;
    this.#claims = parts.claims;
  }

  /** Enters what processes before this one left behind. @returns how many acts */
  recover(): Promise<number> {
    return this.#claims.takeOver(async ({ act, isSettled }) => {
      await this.#enterOnce(isSettled ? act : { ...act, output: outcomeUnknown });
    });
  }

  /**
   * Judges an act. When it comes back with a claim, the claim is on disk and the act may be done.
   * A refusal is on record, or its `detail` says that it could not be.
   */
  propose(proposed: ProposedAct): Promise<Claim | Refusal> {
    const judged = this.#judging.then(() => this.#propose(proposed));
    this.#judging = judged.catch(() => undefined);
    return judged;
  }

  /**
   * Puts on record what came of an act.
   * @param text what `output` was read from
   * @throws AffiantError when the entry cannot be made now: the outcome is then on disk and is entered by `retry` or `recover`
   */
  async settle(
    claim: Claim,
    output: Json,
    text: string,
    context: { readonly [key: string]: Json } = {},
  ): Promise<void> {
    const open = this.#open.get(claim.id);
    if (open === undefined) return; // settled before: a second answer changes nothing
    this.#open.delete(claim.id);
    const outcome = signable(output, text);
    Object.assign(open.facts, { output: outcome.value });
    const entry: JsonAct = {
      ...open.entry,
      output: outcome.value,
      context: { ...(open.entry.context as object), ...context, ...remarksOn("output", outcome) },
    };
    try {
      await this.#enterOnce(entry);
    } catch (error) {
      this.#claims.add({ id: claim.id, act: entry, isSettled: true });
      throw error;
    }
    this.#claims.remove(claim.id);
  }

  /**
   * Enters an act that was done already, whatever the rules say of it: what happened is on record.
   * @throws AffiantError as `LedgerAgent.enter`
   */
  async enterDone(proposed: ProposedAct, output: Json, text: string): Promise<void> {
    const input = signable(proposed.input, proposed.inputText);
    const outcome = signable(output, text);
    const thread = this.#threadOf(proposed.thread);
    const index = thread.count++;
    const entry = this.#entryOf(proposed, input, index);
    const context = { ...(entry.context as object), ...remarksOn("output", outcome) };
    await this.#agent.enter({ ...entry, output: outcome.value, context });
    thread.acts.push({ act: proposed.act, seq: index, input: input.value, output: outcome.value, context });
  }

  /** Tries again to enter outcomes that could not be entered. @returns how many could */
  async retry(): Promise<number> {
    let count = 0;
    for (const { id, act, isSettled } of this.#claims.all()) {
      if (!isSettled) continue;
      await this.#enterOnce(act);
      this.#claims.remove(id);
      count += 1;
    }
    return count;
  }

  /** Whether an act still waits for its outcome. */
  isOpen(claim: Claim): boolean {
    return this.#open.has(claim.id);
  }

  /** Forgets a thread that has ended. Acts that wait for their outcome stay open. */
  endThread(name: string): void {
    this.#threads.delete(name);
  }

  /** Refuses what was not even an act, such as a message of a shape that is not allowed. */
  async refuse(proposed: ProposedAct, refusal: Refusal): Promise<Refusal> {
    const input = signable(proposed.input, proposed.inputText);
    return this.#recordRefusal(this.#entryOf(proposed, input, this.#threadOf(proposed.thread).count++), refusal);
  }

  async #propose(proposed: ProposedAct): Promise<Claim | Refusal> {
    const key = proposed.idempotencyKey;
    if (key !== undefined && (this.#open.has(key) || this.#agent.isKnown?.(key) === true)) {
      return {
        code: "ERR_CONFLICT_REPLAY",
        detail: "there is an act under this idempotency key: it is not done again",
      };
    }
    const thread = this.#threadOf(proposed.thread);
    const index = thread.count++;
    const input = signable(proposed.input, proposed.inputText);
    const entry = this.#entryOf(proposed, input, index);
    try {
      await this.#agent.ready();
    } catch (error) {
      const why = isAffiantError(error) ? `${error.message} [${error.code}]` : "it could not be prepared";
      return { code: "ERR_UNAVAILABLE_RECORD", detail: `the act could not be put on record: ${why}` };
    }
    const refusal = await this.#judge(entry, index, thread);
    if (refusal) return this.#recordRefusal(entry, refusal);
    const claim = { id: entry.idempotencyKey as string, index };
    try {
      this.#claims.add({ id: claim.id, act: entry, isSettled: false });
    } catch (error) {
      return { code: "ERR_UNAVAILABLE_RECORD", detail: (error as AffiantError).message };
    }
    const facts: PolicyAct = { act: proposed.act, seq: index, input: input.value, context: entry.context as Json };
    thread.acts.push(facts);
    this.#open.set(claim.id, { claim, entry, facts });
    return claim;
  }

  /** A gate that breaks refuses: what cannot be judged is not let through. */
  async #judge(
    { act, input = null, context, ...entry }: JsonAct,
    index: number,
    thread: Thread,
  ): Promise<Refusal | undefined> {
    try {
      const asked = {
        act,
        input,
        index,
        thread: entry.thread as string,
        context: context as { readonly [key: string]: Json },
      };
      return await this.#gate(asked, thread.acts);
    } catch (error) {
      const detail = isAffiantError(error) ? error.message : "the act could not be judged";
      return { code: isAffiantError(error) ? error.code : "ERR_INTERNAL_UNEXPECTED", detail };
    }
  }

  async #recordRefusal(entry: JsonAct, refusal: Refusal): Promise<Refusal> {
    try {
      await this.#agent.enter({ ...entry, kind: "refusal", output: { refused: refusal.code, detail: refusal.detail } });
      return refusal;
    } catch {
      return { ...refusal, detail: `${refusal.detail} (and the refusal could not be put on record)` };
    }
  }

  #entryOf(proposed: ProposedAct, input: Signable, index: number): JsonAct {
    const { act, thread, ctr, context, idempotencyKey = randomUUID() } = proposed;
    return {
      act,
      kind: "act",
      input: input.value,
      context: { ...context, callIndex: index, ...remarksOn("input", input) },
      thread,
      ...(ctr === undefined ? {} : { ctr }),
      idempotencyKey,
    };
  }

  #threadOf(name: string): Thread {
    const known = this.#threads.get(name);
    if (known) return known;
    const { acts = [], count = 0 } = this.#agent.historyOf?.(name) ?? {};
    const thread = { acts: [...acts], count };
    this.#threads.set(name, thread);
    return thread;
  }

  /** An entry under this key is there already where a process died between entering and removing the claim. */
  async #enterOnce(act: JsonAct): Promise<void> {
    try {
      await this.#agent.enter(act);
    } catch (error) {
      if (!isAffiantError(error, "ERR_CONFLICT_IDEMPOTENCY_REUSED")) throw error;
    }
  }
}

function remarksOn(what: "input" | "output", { exactNumbers, remark }: Signable): { readonly [key: string]: Json } {
  return {
    ...(exactNumbers.length > 0 ? { [`${what}ExactNumbers`]: exactNumbers } : {}),
    ...(remark === undefined ? {} : { [`${what}Remark`]: remark }),
  };
}

export function isRefusal(answer: Claim | Refusal): answer is Refusal {
  return "code" in answer;
}
