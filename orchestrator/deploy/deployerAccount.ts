import { getAddress, Transaction } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type ChainRpcOptions, chainRpcAt, type Eip1193 } from "./chainRpc.ts";

/** `eth_sendTransaction`'s argument as Ignition fills it: quantities in hex, nonce, gas and fees decided. */
export interface TransactionRequest {
  readonly from: string;
  readonly to?: string;
  readonly data?: string;
  readonly value?: string;
  readonly nonce: string;
  readonly gas: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly gasPrice?: string;
}

/** Who pays and signs. Without `sign` the node holds the key (a test chain). */
export interface DeployerAccount {
  /** EIP-55. */
  readonly address: string;
  /** @returns the signed bytes, hex */
  readonly sign?: (transaction: Transaction) => Promise<string>;
}

export function toTransaction(request: TransactionRequest, chainId: bigint): Transaction {
  const { to, data, value, nonce, gas, maxFeePerGas, maxPriorityFeePerGas, gasPrice } = request;
  return Transaction.from({
    chainId,
    to: to ?? null,
    data: data ?? "0x",
    value: value ?? 0,
    nonce: Number(nonce),
    gasLimit: gas,
    ...(gasPrice === undefined ? { type: 2, maxFeePerGas, maxPriorityFeePerGas } : { type: 0, gasPrice }),
  });
}

/**
 * An account whose key lives in a signer service: anything that answers `eth_signTransaction` (Web3Signer, Clef, a bridge
 * to an HSM). What comes back is compared with what was asked: the service signs, it does not decide.
 */
export function accountOfService(url: string, address: string, options?: ChainRpcOptions): DeployerAccount {
  const service: Eip1193 = chainRpcAt(url, options);
  return {
    address: getAddress(address),
    sign: async (asked) => {
      const quantity = (value: bigint | number): string => `0x${value.toString(16)}`;
      const fees =
        asked.type === 2
          ? { maxFeePerGas: asked.maxFeePerGas ?? 0n, maxPriorityFeePerGas: asked.maxPriorityFeePerGas ?? 0n }
          : { gasPrice: asked.gasPrice ?? 0n };
      const answer = await service.request({
        method: "eth_signTransaction",
        params: [
          {
            from: address,
            ...(asked.to === null ? {} : { to: asked.to }),
            data: asked.data,
            value: quantity(asked.value),
            nonce: quantity(asked.nonce),
            gas: quantity(asked.gasLimit),
            chainId: quantity(asked.chainId),
            ...Object.fromEntries(Object.entries(fees).map(([name, value]) => [name, quantity(value)])),
          },
        ],
      });
      // Web3Signer answers the bytes, Clef and geth an object that has them.
      const raw = typeof answer === "string" ? answer : (answer as { raw?: unknown } | null)?.raw;
      return assertSigned(raw, asked, address);
    },
  };
}

function assertSigned(raw: unknown, asked: Transaction, address: string): string {
  const signed = typeof raw === "string" ? parsed(raw) : undefined;
  if (!signed) throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the signer service answers no signed transaction");
  if (signed.unsignedHash !== asked.unsignedHash || signed.from !== getAddress(address)) {
    throw new AffiantError("ERR_CONFLICT_CHAIN", "the signer service signed something else, or with another key", {
      details: { expected: asked.unsignedHash, found: signed.unsignedHash, account: address, signedBy: signed.from },
    });
  }
  return signed.serialized;
}

function parsed(raw: string): Transaction | undefined {
  try {
    return Transaction.from(raw);
  } catch {
    return undefined;
  }
}
