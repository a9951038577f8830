import type { Registries, Standing } from "../chain/registries.ts";
import { type Act, signEntry } from "./signEntry.ts";
import { assertSameAct } from "./sameAct.ts";
import type { Journal, JournalEntry } from "../journal/journal.ts";
import { reconcile } from "../journal/reconcile.ts";
import type { AgentKeys } from "../keys/keystore.ts";
import type { Outbox } from "../relayer/outbox.ts";
import type { RelayerClient } from "../relayer/relayerClient.ts";
import type { Receipt } from "../../protocol/api/receipt.ts";
import { maxBatchEntries } from "../../protocol/api/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** The relayer's receipt of a recorded act, and where it stands among the agent's entries. */
export interface RecordedAct extends Receipt {
  readonly seq: number;
  /** False if the idempotency key had been used before: nothing was added. */
  readonly added: boolean;
}

export interface RecorderSettings {
  /** How many blocks behind the newest one an entry's not-before block lies. */
  readonly notBeforeDepth: number;
  /**
   * For how long the last block and policy read from the chain are named again. An older block is still a true "not
   * before", so this costs nothing but tightness.
   */
  readonly standingMaxAgeMs: number;
  /** Unix seconds: the agent's clock. */
  readonly nowSec: () => number;
}

export interface RecorderParts {
  readonly keys: AgentKeys;
  readonly chainId: number;
  readonly journal: Journal;
  readonly relayer: Pick<RelayerClient, "head">;
  readonly registries: Pick<Registries, "standing">;
  readonly outbox: Outbox;
  readonly settings: RecorderSettings;
}

/** An act in the journal. */
interface StoredAct {
  readonly entry: JournalEntry;
  readonly added: boolean;
}

/**
 * Puts an agent's acts on record: each becomes the next entry of its chain, is signed and stored in the journal, and goes
 * out through the outbox. What cannot be delivered now stays in the journal and goes out with the next entry.
 */
