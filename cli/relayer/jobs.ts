import { join } from "node:path";

import { type Command, Option } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import { type Environment, relayerFolder } from "../environment.ts";
import { table } from "../output.ts";
import { jobStates, type JobState } from "../../relayer/journal/job.ts";

interface Flags extends CommonFlags {
  readonly state?: JobState | "open";
  readonly limit?: string;
}

export function jobsListCommand(): Command {
  return command(
    "list",
    "Show the jobs of a relayer's journal, newest first; those that failed unless another state is named. It reads the " +
      "journal itself: the relayer may run or not.",
    "local",
    ["affiant relayer jobs list", "affiant relayer jobs list --state open --json"],
  )
    .addOption(new Option("--state <state>", "which ones").choices([...jobStates, "open"]).default("failed"))
    .option("--limit <count>", "how many at most", "100")
    .action(
      run<Flags, []>(async ({ environment }, flags) => {
        const desk = await openDesk(environment);
        try {
          const jobs = desk.list(flags.state ?? "failed", Math.max(1, Math.trunc(Number(flags.limit)) || 100));
          const rows = jobs.map(({ id, kind, state, agent, setbacks, why }) => [
            ...[id, kind, state, agent ?? "-", String(setbacks), why ?? ""],
          ]);
          const lines = rows.length === 0 ? ["none"] : table(["id", "kind", "state", "agent", "setbacks", "why"], rows);
          return { data: { jobs }, lines };
        } finally {
          desk.close();
        }
      }),
    );
}

export function jobsRetryCommand(): Command {
  return command(
    "retry",
    "Try failed requests again: the same calls, under the contracts' own replay protection. A running relayer takes them " +
      "up within seconds, a stopped one when it starts.",
    "local",
    [
      "affiant relayer jobs retry 7b0e…",
      "affiant relayer jobs retry $(affiant relayer jobs list --json | jq -r '.jobs[].id')",
    ],
  )
    .argument("<id...>", "ids of failed requests")
    .action(
      run<Flags, [string[]]>(async ({ environment }, flags, ids) => {
        const desk = await openDesk(environment);
        try {
          const retried = ids.map((id) => ({ id, as: desk.retry(id) }));
          return { data: { retried }, lines: retried.map(({ id, as }) => (id === as ? id : `${id} as ${as}`)) };
        } finally {
          desk.close();
        }
      }),
    );
}

async function openDesk({ dataDir, journalKeyFile }: Environment) {
  const folder = relayerFolder(dataDir);
  const { JobDesk } = await import("../../relayer/journal/jobDesk.ts");
  return JobDesk.open(join(folder, "relayer.db"), journalKeyFile);
}
