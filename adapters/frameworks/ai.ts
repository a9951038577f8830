import { refuseUnrecordable, ToolRecorder, type WrapOptions } from "./toolRecorder.ts";

type Execute = (input: unknown, options?: { readonly toolCallId?: string }) => unknown;

interface ToolLike {
  readonly execute?: Execute;
}

const generatorFunction = Object.getPrototypeOf(async function* () {
  // Only its prototype is wanted.
}) as object;

/**
 * Tools of the Vercel AI SDK (`ai` 5 to 7), each call of which is judged by the agent's policy before and on record after. A refusal is
 * thrown, which the SDK shows the model as the tool's error. The tool-call id is the idempotency key.
 * @throws AffiantError ERR_INPUT_CONFIG for a tool without `execute` that is not named in `unrecorded`
 */
export function wrapTools<T extends Readonly<Record<string, object>>>(tools: T, options: WrapOptions): T {
  const recorder = new ToolRecorder(options, "ai-sdk");
  const wrapped = Object.entries(tools).map(([name, tool]) => [name, wrapTool(name, tool, options, recorder)]);
  return Object.fromEntries(wrapped) as T;
}

function wrapTool(name: string, tool: ToolLike, options: WrapOptions, recorder: ToolRecorder): object {
  const { execute } = tool;
  if (typeof execute !== "function") {
    refuseUnrecordable(name, options);
    return tool;
  }
  const call = (input: unknown, callId: string | undefined, effect: () => unknown): Promise<unknown> =>
    recorder.call({ tool: name, args: input, callId }, effect);
  // A generator shows its progress; what it gives last is the result.
  const recorded: Execute =
    Object.getPrototypeOf(execute) === generatorFunction
      ? (input, its) =>
          progress((tell) => call(input, its?.toolCallId, () => last(execute.call(tool, input, its), tell)))
      : (input, its) => call(input, its?.toolCallId, () => last(execute.call(tool, input, its), () => undefined));
  return { ...tool, execute: recorded };
}

/** What an iterable gives last; anything else is itself. */
async function last(result: unknown, tell: (value: unknown) => void): Promise<unknown> {
  const given = await result;
  if (typeof given !== "object" || given === null || !(Symbol.asyncIterator in given)) return given;
  let value: unknown;
  for await (value of given as AsyncIterable<unknown>) tell(value);
  return value;
}

/** Gives what `work` tells while it works, and throws what it throws. */
async function* progress(work: (tell: (value: unknown) => void) => Promise<unknown>): AsyncGenerator<unknown> {
  const told: unknown[] = [];
  let wake = (): void => undefined;
  let isDone = false;
  let hasTold = false;
  const result = work((value) => {
    told.push(value);
    hasTold = true;
    wake();
  }).finally(() => {
    isDone = true;
    wake();
  });
  // Thrown below; unhandled it would end the process while nobody waits yet.
  result.catch(() => undefined);
  while (!isDone || told.length > 0) {
    if (told.length > 0) yield told.shift();
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  // What was told last is the result, but where nothing ran and the answer is what is on record.
  const value = await result;
  if (!hasTold) yield value;
}
