import { ToolMessage } from "@langchain/core/messages";

import { CallRefused, refuseUnrecordable, ToolRecorder, type WrapOptions } from "./toolRecorder.ts";

interface RunConfig {
  readonly toolCall?: { readonly id?: string };
  readonly configurable?: { readonly thread_id?: unknown };
}

type Run = (input: unknown, manager?: unknown, config?: RunConfig) => Promise<unknown>;

/** What every tool of LangChain has beneath `invoke`, `call` and `batch`: the one place where it runs. */
interface ToolLike {
  readonly name: string;
  readonly _call: Run;
}

/**
 * Tools of LangChain (`@langchain/core` 1), each call of which is judged by the agent's policy before and on record after. A refusal is
 * a `ToolMessage` of status `error`, which the model reads; without a tool call to answer it is thrown. The thread is the
 * `thread_id` of the run's configuration, the idempotency key the tool call's id.
 * @throws AffiantError ERR_INPUT_CONFIG for what is no tool that runs here and is not named in `unrecorded`
 */
export function wrapTools<T extends readonly object[]>(tools: T, options: WrapOptions): T {
  const recorder = new ToolRecorder(options, "langchain");
  return tools.map((tool) => wrapTool(tool as ToolLike, options, recorder)) as unknown as T;
}

function wrapTool(tool: ToolLike, options: WrapOptions, recorder: ToolRecorder): object {
  if (typeof tool._call !== "function") {
    refuseUnrecordable(typeof tool.name === "string" ? tool.name : "(a provider's)", options);
    return tool;
  }
  const recorded: Run = async (input, manager, config) => {
    const callId = config?.toolCall?.id;
    const threadId = config?.configurable?.thread_id;
    const thread = typeof threadId === "string" ? threadId : undefined;
    try {
      return await recorder.call({ tool: tool.name, args: input, callId, thread }, () =>
        tool._call(input, manager, config),
      );
    } catch (error) {
      if (!(error instanceof CallRefused) || callId === undefined) throw error;
      return new ToolMessage({ content: error.message, name: tool.name, tool_call_id: callId, status: "error" });
    }
  };
  // The tool itself beneath: all else of it is as it was.
  return Object.create(tool, { _call: { value: recorded } }) as object;
}
