import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { inspect, styleText } from "node:util";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { escapeControls, toPrintableJson } from "../../protocol/text/escapeControls.ts";

/**
 * The one way to a terminal: whatever is printed here is printable, whoever wrote it. Colours are the only sequences that get
 * through, and those are made here.
 */
export type Output = "stdout" | "stderr";

/** Emphasis by meaning. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const tones = { bold: "bold", dim: "dim", good: "green", warn: "yellow", bad: "red" } as const;
type Tone = keyof typeof tones;

// Nobody who writes text that is shown can know this, so nobody but this program can colour anything. It has the form of a
// terminal's own sequence, so that what measures text leaves it out.
const secret = randomBytes(16).toString("hex");
const marks = new RegExp(`\\u001b\\]affiant;${secret};(open|close);(\\w+)\\u0007`, "g");

function mark(tone: Tone, text: string): string {
  const at = (place: string) => `\u001b]affiant;${secret};${place};${tone}\u0007`;
  return `${at("open")}${text}${at("close")}`;
}

/** Marks text for {@link printLines}; on its own it is no colour. */
export const paint: Paint = {
  bold: (text) => mark("bold", text),
  dim: (text) => mark("dim", text),
  good: (text) => mark("good", text),
  warn: (text) => mark("warn", text),
  bad: (text) => mark("bad", text),
};

/** Prints texts, one a line: a line feed in one of them is shown, not obeyed. */
export function printLines(to: Output, lines: readonly string[]): void {
  process[to].write(lines.map((line) => `${rendered(to, line)}\n`).join(""));
}

/** Prints a value as JSON that parses to it. */
export function printJson(to: Output, value: unknown, indent?: number): void {
  process[to].write(`${toPrintableJson(value, indent)}\n`);
}

/** Standard output where it is a protocol's, byte for byte, and its reader a program. */
export function protocolOutput(): NodeJS.WriteStream {
  return process.stdout;
}

/** Whether somebody looks. */
export function isTerminal(to: Output): boolean {
  return process[to].isTTY === true;
}

/** Writes over the line that the cursor is on, and stays on it. Only for a terminal. */
export function rewriteLine(to: Output, text: string): void {
  process[to].write(`\r\u001b[K${rendered(to, text)}`);
}

/** A question on stderr, answered on stdin. */
export async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(escapeControls(question));
  } finally {
    terminal.close();
  }
}

/** An error in lines: code, message and hint; of a fault of the program what helps to find it. */
export function errorLines(error: unknown): string[] {
  if (!isAffiantError(error))
    return (error instanceof Error ? (error.stack ?? error.message) : inspect(error)).split("\n");
  const { code, message, hint, cause } = error;
  return [`${code}: ${message}`, hint, cause].filter((line) => typeof line === "string");
}

/** One line: unprintable characters escaped, marks turned into colours where the stream shows some (NO_COLOR, FORCE_COLOR). */
function rendered(to: Output, line: string): string {
  let text = "";
  let from = 0;
  for (const found of line.matchAll(marks)) {
    text += escapeControls(line.slice(from, found.index)) + sequence(to, found[1] ?? "", found[2] as Tone);
    from = found.index + found[0].length;
  }
  return text + escapeControls(line.slice(from));
}

function sequence(to: Output, place: string, tone: Tone): string {
  const [open = "", close = ""] = styleText(tones[tone], "\0", { stream: process[to] }).split("\0");
  return place === "open" ? open : close;
}
