/**
 * An MCP server on stdio that says what a case says: `node scriptedServer.ts CASE LOG`. Each request is answered by the case's next
 * line for its id, byte for byte; by an empty result where it has none. What arrives stands in LOG, a text a line.
 */
import { appendFileSync, readFileSync } from "node:fs";

import { isAnswer } from "./isAnswer.ts";

const [caseFile = "", logFile = ""] = process.argv.slice(2);
const isHttp = caseFile.endsWith(".http");
const lines = isHttp
  ? []
  : readFileSync(caseFile, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
const answers = lines.filter(isAnswer);

let held = Buffer.alloc(0);
process.stdin.on("data", (chunk: Buffer) => {
  held = Buffer.concat([held, chunk]);
  for (let at = held.indexOf(0x0a); at >= 0; at = held.indexOf(0x0a)) {
    hear(held.subarray(0, at).toString("utf8"));
    held = held.subarray(at + 1);
  }
});

function hear(line: string): void {
  appendFileSync(logFile, `${line}\n`);
  const id = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/.exec(line)?.[1];
  if (id === undefined || !/"method"\s*:/.test(line)) return;
  const at = answers.findIndex((answer) => new RegExp(`"id"\\s*:\\s*${id}\\s*[,}]`).test(answer));
  const [answer] = at < 0 ? [`{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`] : answers.splice(at, 1);
  process.stdout.write(`${answer}\n`);
}
