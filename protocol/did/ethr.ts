import { getAddress } from "ethers/address";
import { LRUCache } from "lru-cache";

import { AffiantError } from "../errors/affiantError.ts";

/** `did:ethr:0x<chainIdHex>:<address>`, lower case throughout: the one spelling that entries use. */
export type EthrDid = `did:ethr:0x${string}:0x${string}`;

export interface EthrDidParts {
  readonly chainId: bigint;
  /** EIP-55 checksummed. */
  readonly address: string;
}

const pattern = /^did:ethr:0x([1-9a-f][0-9a-f]*):(0x[0-9a-f]{40})$/;

/** The checksum costs a hash, and an agent's DID comes with each of its entries. */
const parsed = new LRUCache<string, EthrDidParts>({ max: 4096 });

/** @throws AffiantError ERR_INPUT_DID */
export function parseEthrDid(did: string): EthrDidParts {
  const known = parsed.get(did);
  if (known) return known;
  const match = pattern.exec(did);
  if (!match?.[1] || !match[2]) {
    throw new AffiantError("ERR_INPUT_DID", `not a lower-case did:ethr with a hexadecimal chain id: ${did}`);
  }
  const parts = { chainId: BigInt(`0x${match[1]}`), address: getAddress(match[2]) };
  parsed.set(did, parts);
  return parts;
}

/** @throws AffiantError ERR_INPUT_DID */
export function formatEthrDid(chainId: bigint, address: string): EthrDid {
  if (chainId <= 0n || !/^0x[0-9a-fA-F]{40}$/.test(address)) {
    throw new AffiantError("ERR_INPUT_DID", `no did:ethr for chain ${chainId} and address ${address}`);
  }
  return `did:ethr:0x${chainId.toString(16)}:${address.toLowerCase() as `0x${string}`}`;
}
