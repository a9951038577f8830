import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { Closers } from "../closers.ts";
import type { RelayerConfig } from "../config.ts";
import { openSenderKey, type TransactionSigner } from "../sender/signer.ts";
import { nextKeyFile, swapKeyFiles } from "./keyFiles.ts";
import { sendAlone } from "./sendAlone.ts";
import { openStopped, type StoppedRelayer } from "./stoppedRelayer.ts";

export interface OperatorRotation {
  readonly operator: string;
  /** Holds what ether the old account has left. */
  readonly retired: string;
  readonly retiredFile: string;
}

/**
 * Hands a stopped relayer's log over to a new operator's account: offered by the old one, accepted by the new one, then the
 * key file. What the old one signed stays on its account. A crash anywhere is gone on from by running it again.
 * @throws AffiantError ERR_UNAVAILABLE_FUNDS until the new account can pay, ERR_CONFLICT_LOG_OPERATOR, and those of
 * {@link openStopped} and {@link sendAlone}
 */
export async function rotateOperator(config: RelayerConfig): Promise<OperatorRotation> {
  const closers = new Closers();
  try {
    const relayer = await openStopped(config, closers);
    const next = openSenderKey(nextKeyFile(config.senderKeyFile));
    await handOver(relayer, config, next);
    const retired = relayer.operator.address;
    const retiredFile = swapKeyFiles(config.senderKeyFile, retired.slice(2, 10));
    return { operator: next.address, retired, retiredFile };
  } finally {
    await closers.close();
  }
}

async function handOver(relayer: StoppedRelayer, config: RelayerConfig, next: TransactionSigner): Promise<void> {
  const { chain, reader, operator: old } = relayer;
  const operator = (await reader.registration())?.operator;
  if (operator === undefined || operator === next.address) return;
  if (operator !== old.address) {
    throw new AffiantError("ERR_CONFLICT_LOG_OPERATOR", `the log is operated by ${operator}`, {
      details: { operator },
    });
  }
  if (BigInt(String(await chain.rpc.call("eth_getBalance", [next.address, "latest"]))) === 0n) {
    throw new AffiantError("ERR_UNAVAILABLE_FUNDS", `the new operator ${next.address} has no ether`, {
      hint: "send it some, and run this again: its key is kept",
      details: { operator: next.address },
    });
  }
  const [offered] = await chain.logAnchor.read("offeredOperatorOf", [reader.logId]);
  if (String(offered) !== next.address) {
    await sendAlone(relayer, old, config, "offerOperator", [reader.logId, next.address]);
  }
  await sendAlone(relayer, next, config, "acceptOperator", [reader.logId]);
}
