import { setTimeout as sleep } from "node:timers/promises";

import { type JsonRpcProvider, Wallet } from "ethers";
import { randomBytes } from "node:crypto";

import { toHex } from "../../../protocol/encoding/hex.ts";
import { BlockWatch } from "./blockWatch.ts";
import type { SignedCall } from "./calls.ts";

/** Gas limit of a transaction, as the relayer would sign it. */
const gasLimit = 125_000;

function transaction(chainId: number, nonce: number, { target, data }: SignedCall) {
  const fees = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
  return { type: 2, chainId, nonce, to: target, data, gasLimit, ...fees };
}

/** How many transactions ethers alone signs a second, in one thread. */
export async function signRate(chainId: number, calls: readonly SignedCall[], seconds: number): Promise<number> {
  const wallet = new Wallet(toHex(randomBytes(32)));
  let done = 0;
  const started = performance.now();
  while (performance.now() - started < seconds * 1_000) {
    const call = calls[done % calls.length] as SignedCall;
    await wallet.signTransaction(transaction(chainId, done, call));
    done++;
  }
  return done / ((performance.now() - started) / 1_000);
}

/**
 * How many transactions a second the node alone mines: the same calls, signed beforehand, from as many accounts as there
 * are lanes, handed over in batches as fast as the node takes them.
 */
export async function mineRate(
  provider: JsonRpcProvider,
  url: string,
  chainId: number,
  calls: readonly SignedCall[],
  accounts: number,
): Promise<number> {
  const wallets = Array.from({ length: accounts }, () => new Wallet(toHex(randomBytes(32))));
  for (const { address } of wallets) await provider.send("anvil_setBalance", [address, "0x56bc75e2d63100000"]);
  const signed = await Promise.all(
    calls.map((call, i) => {
      const wallet = wallets[i % accounts] as Wallet;
      return wallet.signTransaction(transaction(chainId, Math.floor(i / accounts), call));
    }),
  );
  let mined = 0;
  const watch = new BlockWatch(provider, (count) => (mined += count));
  const started = performance.now();
  for (let at = 0; at < signed.length; at += 50) await sendBatch(url, signed.slice(at, at + 50));
  while (mined < signed.length) await sleep(20);
  await watch.stop();
  const last = Math.max(...[...watch.blocks.values()].filter((b) => b.transactions > 0).map((b) => b.seenAtMs));
  return signed.length / ((last - started) / 1_000);
}

async function sendBatch(url: string, raws: readonly string[]): Promise<void> {
  const body = raws.map((raw, id) => ({ jsonrpc: "2.0", id, method: "eth_sendRawTransaction", params: [raw] }));
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const refused = ((await response.json()) as { error?: { message: string } }[]).find(({ error }) => error);
  if (refused) throw new Error(`the node refuses a transaction: ${refused.error?.message}`);
}
