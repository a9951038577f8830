import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { RpcError } from "../chain/rpc.ts";
import type { Job, NewAttempt } from "../journal/job.ts";
import type { LanePass } from "./lanePass.ts";
import { readSendError } from "./sendErrors.ts";
import { signFiller } from "./signSlot.ts";
import { takeIfMined } from "./takeIfMined.ts";

/** Nonces that a job may lose to no-ops before it fails. */
const maxSlots = 3;

export interface Sending {
  readonly job: Pick<Job, "id" | "kind" | "nonce">;
  readonly attempt: NewAttempt;
}

/**
 * Hands signed bytes to a node, in the order of their nonces, and writes down which it took. Safe to repeat.
 * @throws what kept one of them from being taken, after all the others were dealt with
 */
export async function transmit(pass: LanePass, sendings: readonly Sending[]): Promise<void> {
  const answers = await Promise.allSettled(
    sendings.map(({ attempt }) => pass.rpc.call("eth_sendRawTransaction", [attempt.raw])),
  );
  const taken: NewAttempt[] = [];
  let trouble: { readonly cause: unknown } | undefined;
  for (const [i, sending] of sendings.entries()) {
    const answer = answers[i];
    if (answer?.status === "fulfilled" || (await meansTaken(pass, sending, answer?.reason))) {
      taken.push(sending.attempt);
    } else if (!(await dealWith(pass, sending, answer?.reason))) {
      trouble ??= { cause: answer?.reason };
    }
  }
  pass.journal.sent(taken, pass.head.number);
  for (const { jobId } of taken) pass.tell(jobId);
  if (trouble) throw trouble.cause;
}

/** Whether a refusal says that a node has the transaction, or one as good at its nonce. */
async function meansTaken(pass: LanePass, { job }: Sending, refusal: unknown): Promise<boolean> {
  if (!(refusal instanceof RpcError)) return false;
  const answer = readSendError(refusal);
  return answer === "known" || (answer === "nonce-used" && (await takeIfMined(pass, job.id)));
}

/** @returns whether the refusal is dealt with: by another nonce, or by a no-op in a slot that is dead */
async function dealWith(pass: LanePass, sending: Sending, refusal: unknown): Promise<boolean> {
  if (!(refusal instanceof RpcError)) return false;
  const answer = readSendError(refusal);
  if (answer === "nonce-used") {
    await loseNonce(pass, sending.job);
    return true;
  }
  // Once a node took an attempt, it may be mined, whatever another node says: then its slot is not dead.
  const wasSent = pass.journal.attempts(sending.job.id).some(({ sentAtBlock }) => sentAtBlock !== null);
  if (answer !== "unacceptable" || wasSent) return false;
  await fillDeadSlot(pass, sending, refusal);
  return true;
}

/** The nonce was used by a transaction this journal does not know (the key is used elsewhere): start over. */
async function loseNonce({ journal, rpc, tell, goOn }: LanePass, { id, kind, nonce }: Sending["job"]): Promise<void> {
  const onChain = Number(await rpc.call("eth_getTransactionCount", [journal.address, "latest"]));
  if (nonce !== null && onChain > nonce) {
    // What a no-op was for is done: its nonce is no longer free.
    if (kind === "noop") journal.fail(id, problemText("ERR_CONFLICT_NONCE", "another transaction used the nonce"));
    else journal.release(id, onChain);
    tell(id);
  }
  goOn();
}

/**
 * The nonce goes to a no-op. The job starts over, with another simulation and another nonce: the node may have been wrong,
 * or the block's gas limit lower for a while. A job that lost so many slots fails; a no-op is not needed any more.
 */
async function fillDeadSlot(pass: LanePass, { job, attempt }: Sending, cause: RpcError): Promise<void> {
  const { filler, attempt: noop } = await signFiller(pass, attempt.nonce);
  const slots = new Set(pass.journal.attempts(job.id).map(({ lane, nonce }) => `${lane}/${nonce}`)).size;
  const isOver = slots >= maxSlots || job.kind === "noop";
  const error = problemText("ERR_PROOF_REVERTED", `no node takes the transaction: ${cause.message}`);
  pass.journal.fill(filler, noop, { jobId: job.id, error: isOver ? error : null });
  pass.tell(job.id);
  pass.goOn();
}

function problemText(code: "ERR_CONFLICT_NONCE" | "ERR_PROOF_REVERTED", message: string): string {
  return JSON.stringify(toProblem(new AffiantError(code, message)));
}
