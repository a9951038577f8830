import { isAddress } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { LocalChainOptions } from "./localChain.ts";

/** The settings of the chain's process, from its environment: the only place where it is read. */
export function readChainConfig(env: NodeJS.ProcessEnv): LocalChainOptions {
  return {
    dir: text(env, "AFFIANT_CHAIN_DIR"),
    port: count(env, "AFFIANT_CHAIN_PORT", 65_535),
    chainId: count(env, "AFFIANT_CHAIN_ID", Number.MAX_SAFE_INTEGER, 31_337),
    funded: text(env, "AFFIANT_CHAIN_FUNDED").split(",").map(address),
    blockTimeMs: count(env, "AFFIANT_CHAIN_BLOCK_TIME_MS", 3_600_000, 120),
    trailingBlocks: count(env, "AFFIANT_CHAIN_TRAILING_BLOCKS", 1_000, 8),
    idleBlockTimeMs: count(env, "AFFIANT_CHAIN_IDLE_BLOCK_TIME_MS", 3_600_000, 12_000),
  };
}

function text(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new AffiantError("ERR_INPUT_CONFIG", `${name} is not set`);
  return value;
}

function count(env: NodeJS.ProcessEnv, name: string, max: number, fallback?: number): number {
  const value = env[name] ?? fallback?.toString() ?? "";
  if (!/^\d{1,16}$/.test(value) || Number(value) > max) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${name} is not a whole number up to ${max}`);
  }
  return Number(value);
}

function address(value: string): string {
  if (!isAddress(value)) throw new AffiantError("ERR_INPUT_CONFIG", "AFFIANT_CHAIN_FUNDED is not a list of addresses");
  return value;
}
