import { randomUUID } from "node:crypto";

import { toHex } from "../../protocol/encoding/hex.ts";
import type { NewAttempt, NewJob } from "../journal/job.ts";
import { type Fees, firstFees } from "./fees.ts";
import type { LanePass } from "./lanePass.ts";

/** Signs a job's call for a nonce of the lane. Nothing is claimed by it. */
export async function signSlot(
  { signer, options: { chainId } }: LanePass,
  { id, target, data }: Pick<NewJob, "id" | "target" | "data">,
  nonce: number,
  gasLimit: number,
  fees: Fees,
): Promise<NewAttempt> {
  const { raw, hash } = await signer.sign({ chainId, nonce, to: target, data: toHex(data), gasLimit, ...fees });
  return { hash, jobId: id, lane: signer.address, nonce, raw, ...fees };
}

/** A transaction to oneself that does nothing but use a nonce. */
export async function signFiller(pass: LanePass, nonce: number): Promise<{ filler: NewJob; attempt: NewAttempt }> {
  const id = randomUUID();
  const lane = pass.signer.address;
  const place = { kind: "noop", agent: null, target: lane, data: new Uint8Array(), lane } as const;
  const filler: NewJob = { id, dedupeKey: `noop:${id}`, ...place };
  const fees = firstFees(pass.head.baseFeePerGas, pass.options.feeCaps);
  return { filler, attempt: await signSlot(pass, filler, nonce, 21_000, fees) };
}
