import { join } from "node:path";

import { Wallet } from "ethers";

import { HeadTracker } from "../../../relayer/chain/head.ts";
import type { Rpc } from "../../../relayer/chain/rpc.ts";
import type { Journal } from "../../../relayer/journal/journal.ts";
import { Lane } from "../../../relayer/sender/lane.ts";
import { soleLease } from "../../../relayer/sender/laneLease.ts";
import { openSenderKey } from "../../../relayer/sender/signer.ts";
import { Simulator } from "../../../relayer/sender/simulator.ts";

/** A lane whose key lies in a folder, and what it follows the chain by. */
export function laneOn(
  rpc: Rpc,
  dir: string,
  journal: Journal,
  confirmations: number,
): { readonly lane: Lane; readonly heads: HeadTracker } {
  const heads = new HeadTracker(rpc);
  const feeCaps = { maxFeeWei: 1_000_000_000_000n, maxPriorityFeeWei: 1_000_000_000n };
  const lane = new Lane(openSenderKey(join(dir, "sender.key")), journal, soleLease, {
    rpc,
    heads,
    simulator: new Simulator(rpc, { from: Wallet.createRandom().address, abis: [], gasCap: 1_000_000 }),
    options: { chainId: 31337, confirmations, bumpAfterBlocks: 3, feeCaps, maxInFlight: 8 },
    tell: () => undefined,
  });
  return { lane, heads };
}
