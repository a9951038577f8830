import { wrapTools } from "../../../sdk/ai.ts";
import { localAgent } from "../../../test/adapters/localAgent.ts";
import type { BenchRow } from "../report.ts";
import { inFolder, rowsOf, timesOf } from "./timed.ts";

/** A wrapped tool of the Vercel AI SDK, called as the SDK calls it. */
export function wrapperRows(calls: number): Promise<readonly BenchRow[]> {
  return inFolder(async (folder) => {
    const { agent } = await localAgent(folder);
    const lookup = {
      execute: (input: unknown, _its: { toolCallId: string }): Promise<unknown> => Promise.resolve(input),
    };
    const tools = wrapTools({ lookup }, { agent });
    const call = (tool: typeof lookup) => (index: number) => tool.execute({ index }, { toolCallId: `call-${index}` });
    await tools.lookup.execute({}, { toolCallId: "first" });
    const [bare, wrapped] = [await timesOf(calls, call(lookup)), await timesOf(calls, call(tools.lookup))];
    agent.close();
    return rowsOf("a call through the wrapper", wrapped, bare);
  });
}
