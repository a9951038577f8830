import { CallRefused, refuseUnrecordable, ToolRecorder, type WrapOptions } from "./toolRecorder.ts";

interface Details {
  readonly toolCall?: { readonly callId?: string };
}

type Invoke = (context: unknown, input: string, details?: Details) => Promise<unknown>;

interface ToolLike {
  readonly type?: string;
  readonly name?: string;
  readonly invoke?: Invoke;
}

/**
 * Tools of OpenAI's Agents SDK (`@openai/agents`), each call of which is judged by the agent's policy before and on record after. A
 * refusal is the tool's answer, as the SDK does with a tool's errors, so that the model reads the reason. The call id is the
 * idempotency key.
 * @throws AffiantError ERR_INPUT_CONFIG for a hosted tool that is not named in `unrecorded`
 */
export function wrapTools<T extends readonly object[]>(tools: T, options: WrapOptions): T {
  const recorder = new ToolRecorder(options, "openai-agents");
  return tools.map((tool) => wrapTool(tool, options, recorder)) as unknown as T;
}

function wrapTool(tool: ToolLike, options: WrapOptions, recorder: ToolRecorder): object {
  const { type, name = type ?? "(unnamed)", invoke } = tool;
  if (type !== "function" || invoke === undefined) {
    refuseUnrecordable(name, options);
    return tool;
  }
  const recorded: Invoke = async (context, input, details) => {
    // What is no JSON is refused by the tool itself, and entered as it is.
    const call = { tool: name, args: {}, argsText: input || "{}", callId: details?.toolCall?.callId };
    try {
      return await recorder.call(call, () => invoke.call(tool, context, input, details));
    } catch (error) {
      if (error instanceof CallRefused) return error.message;
      throw error;
    }
  };
  // Copied with its descriptors: what the SDK keeps beside in symbols belongs to it.
  return Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(tool), invoke: { value: recorded, enumerable: true } },
  );
}
