import { setTimeout as sleep } from "node:timers/promises";

import { type AskAll, askHead, type Head } from "./askHead.ts";
import { type Answer, changesAtOnce, holdsUntil, isOfTheChain, pinned, type Question } from "./answers.ts";

/** A question that nobody has asked for so many blocks is not asked ahead any more. */
const keptBlocks = 3;
/** At most so many questions are asked ahead in one request. */
const mostAhead = 1_000;
const mostKept = 10_000;

interface Known {
  readonly question: Question;
  /** Of the block in {@link BlockWatch.head}. */
  answer: Promise<Answer> | undefined;
  /** Blocks since somebody asked. */
  idle: number;
}

/**
 * The one look at the chain of a host: everybody asks here, and here nothing is asked twice for one block. When a block comes,
 * what was asked in the last few blocks is asked again, all in one request, before anybody does. Whether a block came is
 * told (`told`) by who knows: a subscription, or one question a block.
 *
 * What is no answer is never kept: a consumer that asks again has the endpoint asked again.
 */
export class BlockWatch {
  readonly #ask: AskAll;
  readonly #known = new Map<string, Known>();
  readonly #always = new Map<string, Promise<Answer>>();
  #head: Head | undefined;
  #waiting = new Set<() => void>();

  constructor(ask: AskAll) {
    this.#ask = ask;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  /** A block is the newest now. What is known of the one before is void, in a reorganisation as well. */
  told(head: Head): void {
    if (head.hash === this.#head?.hash) return;
    this.#head = head;
    this.#askAhead();
    for (const go of this.#waiting) go();
  }

  /** @throws what the endpoint's silence throws */
  answer(question: Question): Promise<Answer> {
    const holds = holdsUntil(question);
    if (holds === "always") return kept(this.#always, keyOf(question), () => this.#one(question));
    if (holds === "block" && this.#head !== undefined) return this.#ofThisBlock(question);
    const asked = this.#one(question);
    // Who mines, resets or funds on a development chain means it to show at once.
    return changesAtOnce(question) ? asked.finally(() => this.#lookAnew()) : asked;
  }

  /** Until another block than this one is the newest, or the time is over. @returns the newest */
  async next(knownHash: string | undefined, withinMs: number, signal?: AbortSignal): Promise<Head | undefined> {
    if (this.#head && this.#head.hash !== knownHash) return this.#head;
    const late = new AbortController();
    const ends = signal ? AbortSignal.any([late.signal, signal]) : late.signal;
    let go = (): void => undefined;
    const told = new Promise<void>((resolve) => (go = resolve));
    this.#waiting.add(go);
    await Promise.race([told, sleep(withinMs, undefined, { signal: ends, ref: false }).catch(() => undefined)]);
    this.#waiting.delete(go);
    late.abort();
    return this.#head;
  }

  #ofThisBlock(question: Question): Promise<Answer> {
    const key = keyOf(question);
    let known = this.#known.get(key);
    if (!known) {
      if (this.#known.size >= mostKept) this.#forget();
      known = { question, answer: undefined, idle: 0 };
      this.#known.set(key, known);
    }
    known.idle = 0;
    return (known.answer ??= this.#keep(known, this.#pinnedOne(question)));
  }

  /** Kept if it is the chain's word; who asked is told either way. */
  #keep(known: Known, asked: Promise<Answer>): Promise<Answer> {
    const drop = (): void => {
      if (known.answer === asked) known.answer = undefined;
    };
    asked.then((answer) => isOfTheChain(answer) || drop(), drop);
    return asked;
  }

  #askAhead(): void {
    const again: Known[] = [];
    for (const [key, known] of this.#known) {
      known.answer = undefined;
      if (++known.idle > keptBlocks) this.#known.delete(key);
      else if (known.idle === 1 && again.length < mostAhead) again.push(known);
    }
    if (again.length === 0) return;
    const head = this.#numberOfHead();
    const answers = this.#ask(again.map(({ question }) => (head ? pinned(question, head) : question)));
    again.forEach((known, i) => {
      const answer = answers.then(async (all) => {
        const one = all[i];
        // Asked alone, where the endpoint left it out or was in trouble: a batch may be too large for it.
        return one && isOfTheChain(one) ? one : this.#one(known.question);
      });
      answer.catch(() => undefined);
      known.answer = this.#keep(known, answer);
    });
  }

  async #pinnedOne(question: Question): Promise<Answer> {
    const head = this.#numberOfHead();
    const answer = await this.#one(head ? pinned(question, head) : question);
    // The block may be gone, or not have reached the node that answers: then as the question was put.
    return isOfTheChain(answer) ? answer : this.#one(question);
  }

  async #one(question: Question): Promise<Answer> {
    const [answer] = await this.#ask([question]);
    if (answer === undefined) throw new Error("the endpoint did not answer");
    return answer;
  }

  async #lookAnew(): Promise<void> {
    this.#forget();
    const head = await askHead(this.#ask).catch(() => undefined);
    if (head) this.told(head);
  }

  #forget(): void {
    for (const known of this.#known.values()) known.answer = undefined;
  }

  #numberOfHead(): string | undefined {
    return this.#head && `0x${this.#head.number.toString(16)}`;
  }
}

function keyOf({ method, params }: Question): string {
  return `${method} ${JSON.stringify(params)}`;
}

function kept(all: Map<string, Promise<Answer>>, key: string, ask: () => Promise<Answer>): Promise<Answer> {
  let asked = all.get(key);
  if (!asked) {
    asked = ask();
    all.set(key, asked);
    asked.then(
      (answer) => "error" in answer && all.delete(key),
      () => all.delete(key),
    );
  }
  return asked;
}
