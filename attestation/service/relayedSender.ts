import { randomBytes, randomUUID } from "node:crypto";

import { Interface, type JsonRpcProvider, type Wallet } from "ethers";

import { waitUntilMined } from "../../agent/relayer/carryCall.ts";
import type { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { attestationRegistryDomain, attestationRegistryTypes } from "../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import type { TransactionSender } from "./registry.ts";

export interface RelayedSenderOptions {
  readonly relayer: RelayerClient;
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  /** The attestation registry's address. */
  readonly registry: string;
  /** Holds the role of the attestation service, and no ether. */
  readonly account: Wallet;
  /** For how long a signed request may be mined. Default 3600. */
  readonly validitySec?: number;
  readonly mineTimeoutMs?: number;
}

/** Calls of the service's role, by their signed counterparts: the type that is signed and the names of its arguments. */
const signed = {
  enrol: { method: "enrolSigned", type: "Enrol", names: ["agent", "commitment", "operator", "tier"] },
  openRound: { method: "openRoundSigned", type: "OpenRound", names: ["secretCommitment"] },
} as const;

const abi = new Interface(iAttestationRegistryAbi);

/**
 * Has the relayer carry the service's calls and pay for them. What only the role may do is signed by the service's
 * account; each request has a nonce lane of its own (OpenZeppelin NoncesKeyed), so none of them waits for another. A
 * request whose fate is unknown is not remembered: the service asks the chain what is due, and asks for that.
 */
export function relayedSender(options: RelayedSenderOptions): TransactionSender {
  const { relayer, registry, mineTimeoutMs = 120_000 } = options;
  return {
    async send(method, args) {
      const data = await calldata(options, method, args);
      const { id } = await relayer.sendCall({ target: registry, data }, randomUUID());
      const { blockNumber, gasUsed } = await waitUntilMined(relayer, id, mineTimeoutMs);
      return { blockNumber: blockNumber ?? 0, gasUsed: BigInt(gasUsed ?? 0) };
    },
  };
}

async function calldata(options: RelayedSenderOptions, method: string, args: readonly unknown[]): Promise<Hex> {
  if (!(method in signed)) return abi.encodeFunctionData(method, args) as Hex;
  const { account, provider, chainId, registry, validitySec = 3600 } = options;
  const { method: carried, type, names } = signed[method as keyof typeof signed];
  const block = await provider.getBlock("latest");
  const nonce = BigInt(`0x${randomBytes(24).toString("hex")}`) << 64n;
  if (!block) throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain's endpoint knows no latest block");
  const deadline = block.timestamp + validitySec;
  const named = Object.fromEntries(names.map((name, i) => [name, args[i]]));
  const signature = await account.signTypedData(
    attestationRegistryDomain(BigInt(chainId), registry),
    signerTypes(attestationRegistryTypes, type),
    { service: account.address, ...named, nonce, deadline },
  );
  return abi.encodeFunctionData(carried, [account.address, ...args, nonce, deadline, signature]) as Hex;
}
