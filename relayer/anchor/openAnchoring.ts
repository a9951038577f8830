import { toHex } from "../../protocol/encoding/hex.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { askPatiently } from "../chain/askPatiently.ts";
import type { Chain } from "../chain/connectChain.ts";
import type { RelayerConfig } from "../config.ts";
import type { Journal } from "../journal/journal.ts";
import type { Log } from "../log/log.ts";
import type { Sender } from "../sender/sender.ts";
import type { Database } from "../store/database.ts";
import { Anchorer, assertOurs } from "./anchorer.ts";
import { AnchorFollower } from "./anchorFollower.ts";
import { AnchorReader } from "./anchorReader.ts";

export interface Anchoring {
  readonly follower: AnchorFollower;
  readonly anchorer: Anchorer;
}

/**
 * Before anything is served: the chain's anchors agree with the log, and the log is ours or nobody's yet.
 * @throws AffiantError ERR_CONFLICT_LOG_FORK, ERR_CONFLICT_LOG_OPERATOR, ERR_CONFLICT_CHAIN, ERR_UNAVAILABLE_CHAIN
 */
export async function openAnchoring(
  config: RelayerConfig,
  chain: Chain,
  log: Log,
  journal: Journal,
  sender: Sender,
  database: Database,
): Promise<Anchoring> {
  const reader = new AnchorReader(chain.logAnchor, chain.rpc, logIdOf(config.logOrigin));
  const follower = new AnchorFollower(reader, log, database, chain.heads, config.confirmations);
  await askPatiently(async () => {
    await chain.heads.poll();
    const registration = await reader.registration();
    if (registration) assertOurs(registration, sender.operator, toHex(log.keys.note.publicKey));
    await follower.follow();
  });
  const anchorer = new Anchorer(log, journal, sender, reader, follower, {
    intervalMs: config.anchorIntervalMs,
    maxEntries: config.anchorMaxEntries,
    recordEvery: config.anchorRecordEvery,
    now: Date.now,
  });
  return { follower, anchorer };
}
