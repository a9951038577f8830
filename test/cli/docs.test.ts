import { readFileSync } from "node:fs";

import { expect } from "chai";
import type { Command } from "commander";

import { affiantProgram } from "../../cli/program.ts";

describe("docs/cli.md", () => {
  const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
  const described = [...page.matchAll(/^\| `affiant ([^`]+)`/gm)].map(([, usage]) => usage ?? "");

  it("has a row for every command, and no other", async () => {
    const commands = pathsOf(await affiantProgram(), []);
    const rows = described.map((usage) => wordsOf(usage, commands));
    expect([...rows].sort()).to.deep.equal([...commands].sort());
  });
});

/** The commands that do something: those without inner ones, and those that act by themselves too. */
function pathsOf(command: Command, above: readonly string[]): string[] {
  return command.commands.flatMap((inner) => {
    const path = [...above, inner.name()];
    const acts = inner.commands.length === 0 || inner.name() === "relayer";
    return [...(acts ? [path.join(" ")] : []), ...pathsOf(inner, path)];
  });
}

/** The longest command with which a usage begins; the usage itself if there is none. */
function wordsOf(usage: string, commands: readonly string[]): string {
  const fitting = commands.filter((command) => `${usage} `.startsWith(`${command} `));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? usage;
}
