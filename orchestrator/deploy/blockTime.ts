import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { defaultBlockSec } from "../../protocol/attestation/schedule.ts";
import { localChainIds } from "../../protocol/zk/keyGate.ts";
import type { Eip1193 } from "./chainRpc.ts";

/** So many blocks are looked back on, or all that there are. */
const span = 1_000;
/** Fewer say nothing of a chain's pace. */
const fewest = 16;

/**
 * Seconds a block, by the timestamps of the chain's last thousand blocks: delays are lengths of time, and contracts count
 * blocks. A local chain makes blocks as they are needed, and one that has hardly begun has no pace yet: they are taken for
 * chains with a block every 12 seconds.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if the endpoint does not say
 */
export async function measureBlockSec(rpc: Eip1193, chainId: bigint): Promise<number> {
  if (localChainIds.includes(chainId)) return defaultBlockSec;
  const newest = await blockAt(rpc, "latest");
  const blocks = Math.min(span, newest.number);
  if (blocks < fewest) return defaultBlockSec;
  const oldest = await blockAt(rpc, `0x${(newest.number - blocks).toString(16)}`);
  return (newest.timestamp - oldest.timestamp) / (newest.number - oldest.number);
}

async function blockAt(rpc: Eip1193, tag: string): Promise<{ number: number; timestamp: number }> {
  const answer = (await rpc.request({ method: "eth_getBlockByNumber", params: [tag, false] })) as {
    number?: unknown;
    timestamp?: unknown;
  } | null;
  const [number, timestamp] = [Number(answer?.number ?? Number.NaN), Number(answer?.timestamp ?? Number.NaN)];
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(timestamp)) {
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the endpoint does not say when block ${tag} was made`, {
      hint: "Give --block-time",
    });
  }
  return { number, timestamp };
}
