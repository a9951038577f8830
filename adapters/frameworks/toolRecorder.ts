import { randomUUID } from "node:crypto";
import { inspect } from "node:util";

import type { Agent } from "../../agent/agent.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { jsonOf } from "../../protocol/json/jsonOf.ts";
import { ActDesk } from "../acts/actDesk.ts";
import type { Claim, Refusal } from "../acts/actLedger.ts";
import { actNameOfTool, threadNameOf } from "../acts/actName.ts";
import { parseExactJson } from "../json/exactJson.ts";

/** What every `wrapTools` takes. */
export interface WrapOptions {
  /** In whose name the calls are judged and entered. */
  readonly agent: Agent;
  /** Names the conversation. Default: the framework's own name for it, where it has one; else each `wrapTools` is one. */
  readonly thread?: string;
  /** Tools that this process does not run (the provider or the client does), and that may be used without a record. */
  readonly unrecorded?: readonly string[];
}

/** A call of a tool, as a framework makes it. */
export interface FrameworkCall {
  readonly tool: string;
  readonly args: unknown;
  /** The text of the arguments, where the framework has it: it keeps digits that a double does not. */
  readonly argsText?: string;
  /** Becomes the idempotency key. */
  readonly callId: string | undefined;
  /** The framework's own name for the conversation. */
  readonly thread?: string | undefined;
}

/** A call that was not made. `message` is for the model. */
export class CallRefused extends AffiantError {
  constructor({ code, detail }: Refusal) {
    super(code, `Refused: ${detail} [${code}]`);
  }
}

/** Judges, claims, makes and enters the calls of one set of wrapped tools. */
export class ToolRecorder {
  readonly #options: WrapOptions;
  readonly #framework: string;
  readonly #ownThread = randomUUID();

  /** @param framework stands in each entry's context as `protocol` */
  constructor(options: WrapOptions, framework: string) {
    this.#options = options;
    this.#framework = framework;
  }

  /**
   * Makes a call, if it may be made; calls of one conversation are made one after the other. A call id that is on record already is
   * answered with what is on record, and nothing is done again.
   * @throws CallRefused; what `effect` throws, once that is on record; AffiantError where an outcome could not be entered
   */
  async call<T>(made: FrameworkCall, effect: () => Promise<T> | T): Promise<T> {
    const { tool, callId, thread: theirs } = made;
    const thread = threadNameOf(this.#options.thread ?? theirs ?? this.#ownThread);
    const desk = await ActDesk.of(this.#options.agent);
    return desk.inTurn(thread, async () => {
      const input = heardArguments(made);
      const opened = await desk.open({
        act: actNameOfTool(tool),
        input: input.value,
        inputText: input.text,
        thread,
        context: { tool, protocol: this.#framework, ...(input.remark && { inputRemark: input.remark }) },
        ...(callId === undefined ? {} : { idempotencyKey: callId }),
      });
      if (opened.kind === "refused") throw new CallRefused(opened.refusal);
      if (opened.kind === "recorded") return opened.recorded.output as T;
      return this.#made(desk, opened.claim, effect);
    });
  }

  async #made<T>(desk: ActDesk, claim: Claim, effect: () => Promise<T> | T): Promise<T> {
    let value: T;
    try {
      value = await effect();
    } catch (error) {
      const failed = { error: error instanceof Error ? `${error.name}: ${error.message}` : heard(error).text };
      await desk.settle(claim, failed, JSON.stringify(failed)).catch(() => undefined);
      throw error;
    }
    const outcome = heard(value);
    try {
      await desk.settle(claim, outcome.value, outcome.text, outcome.remark ? { outputRemark: outcome.remark } : {});
    } catch (cause) {
      // What is not on record is not handed out; the outcome is on disk and is entered as soon as it can be.
      const code = isAffiantError(cause) ? cause.code : "ERR_INTERNAL_UNEXPECTED";
      throw new AffiantError(code, "the call was made, but could not be put on record yet", { cause });
    }
    return value;
  }
}

/**
 * Which tools cannot be recorded, since nothing of this process runs them, and are not named as such.
 * @throws AffiantError ERR_INPUT_CONFIG
 */
export function refuseUnrecordable(tool: string, options: WrapOptions): void {
  if (options.unrecorded?.includes(tool)) return;
  throw new AffiantError(
    "ERR_INPUT_CONFIG",
    `the tool ${tool} has nothing to run here: its calls cannot be judged or entered`,
    {
      hint: `If it may be used without a record: wrapTools(tools, { agent, unrecorded: ["${tool}"] })`,
    },
  );
}

function heardArguments({ args, argsText }: FrameworkCall): ReturnType<typeof heard> {
  if (argsText === undefined) return heard(args);
  try {
    return { value: parseExactJson(argsText).value, text: argsText };
  } catch {
    return heard(argsText);
  }
}

/** A value as an entry can hold it, and the text that stands for its bytes. Never throws: what happened is entered. */
function heard(value: unknown): { readonly value: Json; readonly text: string; readonly remark?: string } {
  try {
    const json = jsonOf(value ?? null);
    return { value: json, text: JSON.stringify(json) };
  } catch (error) {
    const text = inspect(value, { depth: 6, maxStringLength: 10_000, maxArrayLength: 1_000, breakLength: Infinity });
    const remark = isAffiantError(error) ? `it is no JSON: ${error.message}` : "it is no JSON";
    return { value: { inspected: text.toWellFormed() }, text, remark };
  }
}
