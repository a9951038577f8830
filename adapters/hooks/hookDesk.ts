import { randomUUID } from "node:crypto";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type Json, toCanonicalJson } from "../../protocol/json/canonical.ts";
import { actNameOfTool, threadNameOf } from "../acts/actName.ts";
import { signable } from "../acts/signable.ts";
import type { ActService } from "../service/actService.ts";
import { type HookCall, type HookEvent, readHookEvent } from "./hookEvent.ts";

type CallEvent = HookEvent & { readonly call: HookCall };

/**
 * Answers the hooks of coding agents. Before a call: it is judged and claimed. After it: its outcome is entered. A call whose outcome
 * does not come (the user said no, the agent was interrupted) is entered as unknown when its turn, its subagent or its session ends.
 */
export class HookDesk {
  readonly #service: ActService;
  /** Of agents that give their calls no id: the oldest open claim of the same call is the one meant. */
  readonly #unnamed = new Map<string, string[]>();

  constructor(service: ActService) {
    this.#service = service;
  }

  /**
   * @returns `allow`, or `refuse` and the reason on the lines after it: the one word that lets a call through
   * @throws AffiantError ERR_INPUT_MALFORMED
   */
  async said(agent: string, payload: Json, text: string): Promise<string> {
    const event = readHookEvent(agent, payload);
    try {
      if (event.kind === "before") await this.#before(agent, event, text);
      else if (event.kind === "after") await this.#after(agent, event, text);
      else await this.#ended(agent, event);
      return "allow\n";
    } catch (error) {
      const code = isAffiantError(error) ? error.code : "ERR_INTERNAL_UNEXPECTED";
      return `refuse\n${isAffiantError(error) ? error.message : "the call could not be judged"} [${code}]\n`;
    }
  }

  async #before(agent: string, event: CallEvent, text: string): Promise<void> {
    const { call, session, subagent } = event;
    const id = call.id ?? randomUUID();
    const { added, state } = await this.#service.tell(
      {
        act: actNameOfTool(call.tool),
        input: call.input,
        thread: session,
        context: { tool: call.tool, protocol: agent, ...(subagent !== undefined && { subagent }) },
        idempotencyKey: id,
      },
      text,
      groupOf(agent, event),
    );
    if (!added && state.status !== "claimed") {
      throw new ReplayedCall(`entry ${state.seq}: the call was made before; it is not made again`);
    }
    if (call.id === undefined) {
      const key = keyOf(agent, event, text);
      this.#unnamed.set(key, [...(this.#unnamed.get(key) ?? []), id]);
    }
  }

  async #after(agent: string, event: CallEvent & { readonly outcome: Json }, text: string): Promise<void> {
    const { call, session, subagent, outcome } = event;
    const id = call.id ?? this.#takeUnnamed(keyOf(agent, event, text));
    const open = id === undefined ? undefined : this.#service.openActs.get(id);
    if (id !== undefined && open) {
      const executed = signable(call.input, text).value;
      // Another hook, or the user, may have changed what was judged.
      const isAsJudged = open.what === toCanonicalJson([actNameOfTool(call.tool), open.thread, executed]);
      await this.#service.settle(id, outcome, text, isAsJudged ? {} : { executedInput: executed });
      return;
    }
    // No claim: it was made before this service ran, and its end is on record as unknown; or nobody asked before it was done.
    if (id !== undefined && this.#service.agent.journal.byIdempotencyKey(id) !== null) {
      throw new ReplayedCall("the call's entry was made before its outcome came");
    }
    const context = { tool: call.tool, protocol: agent, unclaimed: true, ...(subagent !== undefined && { subagent }) };
    const act = {
      act: actNameOfTool(call.tool),
      input: call.input,
      inputText: text,
      thread: threadNameOf(session),
      context,
    };
    await this.#service.desk.ledger.enterDone(
      { ...act, ...(id === undefined ? {} : { idempotencyKey: id }) },
      outcome,
      text,
    );
  }

  async #ended(agent: string, event: HookEvent & { readonly kind: "end" }): Promise<void> {
    const why = `no outcome came before the ${event.of} ended`;
    const own = groupOf(agent, event);
    const ofSession = groupOf(agent, { ...event, subagent: undefined });
    const isOf = (group: string): boolean => (event.of === "session" ? group.startsWith(ofSession) : group === own);
    await this.#service.settleGroup(isOf, why);
    for (const key of this.#unnamed.keys()) if (isOf(key.split("\n", 1)[0] ?? "")) this.#unnamed.delete(key);
    if (event.of === "session") this.#service.desk.ledger.endThread(threadNameOf(event.session));
  }

  #takeUnnamed(key: string): string | undefined {
    const [id, ...rest] = this.#unnamed.get(key) ?? [];
    if (rest.length > 0) this.#unnamed.set(key, rest);
    else this.#unnamed.delete(key);
    return id;
  }
}

class ReplayedCall extends AffiantError {
  constructor(message: string) {
    super("ERR_CONFLICT_REPLAY", message);
  }
}

/** JSON, so that no name of a session is the beginning of another's. */
function groupOf(agent: string, { session, subagent }: Pick<HookEvent, "session" | "subagent">): string {
  return `${JSON.stringify([agent, session])}${subagent === undefined ? "" : JSON.stringify(subagent)}`;
}

function keyOf(agent: string, event: CallEvent, text: string): string {
  return `${groupOf(agent, event)}\n${toCanonicalJson([event.call.tool, signable(event.call.input, text).value])}`;
}
