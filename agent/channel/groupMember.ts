import type { Provider } from "ethers";

import { GroupChannel, type ReceivedMessage } from "./groupChannel.ts";
import { SqliteReplayWindows } from "./replayWindow.ts";
import { type CarriedCall, type EscrowSigning, signAcknowledge, signMisdelivery } from "../escrow/escrowCalls.ts";
import { ChainEscrow } from "../escrow/escrowReader.ts";
import { GroupWatch } from "../escrow/groupWatch.ts";
import { type DeliverySource, type HeldKey, KeyHolder } from "../escrow/keyHolder.ts";
import type { Delivery, Received } from "../escrow/receiveKey.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { EscrowEpoch, EscrowGroup } from "../../protocol/escrow/ids.ts";
import type { MisdeliveryProof } from "../../protocol/escrow/misdelivery.ts";
import type { RecipientKey } from "../../protocol/hpke/hpke.ts";

export interface MembershipOptions {
  readonly group: EscrowGroup;
  /** The keys of the agent's attested evidence, newest first (`WrapperKeys`). */
  readonly recipientKeys: () => readonly RecipientKey[] | Promise<readonly RecipientKey[]>;
  /** Database of the received messages' numbers. */
  readonly replayPath: string;
  /** For how long a view of the chain is believed; default 2,000. */
  readonly maxAgeMs?: number;
  /** How many blocks it may be behind what other members see; default 10. */
  readonly maxLagBlocks?: number;
  /** Told of a proof that the publisher lied, to be handed to whoever keeps the group. */
  readonly onMisdelivery?: (proof: MisdeliveryProof) => void;
  /** Told when the chain could not be told of a key; the channel works all the same. */
  readonly onTrouble?: (error: unknown) => void;
}

/** What a member needs of the agent that it is. */
export interface MemberAgent {
  readonly address: string;
  readonly provider: Provider;
  readonly deliveries: DeliverySource;
  /** Has a word to the KeyEscrow signed and carried. */
  readonly tellEscrow: (
    purpose: string,
    epoch: EscrowEpoch,
    sign: (signing: EscrowSigning) => Promise<CarriedCall>,
  ) => Promise<unknown>;
}

/** An agent as a member of a group: it fetches the epoch's key, says on chain what it got, and talks under it. */
export class GroupMember {
  readonly group: EscrowGroup;
  readonly #options: MembershipOptions;
  readonly #agent: MemberAgent;
  readonly #escrow: ChainEscrow;
  readonly #watch: GroupWatch;
  readonly #keys: KeyHolder;
  readonly #replay: SqliteReplayWindows;
  readonly #channel: GroupChannel;
  /** What is being said on chain, one after the other: the nonces are in order. */
  #saying: Promise<void> = Promise.resolve();

  constructor(agent: MemberAgent, options: MembershipOptions) {
    const { group, recipientKeys, replayPath, maxAgeMs = 2_000, maxLagBlocks = 10 } = options;
    this.group = group;
    this.#options = options;
    this.#agent = agent;
    this.#escrow = new ChainEscrow(agent.provider, group);
    const nowMs = () => performance.now();
    this.#watch = new GroupWatch({ source: this.#escrow, maxAgeMs, maxLagBlocks, nowMs });
    const fetched = new Map<bigint, Delivery>();
    this.#keys = new KeyHolder({
      group,
      member: agent.address,
      privateKeys: recipientKeys,
      source: this.#escrow,
      deliveries: {
        async fetch(epoch, keyCommitment) {
          const delivery = await agent.deliveries.fetch(epoch, keyCommitment);
          if (delivery) fetched.set(epoch, delivery);
          return delivery;
        },
      },
      onReceived: async (epoch, received) => {
        this.#say(epoch, received, fetched.get(epoch));
        fetched.delete(epoch);
      },
    });
    this.#replay = new SqliteReplayWindows(replayPath);
    const keys = this.#keys;
    this.#channel = new GroupChannel({ group, self: agent.address, watch: this.#watch, keys, replay: this.#replay });
  }

  /** @throws AffiantError as `GroupChannel.seal` */
  seal(to: string, plaintext: Uint8Array): Promise<Uint8Array> {
    return this.#channel.seal(to, plaintext);
  }

  /** @throws AffiantError as `GroupChannel.open` */
  open(message: Uint8Array): Promise<ReceivedMessage> {
    return this.#channel.open(message);
  }

  /**
   * The epoch that can be talked under now, with its key fetched.
   * @throws AffiantError ERR_AUTH_EPOCH_STALE, ERR_UNAVAILABLE_CHAIN_VIEW, ERR_UNAVAILABLE_KEY, ERR_PROOF_KEY_COMMITMENT
   */
  async currentEpoch(): Promise<Pick<HeldKey, "epoch" | "keyCommitment">> {
    const { current, epoch, keyCommitment } = await this.#watch.view();
    if (!current) throw new AffiantError("ERR_AUTH_EPOCH_STALE", "the group has no current epoch");
    await this.#keys.keyOf(epoch, keyCommitment);
    return { epoch, keyCommitment };
  }

  /** Settles when all that was to be said on chain is said, or failed. */
  async settled(): Promise<void> {
    await this.#saying;
  }

  close(): void {
    this.#replay.close();
    this.#keys.forgetBefore(2n ** 64n);
  }

  #say(number: bigint, received: Received, delivery: Delivery | undefined): void {
    const epoch = { ...this.group, epoch: number };
    const { onMisdelivery, onTrouble } = this.#options;
    if (received.kind === "misdelivered") onMisdelivery?.(received.proof);
    this.#saying = this.#saying
      .then(async () => {
        if (received.kind === "opened") await this.#acknowledge(epoch);
        else if (received.kind === "misdelivered") {
          const { sealedKeyHash, proof } = received;
          await this.#agent.tellEscrow(`misdelivery:${sealedKeyHash}`, epoch, (signing) =>
            signMisdelivery(signing, sealedKeyHash, delivery?.merkleProof ?? [], proof),
          );
        } else {
          throw new AffiantError(
            "ERR_PROOF_SEALED_KEY",
            `the key sealed to this agent in epoch ${number} is unopenable`,
          );
        }
      })
      .catch((error: unknown) => onTrouble?.(error));
  }

  async #acknowledge(epoch: EscrowEpoch): Promise<void> {
    const args = [epoch.group, epoch.epoch, this.#agent.address];
    const { keyCommitment } = await this.#escrow.epoch(epoch.epoch);
    if ((await this.#escrow.contract.getFunction("hasAcknowledged").staticCall(...args)) === true) return;
    await this.#agent.tellEscrow(acknowledgePurpose(keyCommitment), epoch, (signing) =>
      signAcknowledge(signing, keyCommitment),
    );
  }
}

function acknowledgePurpose(keyCommitment: Hex): string {
  return `acknowledge:${keyCommitment}`;
}