export class Recorder {
  readonly #parts: RecorderParts;
  #reconciled: Promise<void> | undefined;
  #standing: { readonly readAtMs: number; readonly value: Promise<Standing> } | undefined;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** Stores an act and sets its delivery going, without waiting for it. @throws as `Agent.enter` */
  async enter(act: Act): Promise<{ readonly seq: number; readonly entryId: Hex; readonly added: boolean }> {
    await this.#reconcile();
    const [stored] = this.#append([act], await this.#currentStanding());
    if (!stored) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "an act was stored as nothing");
    const { entry, added } = stored;
    if (!entry.receipt) this.#parts.outbox.delivered(entry.seq).catch(() => undefined);
    return { seq: entry.seq, entryId: entry.entryId, added };
  }

  /** Whether an entry could be made now. @throws as `Agent.enter`, before anything is signed */
  async ready(): Promise<void> {
    await this.#reconcile();
    await this.#currentStanding();
  }

  /** Stores acts as they come, a batch at a time, and gives each receipt as it is there. @throws as `Agent.record` */
  async *recordEach(acts: Iterable<Act> | AsyncIterable<Act>): AsyncGenerator<RecordedAct> {
    await this.#reconcile();
    let sent: readonly StoredAct[] = [];
    for await (const batch of inBatches(acts, maxBatchEntries)) {
      const stored = this.#append(batch, await this.#currentStanding());
      // Sets the delivery going. Its failure is met again, and thrown, when the receipts are collected.
      this.#receiptOf(stored.at(-1)).catch(() => undefined);
      yield* this.#receipts(sent);
      sent = stored;
    }
    yield* this.#receipts(sent);
  }

  /** Delivers what was signed earlier. @returns how many entries */
  async flush(): Promise<number> {
    const { journal, outbox } = this.#parts;
    await this.#reconcile();
    const before = journal.countByStatus().signed;
    const head = journal.head();
    if (before > 0 && head) await outbox.delivered(head.seq);
    return before;
  }

  /** The policy that a new entry would name. @throws as `Agent.enter` */
  async policyHash(): Promise<Hex> {
    return (await this.#currentStanding()).policy;
  }

  /** The block that a new entry names as its not-before block, read anew. */
  async notBeforeBlock(): Promise<number> {
    this.forgetStanding();
    return (await this.#currentStanding()).nb.blockNumber;
  }

  /** To be called when the agent's policy may have changed: the next entry asks the chain again. */
  forgetStanding(): void {
    this.#standing = undefined;
  }

  /** To be called when somebody else has written the journal: it is held against the relayer's log again. */
  forgetReconciled(): void {
    this.#reconciled = undefined;
  }

  #append(acts: readonly Act[], standing: Standing): readonly StoredAct[] {
    const { keys, journal, settings } = this.#parts;
    return journal.transaction(() =>
      acts.map((act) => {
        const known = act.idempotencyKey === undefined ? null : journal.byIdempotencyKey(act.idempotencyKey);
        if (known) {
          assertSameAct(act, known);
          return { entry: known, added: false };
        }
        const head = journal.head();
        const place = {
          ...notBefore(head, standing),
          iss: keys.facts.did,
          seq: head ? head.seq + 1 : 0,
          prev: head ? head.entryId : null,
          iat: act.iat ?? notBack(head, settings.nowSec()),
        };
        const entry = signEntry(act, place, keys.signing);
        journal.insert(entry, act.idempotencyKey ?? null);
        return { entry: { ...entry, idempotencyKey: act.idempotencyKey ?? null, receipt: null }, added: true };
      }),
    );
  }

  async *#receipts(stored: readonly StoredAct[]): AsyncGenerator<RecordedAct> {
    for (const one of stored) {
      const receipt = await this.#receiptOf(one);
      if (receipt) yield { ...receipt, seq: one.entry.seq, added: one.added };
    }
  }

  async #receiptOf(stored: StoredAct | undefined): Promise<Receipt | undefined> {
    return stored && (stored.entry.receipt ?? this.#parts.outbox.delivered(stored.entry.seq));
  }

  /** Once a process: only this process, and those that share its journal, write the agent's entries. */
  #reconcile(): Promise<void> {
    const { keys, journal, relayer } = this.#parts;
    this.#reconciled ??= relayer
      .head(keys.facts.did)
      .then((remote) => reconcile(journal, remote, keys.facts.name))
      .catch((error: unknown) => {
        this.#reconciled = undefined;
        throw error;
      });
    return this.#reconciled;
  }

  #currentStanding(): Promise<Standing> {
    const { keys, registries, chainId, settings } = this.#parts;
    const nowMs = performance.now();
    if (this.#standing && nowMs - this.#standing.readAtMs < settings.standingMaxAgeMs) return this.#standing.value;
    const value = registries.standing(keys.facts.address, keys.signing.publicKey, chainId, settings.notBeforeDepth);
    this.#standing = { readAtMs: nowMs, value };
    value.catch(() => (this.#standing = undefined));
    return value;
  }
}

/** Not-before blocks never go back along an agent's entries, though the endpoints it asks may be of different speed. */
function notBefore(head: JournalEntry | null, standing: Standing): Standing {
  if (!head) return standing;
  const { nb, policy } = decodeLeaf(head.leaf).claims;
  return nb.blockNumber > standing.nb.blockNumber ? { nb, policy } : standing;
}

/** How far a clock is set back by those who look after it, in seconds. More than that is told, and an auditor sees it. */
const maxStepBackSec = 60;

/** A clock that was corrected a little does not make an entry look older than the one before it. */
function notBack(head: JournalEntry | null, nowSec: number): number {
  if (!head) return nowSec;
  const { iat } = decodeLeaf(head.leaf).claims;
  return iat > nowSec && iat - nowSec <= maxStepBackSec ? iat : nowSec;
}

async function* inBatches<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
