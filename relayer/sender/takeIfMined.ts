import type { LanePass } from "./lanePass.ts";
import { minedAttempt } from "./receipts.ts";

/** @returns whether a block holds one of the job's transactions, which is then written down */
export async function takeIfMined(pass: LanePass, jobId: string): Promise<boolean> {
  const outcome = await minedAttempt(pass.rpc, pass.journal.attempts(jobId));
  if (!outcome) return false;
  pass.journal.mined([{ id: jobId, ...outcome }]);
  pass.tell(jobId);
  pass.goOn(); // one confirmation may be all it takes
  return true;
}
