import { randomUUID } from "node:crypto";

import type { DisclosureName } from "../../protocol/entry/disclosure.ts";
import type { Agent } from "../../agent/agent.ts";
import { exportEvidence } from "../../agent/export/exportEvidence.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { KeyDid } from "../../protocol/did/key.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import { type Json, toCanonicalJson } from "../../protocol/json/canonical.ts";
import { formatContractFile } from "../../protocol/ucan/contractFile.ts";
import type { ActDesk } from "../acts/actDesk.ts";
import type { Claim, ProposedAct, Refusal } from "../acts/actLedger.ts";
import { threadNameOf } from "../acts/actName.ts";
import { signable } from "../acts/signable.ts";
import { valuesOf } from "../acts/threadIndex.ts";

/** An act as a program of any language tells it. Numbers may be `ExactNumber`. */
export interface ToldAct {
  readonly act: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly context?: { readonly [key: string]: Json };
  readonly thread?: string;
  readonly ctr?: string;
  readonly idempotencyKey?: string;
}

/** How an act stands. */
export interface ActState {
  readonly id: string;
  readonly status: "claimed" | "recorded" | "refused";
  readonly thread?: string;
  readonly seq?: number;
  readonly entryId?: string;
  readonly output?: Json;
  readonly receipt?: string;
}

/** An act that was allowed, and whose outcome nobody has told yet. */
export interface OpenAct {
  readonly claim: Claim;
  readonly thread: string;
  /** What it is, to hold a repeated request to it. */
  readonly what: string;
  /** Who will tell its outcome, where that is known. */
  readonly group: string | undefined;
}

const maxOpenActs = 1_000;

/** The acts of one agent as programs of any language see them: judged, claimed, and on record with their outcome. */
export class ActService {
  readonly desk: ActDesk;
  readonly #deployment: Deployment | undefined;
  readonly #open = new Map<string, OpenAct>();
  /** Acts that name no thread belong to one, as long as this runs. */
  readonly #ownThread = `service:${randomUUID()}`;
  /** Requests under one key are answered one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(desk: ActDesk, deployment?: Deployment) {
    this.desk = desk;
    this.#deployment = deployment;
  }

  get agent(): Agent {
    return this.desk.agent;
  }

  get openActs(): ReadonlyMap<string, OpenAct> {
    return this.#open;
  }

  /**
   * Judges an act and claims it on disk; with `output` it is on record when this resolves.
   * @param text the bytes that told it
   * @param group who will tell its outcome (`settleGroup`)
   * @throws AffiantError with the code of the refusal, which is on record; ERR_LIMIT_QUOTA
   */
  tell(told: ToldAct, text: string, group?: string): Promise<{ readonly added: boolean; readonly state: ActState }> {
    const id = told.idempotencyKey ?? randomUUID();
    return this.#inTurn(id, () => this.#tell({ ...told, idempotencyKey: id }, text, group));
  }

