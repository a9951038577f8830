import { setTimeout as sleep } from "node:timers/promises";

import { problemToError } from "./problemError.ts";
import type { RelayerClient } from "./relayerClient.ts";
import type { RequestStatus } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Journal, PendingCall } from "../journal/journal.ts";

export interface CarryOptions {
  readonly journal: Journal;
  readonly relayer: RelayerClient;
  /** How the call is handed in, where not as a plain request. */
  readonly send?: (call: PendingCall) => Promise<{ readonly id: string }>;
  /** How long to wait for the call to be mined. */
  readonly mineTimeoutMs: number;
  /** Unix seconds, by the chain. */
  readonly nowSec: number;
}

/**
 * Has the relayer carry a signed call and waits until it is mined. The call is in the journal from before it is sent
 * until its fate is known: a process that died in between sends the same bytes under the same key, and the relayer
 * recognises them.
 * @throws AffiantError with the code of the relayer's problem if the call fails; ERR_UNAVAILABLE_RELAYER if it is not
 * mined in time (calling again goes on waiting for the same call)
 */
export async function carryCall(
  purpose: string,
  sign: () => Promise<PendingCall>,
  options: CarryOptions,
): Promise<RequestStatus> {
  const { journal, relayer } = options;
  const send =
    options.send ?? (({ target, data, idempotencyKey }) => relayer.sendCall({ target, data }, idempotencyKey));
  const stored = journal.pendingCall(purpose);
  const call = stored && stored.validUntilSec > options.nowSec ? stored : await sign();
  journal.transaction(() => journal.storePendingCall(call));
  try {
    const { id } = await send(call);
    const status = await settle(relayer, id, options.mineTimeoutMs);
    journal.transaction(() => journal.forgetPendingCall(purpose));
    if (status.state === "failed") throw failure(status);
    return status;
  } catch (error) {
    // Only a call that may still be carried out is kept.
    if (!(error instanceof AffiantError && error.retryable))
      journal.transaction(() => journal.forgetPendingCall(purpose));
    throw error;
  }
}

/**
 * Waits for a call that the relayer took.
 * @throws AffiantError with the code of the relayer's problem if the call failed; ERR_UNAVAILABLE_RELAYER if it is not
 * mined in time
 */
export async function waitUntilMined(relayer: RelayerClient, id: string, timeoutMs: number): Promise<RequestStatus> {
  const status = await settle(relayer, id, timeoutMs);
  if (status.state === "failed") throw failure(status);
  return status;
}

async function settle(relayer: RelayerClient, id: string, timeoutMs: number): Promise<RequestStatus> {
  const until = performance.now() + timeoutMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
    const status = await relayer.callStatus(id);
    if (status.state === "mined" || status.state === "final" || status.state === "failed") return status;
    if (performance.now() >= until) {
      throw new AffiantError("ERR_UNAVAILABLE_RELAYER", `the request ${id} is not mined yet (${status.state})`, {
        hint: "Nothing is lost: run the same again to go on waiting for it.",
        details: { requestId: id, state: status.state },
      });
    }
    await sleep(pauseMs);
  }
}

function failure(status: RequestStatus): AffiantError {
  if (status.error) return problemToError(status.error);
  return new AffiantError("ERR_PROOF_REVERTED", `the request ${status.id} failed on the chain`, {
    details: { ...status },
  });
}
