#!/usr/bin/env node
/*
 * Plain JavaScript on purpose: the version, help and completion are answered before any TypeScript is read, and a Node
 * that cannot run our TypeScript can still run this and say so.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

import { answerAtOnce } from "./atOnce.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`affiant needs Node 22.18 or newer, and this is Node ${process.versions.node}`);
  process.exitCode = 2;
} else if (!(await answerAtOnce(process.argv.slice(2)))) {
  // What Node made of our TypeScript is kept: beside the packages, where nobody else writes; nowhere if that is read-only.
  if (!process.env["NODE_COMPILE_CACHE"])
    enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/affiant"));
  await import("./affiant.ts").catch(explain);
}

/** What is not said by a command itself: a package is missing, or the checkout is not whole. */
function explain(error) {
  console.error(
    `error: affiant cannot start: ${String(error?.message ?? error)
      .split("\n")[0]
      .replace(/[^ -~]/g, "?")}`,
  );
  if (error?.code === "ERR_MODULE_NOT_FOUND") {
    console.error("  A package or a built file is missing: npm ci && npm run build");
  } else if (process.env["AFFIANT_DEBUG"]) console.error(error);
  else console.error("  AFFIANT_DEBUG=1 shows where");
  process.exitCode = 1;
}
