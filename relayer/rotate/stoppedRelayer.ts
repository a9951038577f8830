import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parseDeployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { AnchorReader } from "../anchor/anchorReader.ts";
import { type Chain, connectChain } from "../chain/connectChain.ts";
import type { Closers } from "../closers.ts";
import type { RelayerConfig } from "../config.ts";
import { Journal } from "../journal/journal.ts";
import { openSenderKey, type TransactionSigner } from "../sender/signer.ts";
import { type CommitHook, type Database, openDatabase } from "../store/database.ts";
import { lockFolder } from "../store/folderLock.ts";

/** What a rotation works on: a relayer's folder, which nobody else uses meanwhile, and its chain. */
export interface StoppedRelayer {
  readonly chainId: number;
  readonly chain: Chain;
  readonly reader: AnchorReader;
  readonly database: Database;
  /** The log's operator. */
  readonly operator: TransactionSigner;
}

/**
 * @throws AffiantError ERR_CONFLICT_RUNNING, ERR_INPUT_FILE, ERR_INPUT_DATA_FOLDER while transactions of the operator are
 * under way: one more from here would take a nonce that the journal counts on
 */
export async function openStopped(config: RelayerConfig, closers: Closers, hook?: CommitHook): Promise<StoppedRelayer> {
  for (const file of [config.senderKeyFile, config.noteKeyFile, join(config.dataDir, "relayer.db")]) {
    if (!existsSync(file)) throw new AffiantError("ERR_INPUT_FILE", `there is no ${file}`);
  }
  const { chainId, ...rest } = parseDeployment(readFileSync(config.deploymentFile, "utf8"));
  const lock = lockFolder(config.dataDir);
  closers.add(() => lock.release());
  const database = openDatabase(join(config.dataDir, "relayer.db"), hook, config.journalKeyFile);
  closers.add(() => database.close());
  const operator = openSenderKey(config.senderKeyFile);
  if (new Journal(database).busyLanes().includes(operator.address)) {
    throw new AffiantError("ERR_INPUT_DATA_FOLDER", `transactions of ${operator.address} are under way`, {
      hint: "start the relayer, wait until `affiant relayer jobs list --state open` shows none, and stop it",
    });
  }
  const chain = connectChain(config, { chainId, ...rest });
  await chain.heads.poll();
  const reader = new AnchorReader(chain.logAnchor, chain.rpc, logIdOf(config.logOrigin));
  return { chainId, chain, reader, database, operator };
}
