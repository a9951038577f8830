import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { candidates, completionScript } from "./completion.js";

const root = join(import.meta.dirname, "..");
/** Written by `helpIndex.ts`; built, not committed. */
export const helpIndexPath = join(root, "cache/cli/help.json");

/**
 * Answers what needs no command to be loaded.
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether that was all
 */
export async function answerAtOnce(args) {
  const [first = ""] = args;
  if (args.length === 1 && (first === "--version" || first === "-V")) {
    process.stdout.write(`${JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version}\n`);
    return true;
  }
  if (first === "__complete") {
    const found = candidates(await helpIndex(), args.slice(1));
    process.stdout.write(found.map((word) => `${word}\n`).join(""));
    return true;
  }
  if (first === "completion" && args.length === 2 && completionScript(args[1]) !== undefined) {
    process.stdout.write(completionScript(args[1]));
    return true;
  }
  if (args.length === 0) {
    process.stderr.write((await helpIndex()).commands[""].help);
    process.exitCode = 2;
    return true;
  }
  const path = helpAskedFor(args);
  if (path === undefined) return false;
  const { commands } = await helpIndex();
  if (!Object.hasOwn(commands, path.join(" "))) return false;
  process.stdout.write(commands[path.join(" ")].help);
  return true;
}

/** `… --help` and `help …`: of which command. Anything between is the command's own to judge. */
function helpAskedFor(args) {
  const words = args[0] === "help" ? args.slice(1) : args.slice(0, -1);
  if (args[0] !== "help" && !["--help", "-h"].includes(args.at(-1))) return undefined;
  return words.some((word) => word.startsWith("-")) ? undefined : words;
}

/** The index as it was built, or built anew if a command's file has changed since. */
async function helpIndex() {
  const stamp = stampOfCommands();
  try {
    const index = JSON.parse(readFileSync(helpIndexPath, "utf8"));
    if (index.stamp === stamp) return index;
  } catch {
    // Not built yet.
  }
  const { buildHelpIndex } = await import("./helpIndex.ts");
  return buildHelpIndex(helpIndexPath, stamp);
}

/** Changes with every file of this folder. */
export function stampOfCommands() {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.[jt]s$/.test(name),
  );
  return files
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(import.meta.dirname, name));
      return `${name}:${size}:${Math.trunc(mtimeMs)}`;
    })
    .join("\n");
}