  /**
   * Puts on record what came of an act.
   * @throws AffiantError ERR_NOT_FOUND_ACT; ERR_CONFLICT_IDEMPOTENCY_REUSED where another outcome is on record
   */
  settle(id: string, output: Json, text: string, context?: { readonly [key: string]: Json }): Promise<ActState> {
    return this.#inTurn(id, async () => {
      const open = this.#open.get(id);
      if (open) {
        // Taken out before the entry is made: should that fail, the outcome is on disk and no second one may take its place.
        this.#open.delete(id);
        await this.desk.settle(open.claim, output, text, context);
        return this.stateOf(id);
      }
      const state = this.stateOf(id);
      const said = signable(output, text).value;
      if (state.output !== undefined && toCanonicalJson(state.output) === toCanonicalJson(said)) return state;
      throw new AffiantError("ERR_CONFLICT_IDEMPOTENCY_REUSED", `entry ${state.seq} has another outcome on record`);
    });
  }

  /** Enters acts of a group that nobody told the outcome of. */
  async settleGroup(isOf: (group: string) => boolean, why: string): Promise<void> {
    for (const [id, { group }] of [...this.#open])
      if (group !== undefined && isOf(group)) await this.settleUnknown(id, why);
  }

  async settleUnknown(id: string, why: string): Promise<void> {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    await this.desk.settleUnknown(open.claim, why);
  }

  /** @throws AffiantError ERR_NOT_FOUND_ACT */
  stateOf(id: string): ActState {
    const open = this.#open.get(id);
    if (open) return { id, status: "claimed", thread: open.thread };
    const entry = this.agent.journal.byIdempotencyKey(id);
    if (entry === null) throw new AffiantError("ERR_NOT_FOUND_ACT", "no act under this id is open or on record");
    const { kind, thread } = decodeLeaf(entry.leaf).claims;
    const { output } = valuesOf(entry);
    return {
      id,
      status: kind === "refusal" ? "refused" : "recorded",
      ...(thread === undefined ? {} : { thread }),
      seq: entry.seq,
      entryId: entry.entryId,
      ...(output === undefined ? {} : { output }),
      receipt: entry.receipt?.status ?? "signed",
    };
  }

  /** @throws AffiantError as `Agent.eraseDisclosures`, ERR_NOT_FOUND_ACT */
  erase(id: string): Promise<boolean> {
    return this.agent.eraseDisclosures(this.#entryIdOf(id));
  }

  /** @returns the contract file to hand to the reader */
  async grant(audience: KeyDid, expiresAtSec: number | null, acts?: readonly string[]): Promise<string> {
    const entryIds = acts?.map((id) => this.#entryIdOf(id));
    return formatContractFile([
      await this.agent.grantDisclosures({ audience, expiresAtSec, ...(entryIds && { entryIds }) }),
    ]);
  }

  /** @throws AffiantError as `exportEvidence` */
  async evidence(withhold: readonly DisclosureName[], write: (bytes: Uint8Array) => void): Promise<void> {
    if (!this.#deployment) throw new AffiantError("ERR_INPUT_CONFIG", "it is not known where the contracts are");
    const { agent } = this;
    await agent.flush();
    const { relayer } = agent;
    await exportEvidence({ agents: [agent], relayer, deployment: this.#deployment, withhold }, write);
  }

  /** Enters what is still open as unknown: who was to tell it has nobody to tell it to any more. */
  async close(): Promise<void> {
    for (const id of [...this.#open.keys()]) {
      await this.settleUnknown(id, "the service ended before the outcome was told").catch(() => undefined);
    }
  }

  async #tell(told: ToldAct & { idempotencyKey: string }, text: string, group: string | undefined) {
    const { idempotencyKey: id, act, input = null, context, ctr } = told;
    const thread = threadNameOf(told.thread ?? this.#ownThread);
    const what = toCanonicalJson([act, thread, signable(input, text).value]);
    const open = this.#open.get(id);
    if (open?.what === what && told.output === undefined) return { added: false, state: this.stateOf(id) };
    if (open)
      throw refusalError({ code: "ERR_CONFLICT_IDEMPOTENCY_REUSED", detail: "another act is open under this key" });
    if (this.#open.size >= maxOpenActs) {
      throw new AffiantError("ERR_LIMIT_QUOTA", `${maxOpenActs} acts wait for their outcome; tell some first`);
    }
    const proposed: ProposedAct = {
      act,
      input,
      inputText: text,
      thread,
      idempotencyKey: id,
      ...(context && { context }),
      ...(ctr === undefined ? {} : { ctr }),
    };
    const opened = await this.desk.open(proposed);
    if (opened.kind === "refused") throw refusalError(opened.refusal);
    if (opened.kind === "recorded") return { added: false, state: this.stateOf(id) };
    if (told.output !== undefined) {
      await this.desk.settle(opened.claim, told.output, text);
      return { added: true, state: this.stateOf(id) };
    }
    this.#open.set(id, { claim: opened.claim, thread, what, group });
    return { added: true, state: this.stateOf(id) };
  }

  #entryIdOf(id: string) {
    const entry = this.agent.journal.byIdempotencyKey(id);
    if (entry === null) throw new AffiantError("ERR_NOT_FOUND_ACT", "no act under this id is on record");
    return entry.entryId;
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(id, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(id) === settled) this.#turns.delete(id);
    }
  }
}

function refusalError({
  code,
  detail,
}: { readonly code: ErrorCode; readonly detail: string } & Partial<Refusal>): AffiantError {
  return new AffiantError(code, detail);
}
