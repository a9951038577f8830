/**
 * The process that wraps one agent: it makes the agent's keys, which nobody else sees, registers it and commits its
 * policy, runs and measures its program, answers challenges, verifies other agents, and holds the keys of its groups.
 * The orchestrator is its parent and speaks to it over the channel between them (`messages.ts`).
 */
import { errorLines, printLines } from "../../host/terminal/print.ts";
import { readWrapperConfig } from "./config.ts";
import { WrappedAgent } from "./wrappedAgent.ts";

try {
  const wrapped = await WrappedAgent.start(readWrapperConfig(process.env));
  let ending = false;
  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    void wrapped.close().finally(() => process.exit(code));
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(0));
  // A program that cannot be kept running is told by ending: the orchestrator then starts both anew, or gives up.
  void wrapped.programGone.then((code) => end(code));
} catch (error) {
  printLines("stderr", errorLines(error));
  process.exit(1);
}
