import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Log } from "../log/log.ts";
import type { AgentHead, NewEntry } from "../store/entryStore.ts";
import type { DisclosureStore } from "../store/disclosureStore.ts";
import { type Answer, knownAnswer } from "./answer.ts";
import type { VerifiedEntry } from "./verifiedEntry.ts";

export interface SequencerOptions {
  /** Entries of one commit. */
  readonly maxEntries: number;
  /** How long the first entry of a commit waits for company. */
  readonly waitMs: number;
  readonly now: () => number;
}

/** Entries that came together and are answered together. */
class Ticket {
  readonly #answers: Answer[] = [];
  readonly #resolve: (answers: Answer[]) => void;
  #open: number;

  constructor(entries: number, resolve: (answers: Answer[]) => void) {
    this.#open = entries;
    this.#resolve = resolve;
  }

  /** The first answer to an entry stands. */
  settle(at: number, answer: Answer): void {
    if (this.#answers[at] !== undefined) return;
    this.#answers[at] = answer;
    if (--this.#open === 0) this.#resolve(this.#answers);
  }
}

interface Queued {
  readonly entry: VerifiedEntry;
  readonly ticket: Ticket;
  /** Position in the ticket. */
  readonly at: number;
}

/**
 * Puts verified entries in order and commits them in groups: many entries share one fsync. An entry is answered only
 * when it, its place in the tree and the checkpoint over it are on disk; before that a crash forgets it as if it had
 * never arrived, after that nothing can.
 */
export class Sequencer {
  readonly #log: Log;
  readonly #options: SequencerOptions;
  readonly #disclosures: DisclosureStore;
  #queue: Queued[] = [];
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;

  constructor(log: Log, disclosures: DisclosureStore, options: SequencerOptions) {
    this.#log = log;
    this.#disclosures = disclosures;
    this.#options = options;
  }

  get depth(): number {
    return this.#queue.length;
  }

  /**
   * @returns an answer an entry, in order: a receipt, or ERR_CONFLICT_SEQ_TAKEN, ERR_CONFLICT_SEQ_GAP, ERR_CONFLICT_PREV,
   * ERR_CONFLICT_BLOCK_ORDER, ERR_UNAVAILABLE_STORAGE
   */
  submit(entries: readonly VerifiedEntry[]): Promise<Answer[]> {
    if (entries.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const ticket = new Ticket(entries.length, resolve);
      entries.forEach((entry, at) => this.#queue.push({ entry, ticket, at }));
      if (this.#queue.length >= this.#options.maxEntries) this.#schedule(0);
      else if (this.#timer === undefined) this.#schedule(this.#options.waitMs);
    });
  }

  /** Commits what waits, at once, and lets all of it be answered. */
  async drain(): Promise<void> {
    while (this.#queue.length > 0) this.#commit();
    await this.#log.settled().catch(() => undefined); // those it concerns have been told
  }

  #schedule(waitMs: number): void {
    if (waitMs === 0) {
      clearTimeout(this.#timer as NodeJS.Timeout | undefined);
      this.#timer = setImmediate(() => this.#commit());
    } else {
      this.#timer = setTimeout(() => this.#commit(), waitMs);
    }
  }

  #commit(): void {
    const group = this.#queue.slice(0, this.#options.maxEntries);
    this.#queue = this.#queue.slice(group.length);
    this.#timer = undefined;
    if (this.#queue.length > 0) this.#schedule(0);
    if (group.length > 0) void this.#commitGroup(group);
  }

  async #commitGroup(group: readonly Queued[]): Promise<void> {
    try {
      const plan = new CommitPlan(this.#log, this.#disclosures, this.#options.now);
      for (const queued of group) plan.place(queued);
      const disclosing = plan.accepted.map(({ entry }) => entry).filter(({ disclosures }) => disclosures.length > 0);
      const answers = this.#log.append(plan.entries, plan.heads(), () => this.#disclosures.put(disclosing));
      await this.#log.settled();
      plan.accepted.forEach(({ ticket, at }, i) => ticket.settle(at, { isNew: true, text: answers[i] as Buffer }));
      plan.answerRepeats();
    } catch (error) {
      // Those that were answered already stay answered.
      for (const { ticket, at } of group) ticket.settle(at, { error });
    }
  }
}

/** Decides for each entry of a group whether it follows on, repeats, or contradicts; heads advance within the group. */
class CommitPlan {
  readonly accepted: Queued[] = [];
  readonly entries: NewEntry[] = [];
  readonly #log: Log;
  readonly #disclosures: DisclosureStore;
  readonly #now: () => number;
  readonly #heads = new Map<string, AgentHead>();
  readonly #repeats: Queued[] = [];
  #nextIndex: number;
  #nextAgentId: number | undefined;

  constructor(log: Log, disclosures: DisclosureStore, now: () => number) {
    this.#log = log;
    this.#disclosures = disclosures;
    this.#now = now;
    this.#nextIndex = log.nextIndex;
  }

  /** The heads after this group. They are kept, so they must not hold on to the bytes that the entries came in. */
  heads(): AgentHead[] {
    const heads = [...this.#heads.values()].filter((head) => head.nextSeq > 0);
    return heads.map((head) => ({ ...head, headEntryId: head.headEntryId && Uint8Array.from(head.headEntryId) }));
  }

  place(queued: Queued): void {
    const { entry } = queued;
    const { did, blockNumber } = entry.claims;
    const head = this.#headOf(did);
    if (entry.seq < head.nextSeq) {
      this.#repeats.push(queued);
      return;
    }
    const refusal = followsOn(entry, head);
    if (refusal) {
      queued.ticket.settle(queued.at, { error: refusal });
      return;
    }
    this.accepted.push(queued);
    this.entries.push({
      index: this.#nextIndex++,
      agentId: head.id,
      seq: entry.seq,
      entryId: entry.entryId,
      leaf: entry.leaf,
      leafHash: entry.leafHash,
    });
    this.#heads.set(did, { ...head, nextSeq: entry.seq + 1, headEntryId: entry.entryId, lastBlock: blockNumber });
  }

  /** After the commit, so that a repeat of an entry of the same group finds it. */
  answerRepeats(): void {
    for (const { entry, ticket, at } of this.#repeats) {
      try {
        const known = answerKnown(this.#log, entry, this.#now());
        this.#disclosures.add(entry);
        ticket.settle(at, known);
      } catch (error) {
        ticket.settle(at, { error });
      }
    }
  }

  #headOf(did: string): AgentHead {
    let head = this.#heads.get(did) ?? this.#log.agent(did);
    if (!head) {
      this.#nextAgentId ??= this.#log.nextAgentId();
      head = { id: this.#nextAgentId++, did, nextSeq: 0, headEntryId: null, lastBlock: 0 };
    }
    this.#heads.set(did, head);
    return head;
  }
}

function followsOn(entry: VerifiedEntry, head: AgentHead): AffiantError | undefined {
  if (entry.seq > head.nextSeq) {
    return new AffiantError("ERR_CONFLICT_SEQ_GAP", `seq ${entry.seq} came, ${head.nextSeq} is next`, {
      details: { expectedSeq: head.nextSeq },
      hint: "send the entries in between first",
    });
  }
  const { headEntryId } = head;
  const follows =
    entry.prev === null || headEntryId === null ? entry.prev === headEntryId : bytesEqual(entry.prev, headEntryId);
  if (!follows) {
    return new AffiantError("ERR_CONFLICT_PREV", "prev is not the agent's last entry", {
      details: { expectedPrev: headEntryId && toHex(headEntryId) },
    });
  }
  const { blockNumber } = entry.claims;
  if (blockNumber < head.lastBlock) {
    return new AffiantError("ERR_CONFLICT_BLOCK_ORDER", `block ${blockNumber} is before ${head.lastBlock}`, {
      details: { lastBlockNumber: head.lastBlock },
    });
  }
  return undefined;
}

/**
 * The answer to an entry whose number is taken: the first receipt again if it is the same entry; otherwise the rival is
 * kept, since its signature and the first one's are proof that the agent tells two stories.
 * @throws AffiantError ERR_CONFLICT_SEQ_TAKEN
 */
export function answerKnown(log: Log, entry: VerifiedEntry, nowMs: number): Answer {
  const agent = log.agent(entry.claims.did);
  const known = agent && log.entries.bySeq(agent.id, entry.seq);
  if (!agent || !known) throw new AffiantError("ERR_UNAVAILABLE_STORAGE", "the commit before this entry failed");
  if (bytesEqual(known.entryId, entry.entryId)) return knownAnswer(log.receipt(known));
  log.keepEquivocation(agent.id, entry.seq, entry.entryId, Buffer.from(entry.leaf).toString("latin1"), nowMs);
  throw new AffiantError("ERR_CONFLICT_SEQ_TAKEN", `the log has another entry of the agent at seq ${entry.seq}`, {
    details: { knownEntryId: toHex(known.entryId) },
    hint: "both entries are kept as evidence",
  });
}
