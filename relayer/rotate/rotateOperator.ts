import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { Closers } from "../closers.ts";
import type { RelayerConfig } from "../config.ts";
import { LogTree } from "../log/logTree.ts";
import { assertAgrees } from "../log/openLog.ts";
import { openSenderKey, type TransactionSigner } from "../sender/signer.ts";
import { EntryStore } from "../store/entryStore.ts";
import { nextKeyFile, swapKeyFiles } from "../store/keyFiles.ts";
import { TreeStore } from "../store/treeStore.ts";
import { sendAlone } from "./sendAlone.ts";
import { openStopped, type StoppedRelayer } from "./stoppedRelayer.ts";

export interface OperatorRotation {
  readonly operator: string;
  /** Holds what ether the old account has left. */
  readonly retired: string;
  readonly retiredFile: string;
}

/**
 * Hands a stopped relayer's log over to a new operator's account: all that the old one signed is anchored, then it offers,
 * the new one accepts, then the key file. What the old one signed stays on its account. A crash anywhere is gone on from by
 * running it again.
 * @throws AffiantError ERR_UNAVAILABLE_FUNDS until the new account can pay, ERR_CONFLICT_LOG_OPERATOR, ERR_CONFLICT_LOG_FORK, and those of
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
  await anchorWhatWasSigned(relayer, config);
  const [offered] = await chain.logAnchor.read("offeredOperatorOf", [reader.logId]);
  if (String(offered) !== next.address) {
    await sendAlone(relayer, old, config, "offerOperator", [reader.logId, next.address]);
  }
  await sendAlone(relayer, next, config, "acceptOperator", [reader.logId]);
}

/** A former operator is held to its statements up to the size it handed over: a receipt above would bind nobody. */
async function anchorWhatWasSigned(relayer: StoppedRelayer, config: RelayerConfig): Promise<void> {
  const { reader, database, operator } = relayer;
  const store = new TreeStore(database);
  const last = store.lastCheckpoint();
  const anchored = (await reader.latest())?.anchor.size ?? 0;
  if (!last || last.size <= anchored) return;
  const tree = new LogTree(new EntryStore(database), store);
  assertAgrees(tree, last, "the last checkpoint in the database");
  const proof = tree.consistency(anchored, last.size);
  await sendAlone(relayer, operator, config, "anchor", [reader.logId, last.size, last.root, proof]);
}
