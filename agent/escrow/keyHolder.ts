import type { EscrowSource } from "./escrowReader.ts";
import { type Delivery, receiveKey, type Received } from "./receiveKey.ts";
import type { EpochKey } from "../../protocol/escrow/epochKey.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import type { RecipientKey } from "../../protocol/hpke/hpke.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Where sealed keys are fetched. Two drafts of one epoch can exist after a crash: the commitment on chain says which. */
export interface DeliverySource {
  /** undefined if there is none (yet). */
  fetch(epoch: bigint, keyCommitment: Hex): Promise<Delivery | undefined>;
}

export interface KeyHolderOptions {
  readonly group: EscrowGroup;
  readonly member: string;
  /** Private X25519 keys of the agent's evidence, newest first: a key may have been sealed before the last attestation. */
  readonly privateKeys: () => readonly RecipientKey[] | Promise<readonly RecipientKey[]>;
  readonly source: EscrowSource;
  readonly deliveries: DeliverySource;
  /** Told once for each epoch what came of its key: to acknowledge, or to report. */
  readonly onReceived?: (epoch: bigint, received: Received) => Promise<void>;
}

/** A key that is held, and the commitment that names it. */
export interface HeldKey {
  readonly epoch: bigint;
  readonly keyCommitment: Hex;
  readonly secret: EpochKey;
}

/**
 * The epoch keys of one agent, in memory alone: after a restart sealed keys are fetched and opened again. It keeps the last
 * epoch and the one before; an agent that slept through rotations fetches the last one only.
 */
export class KeyHolder {
  readonly #options: KeyHolderOptions;
  readonly #held = new Map<bigint, HeldKey>();
  readonly #opening = new Map<bigint, Promise<HeldKey>>();

  constructor(options: KeyHolderOptions) {
    this.#options = options;
  }

  /**
   * The key of an epoch, fetched and opened if need be.
   * @param keyCommitment what the chain says now: after a reorg another key may stand under the same number
   * @throws AffiantError ERR_UNAVAILABLE_KEY if it was not delivered, ERR_PROOF_KEY_COMMITMENT if what was delivered is not
   *   the key committed to, ERR_PROOF_SEALED_KEY, ERR_UNAVAILABLE_CHAIN
   */
  async keyOf(epoch: bigint, keyCommitment?: Hex): Promise<HeldKey> {
    const held = this.#held.get(epoch);
    if (held && (keyCommitment === undefined || held.keyCommitment === keyCommitment)) return held;
    let opening = this.#opening.get(epoch);
    if (!opening) {
      opening = this.#open(epoch).finally(() => this.#opening.delete(epoch));
      this.#opening.set(epoch, opening);
    }
    return opening;
  }

  /** Forgets keys of epochs before `epoch`. */
  forgetBefore(epoch: bigint): void {
    for (const [number, { secret }] of this.#held) {
      if (number >= epoch) continue;
      secret.key.fill(0);
      secret.salt.fill(0);
      this.#held.delete(number);
    }
  }

  async #open(epoch: bigint): Promise<HeldKey> {
    const { group, member, source, deliveries, privateKeys, onReceived } = this.#options;
    const published = await source.epoch(epoch);
    const { keyCommitment } = published;
    const delivery = await deliveries.fetch(epoch, keyCommitment);
    if (!delivery) throw new AffiantError("ERR_UNAVAILABLE_KEY", `the key of epoch ${epoch} was not delivered yet`);
    let received: Received | undefined;
    for (const memberPrivateKey of await privateKeys()) {
      const input = { epoch: { ...group, epoch }, member, memberPrivateKey, published, delivery };
      received = await receiveKey(input);
      if (received.kind !== "unopenable") break;
    }
    if (!received) throw new AffiantError("ERR_UNAVAILABLE_KEY", "the agent has no attested encryption key");
    if (received.kind !== "opened") {
      await onReceived?.(epoch, received);
      throw new AffiantError("ERR_PROOF_KEY_COMMITMENT", `the key delivered for epoch ${epoch} is ${received.kind}`);
    }
    const held = { epoch, keyCommitment, secret: received.secret };
    this.#held.set(epoch, held);
    await onReceived?.(epoch, received);
    return held;
  }
}
