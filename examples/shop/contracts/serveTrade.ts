import { callRecordOf } from "../../../agent/calls/callRecord.ts";
import type { Guard } from "../../../agent/calls/guard.ts";
import { type AcceptedCall, type CallHandler, serveCall } from "../../../agent/calls/serveCall.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { orderIdIn } from "../station/input.ts";
import type { Handler } from "../station/server.ts";
import type { Station } from "../station/station.ts";
import { refusalOf, type Step, type Trade } from "../station/step.ts";

export interface ServeTradeOptions {
  readonly station: Station;
  readonly guard: Guard;
  readonly trade: Trade;
  /** E.g. `/payment/charge`. */
  readonly command: string;
  readonly nowSec: () => number;
}

/**
 * Serves a step to callers who hold a contract for it. The entry of the step is the entry of the call: it is decided and
 * stored with the call that asked for it, so that a process killed in between enters both when it is back.
 */
export function serveTrade({ station, guard, trade, command, nowSec }: ServeTradeOptions): Handler {
  return async (message, groupKey) => {
    let decided: Step | undefined;
    const handler: CallHandler = async ({ args, call }) => {
      const orderId = orderIdIn(args["orderId"]);
      const { context, ctr } = callRecordOf(call, "callee", { kind: "act", output: null }, orderId, groupKey);
      const asked = { context: { ...context }, ctr: ctr ?? null, decidedAtSec: nowSec() };
      decided = await station.decide(trade, orderId, { ...args }, asked);
      if (!decided) throw new AffiantError("ERR_CONFLICT_REPLAY", "this step was taken on an earlier call");
      return outcomeOf(decided);
    };
    return answerOf(
      await serveCall(message, {
        guard,
        command,
        handler,
        threadOf,
        groupKey,
        // A step is entered as it was stored; what never became one (a refused call) as it came.
        recorder: { record: (entry) => (decided ? station.putOnRecord(decided) : station.record(entry)) },
      }),
    );
  };
}

/** Serves `<command>/result`: what came of a step, to a caller who lost the answer. It changes nothing. */
export function serveResult({ station, guard, trade, command }: ServeTradeOptions): Handler {
  return async (message, groupKey) => {
    const handler = async ({ args }: AcceptedCall): Promise<Json> => {
      const step = station.stepOf(trade, orderIdIn(args["orderId"]));
      if (!step) return { step: null };
      // It may have been decided by a process that was killed before it was on record.
      await station.putOnRecord(step);
      const refused = refusalOf(step);
      if (!refused) return { step: { output: step.output } };
      return { step: { refused: { code: codeOf(refused), reason: refused.reason } } };
    };
    const recorder = { record: station.record.bind(station) };
    return answerOf(
      await serveCall(message, { guard, command: `${command}/result`, handler, threadOf, groupKey, recorder }),
    );
  };
}

function outcomeOf(step: Step): Json {
  const refused = refusalOf(step);
  if (refused) throw new AffiantError(codeOf(refused), refused.reason);
  return step.output;
}

/** By its policy, or for reasons of its trade. */
function codeOf({ rule }: { readonly rule?: string }) {
  return rule === undefined ? ("ERR_CONFLICT_DECLINED" as const) : ("ERR_AUTH_POLICY" as const);
}

function threadOf(args: { readonly [name: string]: Json }): string | undefined {
  try {
    return orderIdIn(args["orderId"]);
  } catch {
    return undefined;
  }
}

function answerOf(answer: Awaited<ReturnType<typeof serveCall>>): Json {
  if ("error" in answer) throw answer.error;
  return { result: answer.result };
}
