import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";

import type { Agent } from "../../agent/agent.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { ActLedger, type Claim, isRefusal, outcomeUnknown, type ProposedAct, type Refusal } from "./actLedger.ts";
import { ClaimStore } from "./claimStore.ts";
import { actPolicyGate } from "./policyGate.ts";
import { signable } from "./signable.ts";
import { ThreadIndex, valuesOf } from "./threadIndex.ts";

/** What there is already under an idempotency key. */
export interface Recorded {
  readonly seq: number;
  /** The recorded outcome; undefined where the journal no longer has it. */
  readonly output: Json | undefined;
}

/** What came of a wish to act. */
export type Opened =
  | { readonly kind: "claimed"; readonly claim: Claim }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "recorded"; readonly recorded: Recorded };

/**
 * The one ledger of an agent in this process, for all roads that lead to it: wrappers of frameworks, the local service, hooks. An
 * idempotency key means the same everywhere: the same act again is answered with what is on record, another act is refused.
 */
export class ActDesk {
  readonly agent: Agent;
  readonly ledger: ActLedger;
  /** How many acts of processes before this one were entered. */
  readonly recovered: number;
  readonly #claims: ClaimStore;
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #inThread = new AsyncLocalStorage<ReadonlySet<string>>();

  private constructor(parts: { agent: Agent; ledger: ActLedger; claims: ClaimStore; recovered: number }) {
    this.agent = parts.agent;
    this.ledger = parts.ledger;
    this.recovered = parts.recovered;
    this.#claims = parts.claims;
  }

  /** The desk of an agent; the same one at each call. It ends with the agent. @throws AffiantError ERR_UNAVAILABLE_JOURNAL */
  static of(agent: Agent): Promise<ActDesk> {
    const known = desks.get(agent) ?? ActDesk.#open(agent);
    desks.set(agent, known);
    known.catch(() => desks.delete(agent));
    return known;
  }

  static async #open(agent: Agent): Promise<ActDesk> {
    const claims = new ClaimStore(join(agent.folder, "claims"));
    agent.onClose(() => claims.close());
    const threads = new ThreadIndex(agent.journal);
    const ledger = new ActLedger({
      agent: {
        enter: (act) => agent.enter(act),
        ready: () => agent.ready(),
        isKnown: (key) => agent.journal.byIdempotencyKey(key) !== null,
        historyOf: (thread) => threads.historyOf(thread),
      },
      gate: actPolicyGate(() => agent.bundleInForce(), agent.did),
      claims,
    });
    return new ActDesk({ agent, ledger, claims, recovered: await ledger.recover() });
  }

  /** Judges an act and claims it, unless there is one under its key. */
  async open(proposed: ProposedAct): Promise<Opened> {
    await this.#retryUnentered();
    const found = this.#found(proposed);
    if (found) return found;
    const answer = await this.ledger.propose(proposed);
    return isRefusal(answer) ? { kind: "refused", refusal: answer } : { kind: "claimed", claim: answer };
  }

  /**
   * Runs `work` after all other work of its thread that was begun before: of calls that a model makes at once, each is judged by
   * what came of the one before. Work inside of work of the same thread (an agent that is a tool) does not wait for it.
   */
  async inTurn<T>(thread: string, work: () => Promise<T>): Promise<T> {
    const within = this.#inThread.getStore();
    if (within?.has(thread)) return work();
    const before = this.#queues.get(thread) ?? Promise.resolve();
    const turn = before.then(() => this.#inThread.run(new Set([...(within ?? []), thread]), work));
    const settled = turn.catch(() => undefined);
    this.#queues.set(thread, settled);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(thread) === settled) this.#queues.delete(thread);
    }
  }

  /** @throws AffiantError as `ActLedger.settle` */
  settle(claim: Claim, output: Json, text: string, context?: { readonly [key: string]: Json }): Promise<void> {
    return this.ledger.settle(claim, output, text, context);
  }

  /** Enters that nobody can say what came of an act. */
  async settleUnknown(claim: Claim, why: string): Promise<void> {
    const output = { ...outcomeUnknown, why };
    await this.settle(claim, output, JSON.stringify(output));
  }

  #found(proposed: ProposedAct): Opened | undefined {
    const { idempotencyKey: key } = proposed;
    const entry = key === undefined ? null : this.agent.journal.byIdempotencyKey(key);
    if (entry === null) return undefined;
    const { claims } = decodeLeaf(entry.leaf);
    const { input, output } = valuesOf(entry);
    const asked = signable(proposed.input, proposed.inputText).value;
    const isSame = input === undefined || toCanonicalJson(input) === toCanonicalJson(asked);
    if (claims.act !== proposed.act || !isSame) {
      const detail = `entry ${entry.seq} was made under the same idempotency key for another act`;
      return { kind: "refused", refusal: { code: "ERR_CONFLICT_IDEMPOTENCY_REUSED", detail } };
    }
    if (claims.kind === "refusal") {
      const { refused, detail } = (output ?? {}) as { refused?: Refusal["code"]; detail?: string };
      const refusal = { code: refused ?? "ERR_AUTH_POLICY", detail: detail ?? "it was refused before" };
      return { kind: "refused", refusal };
    }
    if ((output as { outcome?: unknown } | null | undefined)?.outcome === outcomeUnknown.outcome) {
      const detail = `entry ${entry.seq}: it was begun before, and its outcome is unknown; it is not done again`;
      return { kind: "refused", refusal: { code: "ERR_CONFLICT_REPLAY", detail } };
    }
    return { kind: "recorded", recorded: { seq: entry.seq, output } };
  }

  /** Outcomes that could not be entered when they came. While they still cannot be, new acts are refused by `ready`. */
  async #retryUnentered(): Promise<void> {
    if (this.#claims.all().some(({ isSettled }) => isSettled)) await this.ledger.retry().catch(() => undefined);
  }
}

const desks = new WeakMap<Agent, Promise<ActDesk>>();
