import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Log } from "../log/log.ts";
import { receiptText, type ReceiptText } from "../log/receiptText.ts";
import { type AgentHead, type NewEntry } from "../store/entryStore.ts";
import { type DisclosureStore } from "../store/disclosureStore.ts";
import { type VerifiedEntry } from "./verifiedEntry.ts";

/** The answer to a submission that was taken: its receipt, and whether it was new (201) or known (200). */
export interface Sequenced {
  readonly receipt: ReceiptText;
  readonly isNew: boolean;
}

export interface SequencerOptions {
  /** Entries of one commit. */
  readonly maxEntries: number;
  /** How long the first entry of a commit waits for company. */
  readonly waitMs: number;
  readonly now: () => number;
}

interface Queued {
  readonly entry: VerifiedEntry;
  readonly resolve: (sequenced: Sequenced) => void;
  readonly reject: (error: unknown) => void;
}

interface Accepted extends Queued {
  readonly index: number;
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
   * @throws AffiantError ERR_CONFLICT_SEQ_TAKEN, ERR_CONFLICT_SEQ_GAP, ERR_CONFLICT_PREV, ERR_CONFLICT_BLOCK_ORDER,
   * ERR_UNAVAILABLE_STORAGE
   */
  submit(entry: VerifiedEntry): Promise<Sequenced> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject });
      if (this.#queue.length >= this.#options.maxEntries) this.#schedule(0);
      else if (this.#timer === undefined) this.#schedule(this.#options.waitMs);
    });
  }

  /** Commits what waits, at once. */
  drain(): void {
    while (this.#queue.length > 0) this.#commit();
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
    if (group.length > 0) this.#commitGroup(group);
  }

  #commitGroup(group: readonly Queued[]): void {
    try {
      const plan = new CommitPlan(this.#log, this.#disclosures, this.#options.now);
      for (const queued of group) plan.place(queued);
      const disclosing = plan.accepted.map(({ entry }) => entry).filter(({ disclosures }) => disclosures.length > 0);
      const receipts = this.#log.append(plan.entries, plan.heads(), () => this.#disclosures.put(disclosing));
      plan.accepted.forEach(({ resolve }, i) => resolve({ receipt: receipts[i] as ReceiptText, isNew: true }));
      plan.answerRepeats();
    } catch (error) {
      // Those that were answered already stay answered: a promise settles once.
      for (const { reject } of group) reject(error);
    }
  }
}

/** Decides for each entry of a group whether it follows on, repeats, or contradicts; heads advance within the group. */
class CommitPlan {
  readonly accepted: Accepted[] = [];
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
    this.#nextIndex = log.size;
  }

  heads(): AgentHead[] {
    return [...this.#heads.values()].filter((head) => head.nextSeq > 0);
  }

  place(queued: Queued): void {
    const { entry } = queued;
    const head = this.#headOf(entry.did);
    if (entry.seq < head.nextSeq) {
      this.#repeats.push(queued);
      return;
    }
    const refusal = followsOn(entry, head);
    if (refusal) {
      queued.reject(refusal);
      return;
    }
    const index = this.#nextIndex++;
    this.accepted.push({ ...queued, index });
    this.entries.push({
      index,
      agentId: head.id,
      seq: entry.seq,
      entryId: entry.entryId,
      leaf: entry.leaf,
      leafHash: entry.leafHash,
    });
    this.#heads.set(entry.did, {
      ...head,
      nextSeq: entry.seq + 1,
      headEntryId: entry.entryId,
      lastBlock: entry.blockNumber,
    });
  }

  /** After the commit, so that a repeat of an entry of the same group finds it. */
  answerRepeats(): void {
    for (const { entry, resolve, reject } of this.#repeats) {
      try {
        const known = answerKnown(this.#log, entry, this.#now());
        this.#disclosures.add(entry);
        resolve(known);
      } catch (error) {
        reject(error);
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
  const prev = head.headEntryId === null ? null : toHex(head.headEntryId);
  if (entry.prev !== prev) {
    return new AffiantError("ERR_CONFLICT_PREV", "prev is not the agent's last entry", {
      details: { expectedPrev: prev },
    });
  }
  if (entry.blockNumber < head.lastBlock) {
    return new AffiantError("ERR_CONFLICT_BLOCK_ORDER", `block ${entry.blockNumber} is before ${head.lastBlock}`, {
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
export function answerKnown(log: Log, entry: VerifiedEntry, nowMs: number): Sequenced {
  const agent = log.agent(entry.did);
  const known = agent && log.entries.bySeq(agent.id, entry.seq);
  if (!agent || !known) throw new AffiantError("ERR_UNAVAILABLE_STORAGE", "the commit before this entry failed");
  if (bytesEqual(known.entryId, entry.entryId)) return { receipt: receiptText(log.receipt(known)), isNew: false };
  log.keepEquivocation(agent.id, entry.seq, entry.entryId, entry.leaf, nowMs);
  throw new AffiantError("ERR_CONFLICT_SEQ_TAKEN", `the log has another entry of the agent at seq ${entry.seq}`, {
    details: { knownEntryId: toHex(known.entryId) },
    hint: "both entries are kept as evidence",
  });
}
