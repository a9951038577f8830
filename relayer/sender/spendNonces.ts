import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Job, NewAttempt, Simulation } from "../journal/job.ts";
import { type Fees, firstFees } from "./fees.ts";
import { takeIfMined } from "./takeIfMined.ts";
import type { LanePass } from "./lanePass.ts";
import { signSlot } from "./signSlot.ts";
import { transmit } from "./transmit.ts";

/** Jobs that go from signing to a node together: small enough that several lanes share what waits. */
const chunk = 32;
/** A call is run again before its nonce is claimed if so many blocks came since it last was. */
const freshBlocks = 4;

/** Takes what waits, as far as there is room in flight, and sends it: a nonce is spent only on what would succeed. */
export async function spendNonces(pass: LanePass): Promise<void> {
  const { journal, options } = pass;
  for (;;) {
    const room = Math.min(chunk, options.maxInFlight - journal.inFlight());
    if (room <= 0) return;
    const waiting = journal.inState("accepted", chunk).length + journal.inState("simulated", chunk).length;
    journal.take(room - waiting);
    await simulateWaiting(pass);
    const ready = journal.inState("simulated", room).filter((job) => isFresh(pass, job));
    if (ready.length === 0) return;
    const fees = firstFees(pass.head.baseFeePerGas, options.feeCaps);
    const jobs = intactOnes(pass, await payable(pass, ready, fees));
    if (jobs.length === 0) continue; // what was altered has failed, and makes room
    const attempts = await signAll(pass, jobs, fees);
    journal.claim(attempts);
    for (const { id } of jobs) pass.tell(id);
    await transmit(
      pass,
      attempts.map((attempt, i) => ({ job: { ...(jobs[i] as Job), nonce: attempt.nonce }, attempt })),
    );
  }
}

async function simulateWaiting(pass: LanePass): Promise<void> {
  const stale = pass.journal.inState("simulated", chunk).filter((job) => !isFresh(pass, job));
  const jobs = [...pass.journal.inState("accepted", chunk), ...stale];
  const results = await Promise.all(jobs.map(async (job) => ({ job, result: await simulate(pass, job) })));
  const succeeded = results.flatMap(({ job, result }) =>
    isAffiantError(result) ? [] : [{ id: job.id, simulation: result }],
  );
  pass.journal.simulated(succeeded);
  for (const { job, result } of results) {
    // A job whose nonce was lost may have taken effect all the same, and be refused now for that very reason.
    if (isAffiantError(result) && !(await takeIfMined(pass, job.id)) && !isSetBack(pass, job, result)) {
      pass.journal.fail(job.id, JSON.stringify(toProblem(result)));
    }
    pass.tell(job.id);
  }
}

/** Whether the job waits for another try: only a request can, and only where the node and not the contract refused. */
function isSetBack({ journal }: LanePass, job: Job, why: AffiantError): boolean {
  return why.retryable && journal.setBack(job.id, why.message);
}

/** @returns what the contract says against it, if it does, or why a node that answers cannot run this request */
async function simulate({ simulator, head }: LanePass, job: Job): Promise<Simulation | AffiantError> {
  try {
    return { gasLimit: await simulator.run(job), blockNumber: head.number };
  } catch (error) {
    if (isAffiantError(error) && (!error.retryable || (job.kind === "request" && isAnswer(error)))) return error;
    throw error;
  }
}

/** The node spoke about this call; where no node answers at all, nothing is the call's fault. */
function isAnswer({ details }: AffiantError): boolean {
  return details["answered"] === true;
}

function isFresh({ head }: LanePass, { simulatedAtBlock }: Job): boolean {
  return simulatedAtBlock !== null && head.number - simulatedAtBlock <= freshBlocks;
}

/**
 * An account that runs dry half-way leaves signed transactions that wait, and all behind them: what it cannot pay for
 * is not signed.
 * @throws AffiantError ERR_UNAVAILABLE_FUNDS if it cannot pay for one
 */
async function payable({ rpc, journal }: LanePass, jobs: readonly Job[], { maxFeeWei }: Fees): Promise<readonly Job[]> {
  const balanceWei = BigInt(String(await rpc.call("eth_getBalance", [journal.address, "latest"])));
  let left = balanceWei - BigInt(journal.gasInFlight()) * maxFeeWei;
  const count = jobs.findIndex(({ gasLimit }) => (left -= BigInt(gasLimit ?? 21_000) * maxFeeWei) < 0n);
  if (count !== 0) return count < 0 ? jobs : jobs.slice(0, count);
  const message = `${journal.address} cannot pay for what waits: it has ${balanceWei} wei`;
  throw new AffiantError("ERR_UNAVAILABLE_FUNDS", message);
}

/** Read again as they are signed. What was changed on the disk is not: it fails, for an operator to look at. */
function intactOnes({ journal, tell }: LanePass, jobs: readonly Job[]): readonly Job[] {
  return jobs.flatMap(({ id }) => {
    try {
      return [journal.intact(id).job];
    } catch (error) {
      if (!isAffiantError(error) || error.code !== "ERR_CONFLICT_ROW_ALTERED") throw error;
      journal.fail(id, JSON.stringify(toProblem(error)));
      tell(id);
      return [];
    }
  });
}

/** The journal's count; the chain's where that is ahead, because the key was used from elsewhere. */
async function signAll(pass: LanePass, jobs: readonly Job[], fees: Fees): Promise<NewAttempt[]> {
  const first = Math.max(pass.journal.nextNonce(), pass.onChain);
  return Promise.all(jobs.map((job, i) => signSlot(pass, job, first + i, job.gasLimit ?? 21_000, fees)));
}
