import type { Attempt, Job } from "../journal/job.ts";
import { bumpedFees } from "./fees.ts";
import type { LanePass } from "./lanePass.ts";
import { minedAttempt } from "./receipts.ts";
import { signSlot } from "./signSlot.ts";
import { transmit } from "./transmit.ts";

interface Followed {
  readonly job: Job;
  readonly attempts: readonly Attempt[];
}

/** Mined, or stuck? */
export async function followBroadcast(pass: LanePass): Promise<void> {
  const followed = pass.journal.inState("broadcast").map((job) => ({ job, attempts: pass.journal.attempts(job.id) }));
  const mined = await takeMined(
    pass,
    followed.filter(({ job, attempts }) => mayBeMined(pass, job, attempts)),
  );
  let trouble: unknown;
  for (const one of followed) {
    if (mined.has(one.job.id)) continue;
    try {
      await urge(pass, one);
    } catch (error) {
      // One job's trouble (no funds for its bump, say) must not keep the others from being sent again.
      trouble ??= error;
    }
  }
  if (trouble !== undefined) throw trouble;
}

/** Only nonces below the account's count are used; but a job that lost its nonce may be mined at an older one. */
function mayBeMined({ onChain, journal }: LanePass, { nonce }: Job, attempts: readonly Attempt[]): boolean {
  if (nonce === null || nonce < onChain) return true;
  return attempts.some((attempt) => attempt.nonce !== nonce || attempt.lane !== journal.address);
}

async function takeMined(pass: LanePass, followed: readonly Followed[]): Promise<ReadonlySet<string>> {
  const outcomes = await Promise.all(
    followed.map(async ({ job, attempts }) => ({ id: job.id, outcome: await minedAttempt(pass.rpc, attempts) })),
  );
  const mined = outcomes.flatMap(({ id, outcome }) => (outcome ? [{ id, ...outcome }] : []));
  pass.journal.mined(mined);
  for (const { id } of mined) pass.tell(id);
  return new Set(mined.map(({ id }) => id));
}

/** After so many blocks: the same nonce for a higher fee where the fee holds it back, else the same bytes again. */
async function urge(pass: LanePass, followed: Followed): Promise<void> {
  const { head, options, onChain } = pass;
  const { job, attempts } = pass.journal.intact(followed.job.id);
  const last = attempts.at(-1);
  if (!last || head.number - (last.sentAtBlock ?? 0) < options.bumpAfterBlocks) return;
  // A transaction behind others of its account waits for them, whatever it pays; unless blocks cost more than it gives.
  const isHeldBack = last.nonce <= onChain || last.maxFeeWei < head.baseFeePerGas + last.priorityFeeWei;
  const fees = isHeldBack && !pass.signer.isRetired ? bumpedFees(last, head.baseFeePerGas, options.feeCaps) : undefined;
  if (!fees) {
    await transmit(pass, [{ job, attempt: last }]); // at the cap: a node may have dropped it
    return;
  }
  const attempt = await signSlot(pass, job, last.nonce, job.gasLimit ?? 21_000, fees);
  pass.journal.addBump(attempt);
  await transmit(pass, [{ job, attempt }]);
}
