import { DatabaseSync } from "node:sqlite";

import { makePrivate } from "../../host/files/privateFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type AgentView, agentView } from "../queries/agentView.ts";
import { type AnsweredBlock, readAt } from "../queries/reader.ts";
import type { DirectoryStore } from "../store/store.ts";
import { type CardFacts, factsOf } from "./cardFacts.ts";

/** What came of looking a card up; `agent/card/lookUpCard.ts` does it with all care, and whoever starts a directory hands it in. */
export interface CardLookUp {
  readonly outcome: "holds" | "fails" | "unproven";
  readonly detail: string;
  readonly signedBy: readonly string[];
  readonly card?: unknown;
}

/** A card as the chain names it, to be fetched and checked: hash, signature under one of these keys, capabilities. */
export interface NamedCard {
  readonly uri: string;
  readonly contentHash: string;
  readonly capabilities: readonly string[];
  readonly signingKeys: readonly string[];
}

export type LookUp = (card: NamedCard) => Promise<CardLookUp>;

export interface Wanted {
  readonly text?: string;
  readonly capability?: string;
  readonly tag?: string;
  readonly organisation?: string;
  readonly tier?: string;
  readonly trusted?: boolean;
  readonly policyHash?: string;
  readonly region?: string;
  readonly currency?: string;
  readonly maxPrice?: number;
  readonly limit: number;
}

/** An agent that was found: what its card says, what became of the card, and what the chain says of the agent now. */
export interface Found {
  /** 0 to 100: how well the words fit, beside the best. Says nothing of trust. */
  readonly score: number;
  readonly facts: CardFacts;
  readonly card: {
    readonly outcome: string;
    readonly detail: string;
    readonly checkedAtMs: number;
    /** Time that the last fetch took; null: the card was not there. */
    readonly answeredInMs: number | null;
  };
  readonly chain: AgentView;
}

const schema = `
  CREATE TABLE IF NOT EXISTS cards (
    id           INTEGER PRIMARY KEY,
    chain        INTEGER NOT NULL,
    agent        TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    keys         TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    detail       TEXT NOT NULL,
    facts        TEXT NOT NULL,
    checked_ms   INTEGER NOT NULL,
    answered_ms  INTEGER,
    UNIQUE (chain, agent)
  ) STRICT;
  CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (name, description, skills, tags, organisation, examples, tokenize = 'unicode61');
`;

/** Of names a hit says more than of descriptions. In the order of the table's columns. */
const weights = "8.0, 2.0, 4.0, 6.0, 3.0, 2.0";
/** More candidates than these are not held against the chain for one answer. */
const mostCandidates = 500;

/**
 * Cards that were fetched and checked, to be found by their words (FTS5). Only what holds (hash, signature, capabilities) is found
 * by words: what a stranger served under somebody's name is kept as failed, with the reason, and nothing of it.
 */
export class Catalog {
  readonly sql: DatabaseSync;
  readonly #store: DirectoryStore;

