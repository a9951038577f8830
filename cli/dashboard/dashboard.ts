import { once } from "node:events";

import { type Command, InvalidArgumentError } from "commander";

import { printLines } from "../../host/terminal/print.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { openDashboard } from "./openDashboard.ts";

interface Flags extends CommonFlags {
  readonly port: number;
}

export function dashboardCommand(): Command {
  return command(
    "dashboard",
    "Look at a running system in a browser: agents and their standing, live acts, refusals, anchors, alerts, health. It " +
      "is served on 127.0.0.1, read only, until Ctrl-C.",
    "all",
    ["affiant dashboard", "affiant dashboard --relayer https://relayer.example --rpc https://rpc.example --port 8080"],
  )
    .option("--port <n>", "where it listens; 0 for any free port", portOf, 0)
    .action(
      run<Flags, []>(async ({ environment, json }, { port }) => {
        const open = await openDashboard(environment, port);
        if (!json) printLines("stdout", [`${open.url}/  (Ctrl-C ends it)`]);
        await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name)));
        await open.close();
        return { data: { url: open.url }, lines: [] };
      }),
    );
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError("a port is 0 to 65535");
  return port;
}
