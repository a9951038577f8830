/** Thread that checks entries; it knows neither the log nor the chain. */
import { parentPort } from "node:worker_threads";

import { checkRun } from "./checkLeaf.ts";
import type { PackedSubmissions } from "./packing.ts";

parentPort?.on("message", ({ id, run }: PackedSubmissions) => {
  const packed = checkRun(run).pack(id);
  parentPort?.postMessage(packed, [packed.rows.buffer]);
});
