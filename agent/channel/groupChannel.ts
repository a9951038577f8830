import { randomBytes } from "node:crypto";

import { decryptMessage, directionKey, encryptMessage, keyIdOf } from "./directionKey.ts";
import { type MessageHeader, parseMessage } from "./message.ts";
import type { ReplayWindows } from "./replayWindow.ts";
import type { GroupWatch } from "../escrow/groupWatch.ts";
import type { KeyHolder } from "../escrow/keyHolder.ts";
import { type Hex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface GroupChannelOptions {
  readonly group: EscrowGroup;
  /** Address of this agent. */
  readonly self: string;
  readonly watch: GroupWatch;
  readonly keys: KeyHolder;
  readonly replay: ReplayWindows;
}

export interface ReceivedMessage {
  /** Lower-case address. Every member of the epoch could have written it: what must be one agent's is signed as well. */
  readonly from: Hex;
  readonly epoch: bigint;
  /** Of the epoch's key. */
  readonly keyCommitment: Hex;
  readonly plaintext: Uint8Array;
}

/** Messages under one key: GCM's tags stay sound far beyond, and no sender comes near. */
const maxMessages = 2n ** 32n;

/**
 * An encrypted channel among the members of a group. It sends only under an epoch that is current by a view of the chain
 * that is fresh, receives under that and, in its grace period, the one before, and otherwise says no.
 */
export class GroupChannel {
  readonly #options: GroupChannelOptions;
  readonly #self: Hex;
  readonly #session = toHex(randomBytes(16));
  /** Next number for each epoch and recipient. */
  readonly #next = new Map<string, bigint>();

  constructor(options: GroupChannelOptions) {
    this.#options = options;
    this.#self = lowerAddress(options.self);
  }

  /**
   * @throws AffiantError ERR_AUTH_EPOCH_STALE while the last epoch is not current (the next one is on its way),
   *   ERR_UNAVAILABLE_CHAIN_VIEW, ERR_UNAVAILABLE_KEY, ERR_PROOF_KEY_COMMITMENT
   */
  async seal(to: string, plaintext: Uint8Array): Promise<Uint8Array> {
    const { group, watch, keys } = this.#options;
    const view = await watch.view();
    if (!view.current) throw stale(view.epoch, view.epoch);
    const held = await keys.keyOf(view.epoch, view.keyCommitment);
    const recipient = lowerAddress(to);
    const slot = `${held.keyCommitment} ${recipient}`;
    const sequence = this.#next.get(slot) ?? 0n;
    if (sequence >= maxMessages) throw new AffiantError("ERR_LIMIT_MESSAGES", "the key is used up; rotate the epoch");
    this.#next.set(slot, sequence + 1n);
    const header: MessageHeader = {
      epoch: view.epoch,
      keyId: keyIdOf(held),
      sender: this.#self,
      recipient,
      session: this.#session,
      sequence,
      blockNumber: view.blockNumber,
    };
    if (view.epoch > 1n) keys.forgetBefore(view.epoch - 1n);
    return encryptMessage(directionKey(group, held, header), header, plaintext);
  }

  /**
   * Opens a message and takes its number: it is never opened twice.
   * @throws AffiantError ERR_INPUT_MESSAGE, ERR_AUTH_SENDER if it is not to this agent, ERR_AUTH_EPOCH_STALE,
   *   ERR_PROOF_MESSAGE, ERR_CONFLICT_MESSAGE_REPLAY, ERR_UNAVAILABLE_CHAIN_VIEW, ERR_UNAVAILABLE_KEY
   */
  async open(message: Uint8Array): Promise<ReceivedMessage> {
    const { group, watch, keys, replay } = this.#options;
    const { header, ciphertext } = parseMessage(message);
    if (header.recipient !== this.#self || header.sender === this.#self) {
      throw new AffiantError("ERR_AUTH_SENDER", "the message is not addressed to this agent");
    }
    let view = await watch.view();
    // A newer epoch than is known here: the view is young, but the sender's is younger.
    if (header.epoch > view.epoch) view = await watch.refresh();
    const accepted =
      header.epoch === view.epoch ? view.current : header.epoch + 1n === view.epoch && view.previousAccepted;
    if (!accepted) throw stale(header.epoch, view.epoch);
    const held = await keys.keyOf(header.epoch, header.epoch === view.epoch ? view.keyCommitment : undefined);
    if (header.keyId !== keyIdOf(held)) throw stale(header.epoch, view.epoch);
    const plaintext = decryptMessage(directionKey(group, held, header), header, ciphertext);
    // Only now is the block that it names the word of a member.
    const seen = await watch.view(header.blockNumber);
    if (seen.epoch !== view.epoch || seen.current !== view.current || seen.previousAccepted !== view.previousAccepted) {
      return this.open(message);
    }
    if (!replay.take(header.epoch, header.sender, header.session, header.sequence)) {
      throw new AffiantError("ERR_CONFLICT_MESSAGE_REPLAY", "the message was received before, or is too late", {
        details: { sender: header.sender, sequence: header.sequence.toString() },
      });
    }
    return { from: header.sender, epoch: header.epoch, keyCommitment: held.keyCommitment, plaintext };
  }
}

function lowerAddress(address: string): Hex {
  const lower = address.toLowerCase();
  if (!isHex(lower, 20)) throw new AffiantError("ERR_INPUT_MESSAGE", "not an address");
  return lower;
}

function stale(epoch: bigint, last: bigint): AffiantError {
  return new AffiantError("ERR_AUTH_EPOCH_STALE", `epoch ${epoch} is over or not in use (the last one is ${last})`, {
    details: { epoch: epoch.toString(), lastEpoch: last.toString() },
  });
}