  /** @param path a file, or `:memory:` */
  constructor(path: string, store: DirectoryStore, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    if (!readOnly) makePrivate(path);
    this.#store = store;
    this.sql = new DatabaseSync(path, { readOnly });
    this.sql.exec("PRAGMA busy_timeout = 10000");
    if (!readOnly) this.sql.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`);
  }

  /**
   * Looks up each card that is new, was published anew, whose agent has other keys than when it was checked, or that was checked
   * longer ago than `olderThanMs`.
   * @returns how many were looked up
   */
  async refresh(chainId: number, lookUp: LookUp, nowMs: number, olderThanMs = 600_000): Promise<number> {
    let count = 0;
    for (let after: string | undefined; ;) {
      const { data: page } = await readAt(this.#store, chainId, undefined, (reader) =>
        reader.page("cards", { prefix: "agent/", after, limit: 100 }),
      );
      for (const { key } of page) {
        count += await this.#refreshOne(chainId, key.slice("agent/".length), lookUp, nowMs, olderThanMs);
        after = key;
      }
      if (page.length < 100) return count;
    }
  }

  async #refreshOne(
    chainId: number,
    agent: string,
    lookUp: LookUp,
    nowMs: number,
    olderThanMs: number,
  ): Promise<number> {
    const { data } = await readAt(this.#store, chainId, undefined, (reader) =>
      agentView(reader, agent).catch(() => undefined),
    );
    if (!data?.card) return 0;
    const { card, signingKeys } = data;
    const keys = signingKeys.map(({ key }) => key).join();
    const known = this.sql
      .prepare("SELECT content_hash, keys, checked_ms FROM cards WHERE chain = ? AND agent = ?")
      .get(chainId, agent) as { content_hash: string; keys: string; checked_ms: number } | undefined;
    const isSame = known?.content_hash === card.contentHash && known.keys === keys;
    if (isSame && nowMs - known.checked_ms < olderThanMs) return 0;
    const beganMs = performance.now();
    const named = { ...card, signingKeys: signingKeys.map(({ key }) => key) };
    const found = await lookUp(named).catch((error: unknown): CardLookUp => ({
      outcome: "unproven",
      detail: (error as Error).message,
      signedBy: [],
    }));
    const tookMs = Math.round(performance.now() - beganMs);
    this.put(chainId, agent, { ...found, contentHash: card.contentHash, keys }, nowMs, tookMs);
    return 1;
  }

  /** Enters what a look-up found. */
  put(
    chainId: number,
    agent: string,
    found: CardLookUp & { readonly contentHash: string; readonly keys: string },
    nowMs: number,
    tookMs: number,
  ): void {
    const before = this.sql.prepare("SELECT * FROM cards WHERE chain = ? AND agent = ?").get(chainId, agent) as
      { id: number; content_hash: string; keys: string; facts: string; outcome: string } | undefined;
    // A card that is away for a while is still the one that was checked: its hash is on chain. Under other keys it is not: the one
    // that signed it may be revoked, and who holds it serves the card no more.
    const isAway =
      found.outcome === "unproven" &&
      before?.outcome === "holds" &&
      before.content_hash === found.contentHash &&
      before.keys === found.keys;
    const outcome = isAway ? "holds" : found.outcome;
    const facts = isAway
      ? (JSON.parse(before.facts) as CardFacts)
      : factsOf(found.outcome === "holds" ? found.card : undefined);
    this.sql.exec("BEGIN IMMEDIATE");
    try {
      const answered = found.outcome === "unproven" ? null : tookMs;
      const { id } = this.sql
        .prepare(
          `INSERT INTO cards (chain, agent, content_hash, keys, outcome, detail, facts, checked_ms, answered_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chain, agent) DO UPDATE SET content_hash = excluded.content_hash,
           keys = excluded.keys, outcome = excluded.outcome, detail = excluded.detail, facts = excluded.facts,
           checked_ms = excluded.checked_ms, answered_ms = excluded.answered_ms RETURNING id`,
        )
        .get(
          chainId,
          agent,
          found.contentHash,
          found.keys,
          outcome,
          found.detail,
          JSON.stringify(facts),
          nowMs,
          answered,
        ) as {
        id: number;
      };
      this.sql.prepare("DELETE FROM words WHERE rowid = ?").run(id);
      if (outcome === "holds") {
        const { name, description, skills, tags, organisation, examples } = facts;
        this.sql
          .prepare(
            "INSERT INTO words (rowid, name, description, skills, tags, organisation, examples) VALUES (?, ?, ?, ?, ?, ?, ?)",
          )
          .run(id, name, description, skills.join("\n"), tags.join("\n"), organisation, examples.join("\n"));
      }
      this.sql.exec("COMMIT");
    } catch (error) {
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
      throw error;
    }
  }

  /** Agents that fit, best first, each with what the chain says of it at one block. */
  async search(
    chainId: number,
    wanted: Wanted,
  ): Promise<{ readonly block: AnsweredBlock; readonly data: readonly Found[] }> {
    const candidates = this.#candidates(chainId, wanted);
    const best = Math.max(...candidates.map(({ rank }) => -rank), 1e-9);
    return readAt(this.#store, chainId, undefined, async (reader) => {
      const found: Found[] = [];
      for (const one of candidates) {
        if (found.length === wanted.limit) break;
        const facts = JSON.parse(one.facts) as CardFacts;
        if (!fitsCard(facts, wanted)) continue;
        const chain = await agentView(reader, one.agent).catch((error: unknown) => {
          if (error instanceof AffiantError) return undefined;
          throw error;
        });
        if (!chain?.isActive || !isChecked(chain, one) || !fitsChain(chain, wanted)) continue;
        const { outcome, detail, checked_ms: checkedAtMs, answered_ms: answeredInMs } = one;
        const score = wanted.text === undefined ? 100 : Math.max(1, Math.round((100 * -one.rank) / best));
        found.push({ score, facts, card: { outcome, detail, checkedAtMs, answeredInMs }, chain });
      }
      return found;
    });
  }

  #candidates(chainId: number, { text }: Wanted): Candidate[] {
    const columns = "c.agent, c.content_hash, c.keys, c.outcome, c.detail, c.facts, c.checked_ms, c.answered_ms";
    if (text === undefined) {
      return this.sql
        .prepare(
          `SELECT ${columns}, -1.0 AS rank FROM cards c WHERE chain = ? AND outcome = 'holds' ORDER BY agent LIMIT ?`,
        )
        .all(chainId, mostCandidates) as unknown as Candidate[];
    }
    const query = queryOf(text);
    if (query === "") return [];
    return this.sql
      .prepare(
        `SELECT ${columns}, w.rank AS rank FROM
           (SELECT rowid, bm25(words, ${weights}) AS rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) w
         JOIN cards c ON c.id = w.rowid WHERE c.chain = ? ORDER BY w.rank, c.agent`,
      )
      .all(query, mostCandidates, chainId) as unknown as Candidate[];
  }

  close(): void {
    this.sql.close();
  }
}

/** Another card than the one that was checked may be the agent's by now, or the key that signed it no longer speak for it. */
function isChecked({ card, signingKeys }: AgentView, { content_hash: hash, keys }: Candidate): boolean {
  return card?.contentHash === hash && signingKeys.map(({ key }) => key).join() === keys;
}

interface Candidate {
  readonly agent: string;
  readonly content_hash: string;
  readonly keys: string;
  readonly outcome: string;
  readonly detail: string;
  readonly facts: string;
  readonly checked_ms: number;
  readonly answered_ms: number | null;
  /** Of bm25: the lower, the better. */
  readonly rank: number;
}

/** Words as FTS5 takes them: quoted, so that none is an operator; any of them will do, and more are better. */
export function queryOf(text: string): string {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)]
    .slice(0, 24)
    .map((word) => `"${word}"`)
    .join(" OR ");
}

function fitsCard({ tags, organisation, regions, price }: CardFacts, wanted: Wanted): boolean {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  if (wanted.tag !== undefined && !tags.some((tag) => same(tag, wanted.tag as string))) return false;
  if (wanted.organisation !== undefined && !same(organisation, wanted.organisation)) return false;
  if (wanted.region !== undefined && !regions.some((region) => same(region, wanted.region as string))) return false;
  if (wanted.currency !== undefined && price?.currency !== wanted.currency) return false;
  // Who names no price is not cheap.
  return wanted.maxPrice === undefined || (price !== null && price.amount <= wanted.maxPrice);
}

function fitsChain({ card, trust, policy }: AgentView, wanted: Wanted): boolean {
  if (wanted.capability !== undefined && card?.capabilities.includes(wanted.capability) !== true) return false;
  if (wanted.tier !== undefined && trust.tier !== wanted.tier) return false;
  if (wanted.policyHash !== undefined && policy?.policyHash !== wanted.policyHash) return false;
  return wanted.trusted !== true || trust.isTrusted;
}
