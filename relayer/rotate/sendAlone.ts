import { setTimeout as sleep } from "node:timers/promises";

import { fromHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { RelayerConfig } from "../config.ts";
import { firstFees } from "../sender/fees.ts";
import { openSimulator } from "../sender/openSender.ts";
import type { TransactionSigner } from "../sender/signer.ts";
import type { StoppedRelayer } from "./stoppedRelayer.ts";

/**
 * Sends one call to LogAnchor beside the journal, and waits until it is final. Whoever is interrupted runs the rotation
 * again: it looks at the chain first, and sends nothing while a transaction of the account waits.
 * @throws AffiantError with the code of the contract's error, ERR_UNAVAILABLE_CHAIN, ERR_CONFLICT_RUNNING, ERR_PROOF_REVERTED
 */
export async function sendAlone(
  { chainId, chain }: StoppedRelayer,
  signer: TransactionSigner,
  config: RelayerConfig,
  functionName: string,
  args: readonly unknown[],
): Promise<void> {
  const { rpc, heads, logAnchor } = chain;
  const count = async (tag: string) => Number(await rpc.call("eth_getTransactionCount", [signer.address, tag]));
  const [nonce, pending] = [await count("latest"), await count("pending")];
  if (pending !== nonce) {
    throw new AffiantError("ERR_CONFLICT_RUNNING", `a transaction of ${signer.address} waits to be mined`, {
      hint: "run it again when it is",
    });
  }
  const data = logAnchor.abi.encodeFunctionData(functionName, args);
  const to = logAnchor.address;
  const gasLimit = await openSimulator(config, chain, signer.address).run({ target: to, data: fromHex(data) });
  const head = await heads.poll();
  const caps = { maxFeeWei: toWei(config.maxFeeGwei), maxPriorityFeeWei: toWei(config.maxPriorityFeeGwei) };
  const fees = firstFees(head.baseFeePerGas, caps);
  const { raw, hash } = await signer.sign({ chainId, nonce, to, data, gasLimit, ...fees });
  await rpc.call("eth_sendRawTransaction", [raw]);
  for (;;) {
    const receipt = (await rpc.call("eth_getTransactionReceipt", [hash])) as Receipt | null;
    const { number } = await heads.poll();
    if (receipt && Number(receipt.status) !== 1) {
      throw new AffiantError("ERR_PROOF_REVERTED", `${functionName} was mined and reverted`, { details: { hash } });
    }
    if (receipt && number - Number(receipt.blockNumber) + 1 >= config.confirmations) return;
    await sleep(config.pollIntervalMs);
  }
}

interface Receipt {
  readonly status: string;
  readonly blockNumber: string;
}

function toWei(gwei: number): bigint {
  return BigInt(Math.round(gwei * 1e9));
}
