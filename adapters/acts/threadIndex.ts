import type { Journal, JournalEntry } from "../../agent/journal/journal.ts";
import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { PolicyAct } from "../../protocol/policy/types.ts";
import type { ThreadHistory } from "./actLedger.ts";

const pageLength = 500;

/** An entry's values as far as the journal still has them. */
export function valuesOf(entry: JournalEntry): {
  readonly input?: Json;
  readonly output?: Json;
  readonly context?: Json;
} {
  return Object.fromEntries(
    entry.disclosures.map((encoded) => {
      const { name, value } = decodeDisclosure(encoded);
      return [name, value];
    }),
  );
}

/** Which entries of a journal belong to which thread. Reads each entry once, and what was added since when it is asked. */
export class ThreadIndex {
  readonly #journal: Journal;
  readonly #seqs = new Map<string, number[]>();
  #next = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  historyOf(thread: string): ThreadHistory {
    this.#catchUp();
    const acts: PolicyAct[] = [];
    let count = 0;
    for (const seq of this.#seqs.get(thread) ?? []) {
      const entry = this.#journal.entry(seq);
      if (entry === null) continue;
      const { claims } = decodeLeaf(entry.leaf);
      const values = valuesOf(entry);
      const index = indexOf(values.context) ?? count;
      count = Math.max(count, index + 1);
      if (claims.kind === "act") acts.push({ act: claims.act, seq: index, ...values });
    }
    // Entries are made when outcomes are there; acts count in the order in which they were allowed.
    acts.sort((a, b) => a.seq - b.seq);
    return { acts, count };
  }

  #catchUp(): void {
    for (;;) {
      const page = this.#journal.entriesFrom(this.#next, pageLength);
      for (const { seq, leaf } of page) {
        const { thread } = decodeLeaf(leaf).claims;
        if (thread !== undefined) this.#seqs.set(thread, [...(this.#seqs.get(thread) ?? []), seq]);
        this.#next = seq + 1;
      }
      if (page.length < pageLength) return;
    }
  }
}

function indexOf(context: Json | undefined): number | undefined {
  const index = (context as { callIndex?: unknown } | null | undefined)?.callIndex;
  return typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}
