import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Header of an encrypted message, all of it authenticated:
 *
 *     version 0x01 | epoch 8 | keyId 8 | sender 20 | recipient 20 | session 16 | sequence 8 | blockNumber 8
 *
 * Numbers are big-endian. The ciphertext with its 16-byte tag follows.
 */
export interface MessageHeader {
  readonly epoch: bigint;
  /** First 8 bytes of the key's commitment. */
  readonly keyId: Hex;
  readonly sender: Hex;
  readonly recipient: Hex;
  /** 16 random bytes, drawn when the sender's process starts: its sequence numbers begin anew under a new key. */
  readonly session: Hex;
  /** From 0. */
  readonly sequence: bigint;
  /** The newest block that the sender has seen. */
  readonly blockNumber: number;
}

export const headerLength = 1 + 8 + 8 + 20 + 20 + 16 + 8 + 8;
const tagLength = 16;

export function packHeader(header: MessageHeader): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  view.setBigUint64(1, header.epoch);
  bytes.set(fromHex(header.keyId, 8), 9);
  bytes.set(fromHex(header.sender, 20), 17);
  bytes.set(fromHex(header.recipient, 20), 37);
  bytes.set(fromHex(header.session, 16), 57);
  view.setBigUint64(73, header.sequence);
  view.setBigUint64(81, BigInt(header.blockNumber));
  return bytes;
}

/** @throws AffiantError ERR_INPUT_MESSAGE */
export function parseMessage(message: Uint8Array): { header: MessageHeader; ciphertext: Uint8Array } {
  if (message.length < headerLength + tagLength || message[0] !== 1) {
    throw new AffiantError("ERR_INPUT_MESSAGE", "the version or the length is not that of an encrypted message");
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const blockNumber = view.getBigUint64(81);
  if (blockNumber > BigInt(Number.MAX_SAFE_INTEGER)) throw new AffiantError("ERR_INPUT_MESSAGE", "no such block");
  const hexAt = (from: number, length: number) => toHex(message.slice(from, from + length));
  return {
    header: {
      epoch: view.getBigUint64(1),
      keyId: hexAt(9, 8),
      sender: hexAt(17, 20),
      recipient: hexAt(37, 20),
      session: hexAt(57, 16),
      sequence: view.getBigUint64(73),
      blockNumber: Number(blockNumber),
    },
    ciphertext: message.slice(headerLength),
  };
}
