import { setTimeout as sleep } from "node:timers/promises";

import { makeError, type TransactionReceipt, type TransactionResponse } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

const firstPauseMs = 20;
const longestPauseMs = 500;

/**
 * Waits until a transaction is mined, and rides out an endpoint that is away meanwhile. ethers' own `wait` asks in the
 * background, where a refused connection is nobody's to catch and ends the process; and where blocks come only when there
 * is something to mine, the transaction's own may pass between its two questions.
 * @param patienceMs after which the transaction counts as lost
 * @throws Error of ethers' code CALL_EXCEPTION if it was mined and reverted
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if no block has it in time
 */
export async function mined(
  sending: Promise<TransactionResponse> | TransactionResponse,
  patienceMs = 600_000,
): Promise<TransactionReceipt> {
  const { hash, provider } = await sending;
  const until = Date.now() + patienceMs;
  let away: unknown;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const receipt = await provider.getTransactionReceipt(hash).catch((error: unknown) => void (away = error));
    if (receipt) return succeeded(receipt);
    if (Date.now() + pauseMs > until) break;
    await sleep(pauseMs);
  }
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `no block has transaction ${hash} so far`, { cause: away });
}

function succeeded(receipt: TransactionReceipt): TransactionReceipt {
  if (receipt.status !== 0) return receipt;
  throw makeError(`${receipt.hash} was mined and reverted`, "CALL_EXCEPTION", {
    action: "sendTransaction",
    data: null,
    reason: null,
    revert: null,
    invocation: null,
    receipt,
    transaction: { to: receipt.to, from: receipt.from, data: "" },
  });
}
