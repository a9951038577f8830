import { draftEpoch, type EpochDraft, type Recipient } from "./draftEpoch.ts";
import { type GroupState, type RotationReason, rotationReason } from "./rotation.ts";
import type { Delivery } from "../../agent/escrow/receiveKey.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";

/** The chain, as the publisher reads and writes it. */
export interface PublisherChain {
  /** All of it of one block. */
  state(): Promise<GroupState>;
  /** The key to which the group's trustees hold shares; undefined if there are none. */
  recoveryKey(): Promise<Uint8Array | undefined>;
  /**
   * Sends the epoch and waits until it is mined.
   * @throws AffiantError ERR_CONFLICT_EPOCH_STATE if the contract refuses it: somebody lost trust meanwhile, or the number
   *   is taken
   */
  publish(draft: EpochDraft): Promise<{ readonly blockNumber: number }>;
}

/** The sealed keys of one draft of an epoch. */
export interface SealedKeySet {
  readonly epoch: bigint;
  readonly keyCommitment: Hex;
  readonly membersRoot: Hex;
  /** By lower-case address of the holder. */
  readonly deliveries: ReadonlyMap<string, Delivery>;
}

/** Where sealed keys wait for those they are sealed to. */
export interface DeliveryStore {
  /** Durable when it returns. What is there under another commitment stays. */
  put(keys: SealedKeySet): Promise<void>;
}

export interface PublisherOptions {
  readonly group: EscrowGroup;
  readonly chain: PublisherChain;
  readonly deliveries: DeliveryStore;
  /** The X25519 key of an agent's attested evidence, 32 bytes; undefined if there is none. */
  readonly encryptionKeyOf: (agent: string) => Promise<Uint8Array | undefined>;
  readonly publisherPrivateKey: Uint8Array;
  readonly random: (length: 32) => Uint8Array;
  /** An epoch that is older is replaced. */
  readonly maxAgeBlocks: number;
}

export interface Published {
  readonly reason: RotationReason;
  readonly epoch: bigint;
  readonly keyCommitment: Hex;
  readonly members: readonly string[];
  readonly blockNumber: number;
}

/** So often a draft is made anew when the chain moved under it, before the next call has to try again. */
const maxAttempts = 5;

/**
 * Gives a group its keys. It keeps nothing of its own, so there is nothing to lose: each step looks at the chain.
 *
 * | dies after                     | what is left                                                                   |
 * | ------------------------------ | ------------------------------------------------------------------------------ |
 * | drawing and sealing            | nothing; the next step draws another key                                       |
 * | delivering                     | sealed keys under a commitment that is never published: nobody asks for them    |
 * | sending, before it is mined    | either this epoch is mined, and its keys are delivered, or the next step's is:  |
 * |                                | the contract takes one of the two under this number                            |
 * | publishing                     | nothing to do                                                                  |
 *
 * Delivery comes before publishing, always: what is on chain can be opened.
 */
export class EpochPublisher {
  readonly #options: PublisherOptions;
  #step: Promise<Published | undefined> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Publishes the next epoch if it is due. To be called for each new block.
   * @throws AffiantError ERR_CONFLICT_EPOCH_STATE if the chain moved under each attempt, ERR_UNAVAILABLE_*
   */
  step(): Promise<Published | undefined> {
    // Two steps at once would race each other for one number.
    this.#step ??= this.#attempt(1).finally(() => {
      this.#step = undefined;
    });
    return this.#step;
  }

  async #attempt(number: number): Promise<Published | undefined> {
    const { chain, maxAgeBlocks } = this.#options;
    const known = await this.#withKeys(await chain.state());
    const reason = rotationReason(known.state, maxAgeBlocks);
    if (reason === undefined) return undefined;
    try {
      return await this.#publish(reason, known.state.lastEpoch + 1n, known.recipients);
    } catch (error) {
      if (!isAffiantError(error, "ERR_CONFLICT_EPOCH_STATE") || number >= maxAttempts) throw error;
      return this.#attempt(number + 1);
    }
  }

  async #publish(reason: RotationReason, number: bigint, members: readonly Recipient[]): Promise<Published> {
    const { group, chain, deliveries, publisherPrivateKey, random } = this.#options;
    const recoveryKey = await chain.recoveryKey();
    const epoch = { ...group, epoch: number };
    const draft = await draftEpoch({ epoch, members, recoveryKey, publisherPrivateKey, random });
    await deliveries.put({ ...draft, epoch: number });
    const { blockNumber } = await chain.publish(draft);
    return { reason, epoch: number, keyCommitment: draft.keyCommitment, members: draft.members, blockNumber };
  }

  /** Nobody is made a holder of a key that cannot be sealed to it. */
  async #withKeys(state: GroupState): Promise<{ state: GroupState; recipients: readonly Recipient[] }> {
    const recipients: Recipient[] = [];
    for (const holder of state.entitled) {
      const encryptionKey = await this.#options.encryptionKeyOf(holder);
      if (encryptionKey && encryptionKey.length !== 32) {
        throw new AffiantError("ERR_INPUT_PUBLIC_KEY", `the encryption key of ${holder} is not 32 bytes`);
      }
      if (encryptionKey) recipients.push({ holder, encryptionKey });
    }
    return { state: { ...state, entitled: recipients.map(({ holder }) => holder) }, recipients };
  }
}
