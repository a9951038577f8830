import { Contract, type Provider } from "ethers";

import { type Hex, isHex } from "../../protocol/encoding/hex.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";

/** What the chain says of a group at one block. */
export interface GroupView {
  /** The last epoch; 0 = none was published. */
  readonly epoch: bigint;
  /** Whether that epoch may be used. */
  readonly current: boolean;
  /** Whether messages under the epoch before may still be believed. */
  readonly previousAccepted: boolean;
  readonly keyCommitment: Hex;
  readonly blockNumber: number;
}

/** What the chain says of one epoch, for good. */
export interface PublishedEpoch {
  readonly membersRoot: Hex;
  readonly keyCommitment: Hex;
  /** X25519 key of who sealed it. */
  readonly publisherKey: Hex;
  readonly publishedAtBlock: number;
  /** Generation of the trustees to whom the key is sealed as well; 0 = none. */
  readonly generation: bigint;
}

/** Where a group's epochs are read. */
export interface EscrowSource {
  view(): Promise<GroupView>;
  epoch(epoch: bigint): Promise<PublishedEpoch>;
}

/** Reads a chain's KeyEscrow. */
export class ChainEscrow implements EscrowSource {
  readonly contract: Contract;
  readonly #group: Hex;

  constructor(provider: Provider, { escrow, group }: EscrowGroup) {
    this.contract = new Contract(escrow, keyEscrowAbi, provider);
    this.#group = group;
  }

  /** One `eth_call`, so that all of it is of one block. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
  async view(): Promise<GroupView> {
    const [epoch, current, previousAccepted, keyCommitment, blockNumber] = await this.#read<
      [bigint, boolean, boolean, Hex, bigint]
    >("viewOf", [this.#group]);
    return { epoch, current, previousAccepted, keyCommitment, blockNumber: Number(blockNumber) };
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, also if there is no such epoch (yet) */
  async epoch(epoch: bigint): Promise<PublishedEpoch> {
    const record = await this.#read<{
      membersRoot: Hex;
      keyCommitment: Hex;
      publisherKey: Hex;
      publishedAtBlock: bigint;
      generation: bigint;
    }>("epochOf", [this.#group, epoch]);
    const { membersRoot, keyCommitment, publisherKey, publishedAtBlock, generation } = record;
    if (![membersRoot, keyCommitment, publisherKey].every((word) => isHex(word, 32))) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the KeyEscrow's answer is not of the expected form");
    }
    return { membersRoot, keyCommitment, publisherKey, publishedAtBlock: Number(publishedAtBlock), generation };
  }

  async #read<T>(name: string, args: readonly unknown[]): Promise<T> {
    try {
      return (await this.contract.getFunction(name).staticCall(...args)) as T;
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the KeyEscrow cannot be read", { cause });
    }
  }
}
