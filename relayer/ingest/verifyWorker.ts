/** Thread that checks entries; it knows neither the log nor the chain. */
import { parentPort } from "node:worker_threads";

import { type Submission, verifySubmission } from "./verifiedEntry.ts";

export interface VerifyJob {
  readonly id: number;
  readonly submissions: readonly Submission[];
}

parentPort?.on("message", ({ id, submissions }: VerifyJob) => {
  parentPort?.postMessage({ id, verifications: submissions.map(verifySubmission) });
});
