import { setTimeout as sleep } from "node:timers/promises";

import type { OrchestratorEscrow } from "./chainEscrow.ts";
import { EpochPublisher, type Published, type PublisherOptions } from "./publisher.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  type MisdeliveryProof,
  type MisdeliveryVerdict,
  verifyMisdelivery,
} from "../../protocol/escrow/misdelivery.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";

export interface GroupKeeperOptions extends Omit<PublisherOptions, "chain" | "random"> {
  readonly chain: OrchestratorEscrow;
  /** A cryptographic source. */
  readonly random: PublisherOptions["random"];
  /** Addresses of those who are to be members, as things stand: the descriptor's, without the convicted. */
  readonly members: () => Promise<readonly string[]> | readonly string[];
  /** For how long an epoch may still be listened to once the next is published. */
  readonly graceBlocks: number;
  /** How often the chain is looked at by `run`. Default 500. */
  readonly intervalMs?: number;
  readonly onPublished?: (published: Published) => void;
  /** Told when a look failed; the next one tries again. */
  readonly onTrouble?: (error: unknown) => void;
}

/**
 * Keeps one group as it should be: that it exists, who its members are, and that its epoch is current. Every look begins
 * with what the chain says, and every step is one transaction that is not sent again once it shows there, so it may be
 * killed anywhere and run again. Two of them at once would waste gas and do no harm: the contract takes one.
 */
export class GroupKeeper {
  readonly #options: GroupKeeperOptions;
  readonly #publisher: EpochPublisher;
  #last: Published | undefined;
  #wake: () => void = () => undefined;

  constructor(options: GroupKeeperOptions) {
    this.#options = options;
    this.#publisher = new EpochPublisher(options);
  }

  /** What this process published last. */
  get last(): Published | undefined {
    return this.#last;
  }

  /**
   * Looks once, and does what is due. To be called for each new block, or by {@link run}.
   * @returns the epoch, if one was published
   * @throws AffiantError ERR_CONFLICT_EPOCH_STATE if the chain moved under each attempt, ERR_UNAVAILABLE_*
   */
  async step(): Promise<Published | undefined> {
    const { chain, graceBlocks, publisherPrivateKey, members, onPublished } = this.#options;
    const publisherKey = toHex(encryptionKeyOf(publisherPrivateKey));
    await chain.keepGroup(publisherKey, graceBlocks);
    await chain.keepMembers(await members());
    const published = await this.#publisher.step();
    if (published) {
      this.#last = published;
      onPublished?.(published);
    }
    return published;
  }

  /** Steps until it is told to stop. What fails is told, and tried again. */
  async run(stop: AbortSignal): Promise<void> {
    const { intervalMs = 500, onTrouble } = this.#options;
    while (!stop.aborted) {
      await this.step().catch((error: unknown) => onTrouble?.(error));
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([woken, sleep(intervalMs, undefined, { signal: stop }).catch(() => undefined)]);
    }
  }

  /** Has `run` look now, e.g. because an agent was convicted. */
  wake(): void {
    this.#wake();
  }

  /**
   * Takes a member's proof that the publisher gave it another key than was committed to. A proof that holds makes the next
   * look rotate.
   * @throws AffiantError ERR_INPUT_SEALED_KEY if it is malformed or of another group, ERR_UNAVAILABLE_CHAIN
   */
  async dispute(proof: MisdeliveryProof): Promise<MisdeliveryVerdict> {
    const { chain, group } = this.#options;
    if (proof.group !== group.group || proof.escrow.toLowerCase() !== group.escrow.toLowerCase()) {
      throw new AffiantError("ERR_INPUT_SEALED_KEY", "the proof is about another group");
    }
    const verdict = await verifyMisdelivery(proof, await chain.committed(BigInt(proof.epoch)));
    if (verdict === "holds") this.demandRotation(BigInt(proof.epoch));
    return verdict;
  }

  /** Has the next look rotate away from an epoch, e.g. because a member's process lost the key that it was sealed to. */
  demandRotation(epoch: bigint): void {
    this.#options.chain.demandRotation(epoch);
    this.#wake();
  }
}
