import "./quietWarnings.ts";

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import type { Command } from "commander";

/** One command as help and completion need it. */
interface Page {
  readonly help: string;
  /** Names of what it holds. */
  readonly words: readonly string[];
  readonly options: readonly string[];
}

export interface HelpIndex {
  /** Of the files that it was made of. */
  readonly stamp: string;
  /** By the words that name the command; "" is `affiant` itself. */
  readonly commands: Readonly<Record<string, Page>>;
}

const columns = 100;

/** Says of every command what commander would say, so that it need not be loaded to be asked. */
export async function buildHelpIndex(path: string, stamp: string): Promise<HelpIndex> {
  const commands: Record<string, Page> = {};
  const { affiantProgram } = await import("./program.ts");
  addPages(await affiantProgram(), [], commands);
  const index = { stamp, commands };
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(index));
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A folder that cannot be written: then it is made each time.
  }
  return index;
}

function addPages(command: Command, above: readonly string[], pages: Record<string, Page>): void {
  let help = "";
  command.configureOutput({
    writeOut: (text) => (help += text),
    getOutHelpWidth: () => columns,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  const words = command.commands.map((inner) => inner.name());
  const options = command.createHelp().visibleOptions(command);
  pages[above.join(" ")] = {
    help,
    words: words.length > 0 && above.length === 0 ? [...words, "help"] : words,
    options: options.flatMap(({ long }) => long ?? []),
  };
  for (const inner of command.commands) addPages(inner as Command, [...above, inner.name()], pages);
}
