import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Attempt, Mined } from "../journal/job.ts";

/** A transaction that a block holds; `error` is a problem document (JSON) if it reverted. */
export interface Outcome {
  readonly mined: Mined;
  readonly error: string | null;
}

/** @throws AffiantError ERR_UNAVAILABLE_CHAIN */
export async function readOutcome(rpc: Rpc, hash: string): Promise<Outcome | undefined> {
  const raw = (await rpc.call("eth_getTransactionReceipt", [hash])) as Record<string, string> | null;
  if (!raw?.["blockHash"]) return undefined;
  const gasUsed = Number(raw["gasUsed"]);
  const reverted = new AffiantError("ERR_PROOF_REVERTED", "the transaction was mined and reverted");
  return {
    mined: {
      txHash: hash,
      blockNumber: Number(raw["blockNumber"]),
      blockHash: raw["blockHash"],
      gasUsed,
      feeWei: BigInt(gasUsed) * BigInt(raw["effectiveGasPrice"] ?? 0),
    },
    error: Number(raw["status"]) === 1 ? null : JSON.stringify(toProblem(reverted)),
  };
}

/**
 * The attempt that a block holds. A job whose nonce was lost has attempts at several nonces: if more than one was mined,
 * the one that succeeded counts, since the contract let at most one of them take effect.
 */
export async function minedAttempt(rpc: Rpc, attempts: readonly Attempt[]): Promise<Outcome | undefined> {
  let reverted: Outcome | undefined;
  for (const { hash } of attempts) {
    const outcome = await readOutcome(rpc, hash);
    if (outcome?.error === null) return outcome;
    reverted ??= outcome;
  }
  return reverted;
}
