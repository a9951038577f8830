import { LRUCache } from "lru-cache";

import type { LeafRun } from "./leafRun.ts";

/**
 * So many entries of a batch are looked at for anybody. The others follow if one of these is new and its agent's own: who
 * sends inventions, or what everybody can read in the log, has no more work done than this.
 */
const trialEntries = 32;

/**
 * And so many keys of which nothing is known yet: that a key is sound costs ten times as much to find out as that a signature
 * is, and the chain's word about it several times as much.
 */
export const trialQuestions = 4;

/** No header that is taken is longer. */
const maxHeaderBytes = 256;

/** How much of a batch is a trial; it remembers whose headers were good, so that those who are known are held up by nothing. */
export class Trials {
  /** Headers (each names one key) of entries that were their agent's own. */
  readonly #good = new LRUCache<string, true>({ max: 4_096 });

  /** @returns how many entries, from the first on: at least one */
  lengthFor(run: LeafRun): number {
    const most = Math.min(run.bounds.length / 2, trialEntries);
    const fresh = new Set<string>();
    for (let i = 0; i < most; i++) {
      const header = headerOf(run, i);
      if (!this.#good.has(header)) fresh.add(header);
      if (fresh.size > trialQuestions) return i;
    }
    return most;
  }

  /** Entry i was shown to be its agent's own. */
  remember(run: LeafRun, i: number): void {
    this.#good.set(headerOf(run, i), true);
  }
}

function headerOf({ bytes, bounds }: LeafRun, i: number): string {
  const start = bounds[2 * i] as number;
  const end = Math.min(bounds[2 * i + 1] as number, start + maxHeaderBytes);
  const [header] = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
    .toString("latin1")
    .split(".", 1);
  return header as string;
}
