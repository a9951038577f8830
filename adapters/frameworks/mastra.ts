import { refuseUnrecordable, ToolRecorder, type WrapOptions } from "./toolRecorder.ts";

interface Context {
  readonly agent?: { readonly toolCallId?: string; readonly threadId?: string };
}

type Execute = (input: unknown, context?: Context) => unknown;

interface ToolLike {
  readonly id?: string;
  readonly execute?: Execute;
}

/**
 * Tools of Mastra (`createTool`), each call of which is judged by the agent's policy before and on record after. A refusal is thrown,
 * which Mastra shows the model as the tool's error. Thread and idempotency key are the agent's `threadId` and `toolCallId`.
 * @throws AffiantError ERR_INPUT_CONFIG for a tool without `execute` that is not named in `unrecorded`
 */
export function wrapTools<T extends Readonly<Record<string, object>>>(tools: T, options: WrapOptions): T {
  const recorder = new ToolRecorder(options, "mastra");
  const wrapped = Object.entries(tools).map(([name, tool]) => [name, wrapTool(name, tool, options, recorder)]);
  return Object.fromEntries(wrapped) as T;
}

function wrapTool(key: string, tool: ToolLike, options: WrapOptions, recorder: ToolRecorder): object {
  const { id = key, execute } = tool;
  if (typeof execute !== "function") {
    refuseUnrecordable(id, options);
    return tool;
  }
  const recorded: Execute = (input, context) => {
    const { toolCallId: callId, threadId: thread } = context?.agent ?? {};
    return recorder.call({ tool: id, args: input, callId, thread }, () => execute.call(tool, input, context));
  };
  // The tool itself beneath: Mastra asks what class it is of.
  return Object.create(tool, { execute: { value: recorded, enumerable: true } }) as object;
}
