import { setTimeout as sleep } from "node:timers/promises";

import { Transaction } from "ethers";

import type { Eip1193 } from "./chainRpc.ts";
import { type DeployerAccount, toTransaction, type TransactionRequest } from "./deployerAccount.ts";
import type { SentTransaction, SentTransactions } from "./sentTransactions.ts";

export interface DeployProviderOptions {
  readonly rpc: Eip1193;
  readonly chainId: bigint;
  readonly account: DeployerAccount;
  readonly sent: SentTransactions;
  /** Pause between looks at a chain that has to catch up. */
  readonly pollMs: number;
  /** Told of each transaction after the node took it. */
  readonly onSent?: ((transaction: TransactionRequest, hash: string) => void) | undefined;
}

/** How often it is looked whether a chain has caught up, before an error is taken for what it says. */
const patience = 60;

/**
 * The chain as Ignition sees it: signs, writes down what was signed, and hides from Ignition what it does not handle by
 * itself. A transaction that a node forgot, or a reorganisation threw out, is sent again; a simulation that fails because
 * what it builds on is gone for the moment waits until it is back; a nonce that was given out stays given out, although a
 * lagging endpoint counts less.
 */
export class DeployProvider implements Eip1193 {
  readonly #options: DeployProviderOptions;

  constructor(options: DeployProviderOptions) {
    this.#options = options;
  }

  async request({ method, params = [] }: Parameters<Eip1193["request"]>[0]): Promise<unknown> {
    const list = params as readonly unknown[];
    switch (method) {
      case "eth_accounts":
        return [this.#options.account.address];
      case "eth_sendTransaction":
        return await this.#send(list[0] as TransactionRequest);
      case "eth_getTransactionByHash":
      case "eth_getTransactionReceipt":
        return await this.#lookUp(method, list[0] as string);
      case "eth_getTransactionCount":
        return await this.#count(list);
      case "eth_estimateGas":
      case "eth_call":
        return await this.#simulate(method, list);
      default:
        return await this.#options.rpc.request({ method, params });
    }
  }

  /** Sends again whatever was signed, is not mined and is not known to the node. @returns how many wait to be mined */
  async heal(): Promise<number> {
    const { account, sent } = this.#options;
    const mined = Number(await this.#ask("eth_getTransactionCount", account.address, "latest"));
    const waiting = sent.nonces().filter((nonce) => nonce >= mined);
    for (const nonce of waiting) {
      const rivals = sent.withNonce(nonce);
      const known = await Promise.all(rivals.map(({ hash }) => this.#ask("eth_getTransactionByHash", hash)));
      const newest = rivals.at(-1);
      if (newest && known.every((transaction) => transaction === null)) await this.#broadcast(newest);
    }
    return waiting.length;
  }

  async #send(request: TransactionRequest): Promise<string> {
    const { account, chainId, sent, onSent } = this.#options;
    let hash: string;
    if (account.sign) {
      const transaction = toTransaction(request, chainId);
      const raw = await account.sign(transaction);
      const signed = { nonce: transaction.nonce, hash: Transaction.from(raw).hash ?? "", raw };
      sent.add(signed);
      await this.#broadcast(signed);
      hash = signed.hash;
    } else {
      hash = String(await this.#ask("eth_sendTransaction", request));
      sent.add({ nonce: Number(request.nonce), hash });
    }
    onSent?.(request, hash);
    return hash;
  }

  /** A refusal means nothing if the transaction is there all the same: the answer to the first attempt was lost. */
  async #broadcast({ hash, raw }: SentTransaction): Promise<void> {
    if (raw === undefined) return;
    try {
      await this.#ask("eth_sendRawTransaction", raw);
    } catch (error) {
      if (error instanceof Error && /already (known|imported|exists)|known transaction/i.test(error.message)) return;
      if ((await this.#ask("eth_getTransactionByHash", hash)) === null) throw error;
    }
  }

  /** With raised fees a nonce has several transactions: whichever was mined answers for all of them. */
  async #lookUp(method: string, hash: string): Promise<unknown> {
    const found = await this.#ask(method, hash);
    const rivals = this.#options.sent.rivalsOf(hash);
    if (rivals.length === 0 || (found !== null && method === "eth_getTransactionReceipt")) return found;
    for (const rival of rivals) {
      const receipt = await this.#ask("eth_getTransactionReceipt", rival.hash);
      if (receipt !== null)
        return method === "eth_getTransactionReceipt" ? receipt : await this.#ask(method, rival.hash);
    }
    if (found !== null || method === "eth_getTransactionReceipt") return found;
    await this.heal();
    for (const rival of rivals) {
      const again = await this.#ask(method, rival.hash);
      if (again !== null) return again;
    }
    return null;
  }

  async #count(params: readonly unknown[]): Promise<unknown> {
    const counted = await this.#options.rpc.request({ method: "eth_getTransactionCount", params });
    if (params[1] !== "pending" || String(params[0]).toLowerCase() !== this.#options.account.address.toLowerCase()) {
      return counted;
    }
    const next = (this.#options.sent.nonces().at(-1) ?? -1) + 1;
    return `0x${Math.max(next, Number(counted)).toString(16)}`;
  }

  async #simulate(method: string, params: readonly unknown[]): Promise<unknown> {
    for (let look = 0; ; look++) {
      try {
        return await this.#options.rpc.request({ method, params });
      } catch (error) {
        if (look >= patience || (await this.heal()) === 0) throw error;
      }
      await sleep(this.#options.pollMs);
    }
  }

  async #ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return (await this.#options.rpc.request({ method, params })) ?? null;
  }
}
