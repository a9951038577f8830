import type { CompiledPolicy } from "./compile.ts";
import { jsonataWords } from "./factExpression.ts";
import { FactMeter } from "./factMeter.ts";
import { viewAlone } from "./facts.ts";
import type { Before, PolicyAct } from "./types.ts";

/** An agent's acts, sorted into threads as one policy names them. */
interface Threads {
  /** How many of the agent's acts are sorted in. */
  sorted: number;
  readonly byName: Map<string, PolicyAct[]>;
  /** Why an act may belong to any thread. */
  unplaced?: string;
}

/** Its name; or that the act is in none, or in one that nobody can tell, with what is to be said of that. */
type Thread =
  | { readonly name: string; readonly why?: never }
  | { readonly name: null; readonly why: string }
  | { readonly name: undefined; readonly why: string };

/**
 * What one agent did so far, and what of it came before an act in its thread. The policy names the thread by what is on
 * record; where it does not, the agent's own word is taken, and said to be no more than that. An act of which nobody can
 * tell where it belongs leaves open what came before every later one.
 */
export class ActHistory {
  readonly #acts: PolicyAct[] = [];
  readonly #threads = new Map<CompiledPolicy, Threads>();
  #gap: string | undefined;

  /** What came before the next act of the agent, which must not be added yet. */
  async before(policy: CompiledPolicy, act: PolicyAct): Promise<Before> {
    if (this.#gap !== undefined) return { acts: [], unknown: this.#gap };
    const threads = await this.#sorted(policy);
    const thread = await threadOf(policy, act);
    if (typeof thread.name !== "string") return { acts: [], unknown: thread.why };
    const acts = threads.byName.get(thread.name) ?? [];
    if (threads.unplaced !== undefined) return { acts, unknown: threads.unplaced };
    if (policy.thread !== undefined) return { acts };
    return { acts, claimed: "the policy names no thread, so what came before is the agent's own word" };
  }

  add(act: PolicyAct): void {
    this.#acts.push(act);
  }

  /** Says that something of what the agent did is not known: from here on nobody can tell what came before. */
  leaveOpen(why: string): void {
    this.#gap ??= why;
  }

  async #sorted(policy: CompiledPolicy): Promise<Threads> {
    const threads = this.#threads.get(policy) ?? { sorted: 0, byName: new Map<string, PolicyAct[]>() };
    this.#threads.set(policy, threads);
    for (; threads.sorted < this.#acts.length; threads.sorted++) {
      const act = this.#acts[threads.sorted] as PolicyAct;
      const thread = await threadOf(policy, act);
      if (thread.name === undefined) threads.unplaced ??= thread.why;
      if (typeof thread.name !== "string") continue;
      const own = threads.byName.get(thread.name);
      if (own) own.push(act);
      else threads.byName.set(thread.name, [act]);
    }
    return threads;
  }
}

/** A thread's name is a text; numbers and truth values by their text, so that 1 and "1" are no two orders. */
async function threadOf(policy: CompiledPolicy, act: PolicyAct): Promise<Thread> {
  if (policy.thread === undefined) {
    // Without a thread of its own choice an act stands alone; no other act has its number.
    return { name: act.thread === undefined ? `alone ${act.seq}` : `thread ${act.thread}` };
  }
  const { view, watch } = viewAlone(act);
  const unknown = (why: string): Thread => ({ name: undefined, why: `the thread of entry ${act.seq}: ${why}` });
  try {
    const value = await policy.thread.evaluate(view, new FactMeter(1, 0));
    if (watch.touched !== undefined) return unknown(watch.touched);
    if (value === undefined || value === null) return { name: null, why: `entry ${act.seq} names no thread` };
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return { name: String(value) };
    }
    return unknown("it is neither text nor number");
  } catch (cause) {
    return unknown(watch.touched ?? jsonataWords(cause));
  }
}
