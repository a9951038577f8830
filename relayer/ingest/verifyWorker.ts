/** Thread that checks entries; it knows neither the log nor the chain. */
import { parentPort } from "node:worker_threads";

import { packVerifications, type PackedSubmissions, unpackSubmissions } from "./packing.ts";
import { verifySubmission } from "./verifiedEntry.ts";

parentPort?.on("message", (packed: PackedSubmissions) => {
  const verifications = unpackSubmissions(packed).map(verifySubmission);
  parentPort?.postMessage(packVerifications(packed.id, verifications));
});
