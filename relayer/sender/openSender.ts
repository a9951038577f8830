import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Chain } from "../chain/connectChain.ts";
import type { RelayerConfig } from "../config.ts";
import type { Journal } from "../journal/journal.ts";
import type { LaneLease } from "./laneLease.ts";
import { Sender } from "./sender.ts";
import { openSenderKey, type TransactionSigner } from "./signer.ts";
import { Simulator } from "./simulator.ts";

/**
 * @param operator the key that anchors; further lanes' keys are opened here
 * @throws AffiantError ERR_INPUT_FILE, ERR_INPUT_CONFIG if one key is given twice: its nonces would be two lanes' at once
 */
export function openSender(
  config: RelayerConfig,
  chainId: number,
  chain: Chain,
  journal: Journal,
  operator: TransactionSigner,
  lease: LaneLease,
): Sender {
  const others = config.laneKeyFiles.map(openSenderKey);
  const addresses = [operator, ...others].map(({ address }) => address);
  const twice = addresses.find((address, i) => addresses.indexOf(address) !== i);
  if (twice !== undefined) {
    throw new AffiantError("ERR_INPUT_CONFIG", `two lanes have the same key, that of ${twice}`, {
      hint: "AFFIANT_LANE_KEY_FILES names the keys beside AFFIANT_SENDER_KEY_FILE",
    });
  }
  return new Sender([operator, ...others], journal, lease, {
    rpc: chain.rpc,
    heads: chain.heads,
    simulator: openSimulator(config, chain, operator.address),
    options: {
      chainId,
      confirmations: config.confirmations,
      bumpAfterBlocks: config.bumpAfterBlocks,
      feeCaps: { maxFeeWei: toWei(config.maxFeeGwei), maxPriorityFeeWei: toWei(config.maxPriorityFeeGwei) },
      maxInFlight: config.laneInFlight,
    },
  });
}

/** @param from the operator, as whom anchors must be run too */
export function openSimulator(config: RelayerConfig, { rpc, abis }: Chain, from: string): Simulator {
  return new Simulator(rpc, { from, abis, gasCap: config.gasLimitPerCall });
}

function toWei(gwei: number): bigint {
  return BigInt(Math.round(gwei * 1e9));
}
