import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

import { type MessageHeader, packHeader } from "./message.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { HeldKey } from "../escrow/keyHolder.ts";
import { type EscrowGroup, sealedKeyContext } from "../../protocol/escrow/ids.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const tagLength = 16;

/**
 * The AES-256-GCM key of one direction in one session: HKDF-SHA256 (RFC 5869) of the epoch's key, salted with its
 * commitment, for sender, recipient and session. No two processes ever use the same key, so the sequence number alone is
 * a nonce that never repeats, without a counter on disk.
 */
export function directionKey(group: EscrowGroup, held: HeldKey, header: MessageHeader): Uint8Array {
  const { sender, recipient, session } = header;
  const info = Buffer.concat([
    utf8("affiant/channel/1"),
    sealedKeyContext({ ...group, epoch: held.epoch }, sender),
    fromHex(recipient, 20),
    fromHex(session, 16),
  ]);
  return new Uint8Array(hkdfSync("sha256", held.secret.key, fromHex(held.keyCommitment), info, 32));
}

/** First 8 bytes of the commitment. */
export function keyIdOf({ keyCommitment }: Pick<HeldKey, "keyCommitment">) {
  return toHex(fromHex(keyCommitment, 32).slice(0, 8));
}

/** @returns header ‖ ciphertext ‖ tag */
export function encryptMessage(key: Uint8Array, header: MessageHeader, plaintext: Uint8Array): Uint8Array {
  const head = packHeader(header);
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(header.sequence));
  cipher.setAAD(head);
  return new Uint8Array(Buffer.concat([head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** @throws AffiantError ERR_PROOF_MESSAGE */
export function decryptMessage(key: Uint8Array, header: MessageHeader, ciphertext: Uint8Array): Uint8Array {
  const cipher = createDecipheriv("aes-256-gcm", key, nonceOf(header.sequence));
  cipher.setAAD(packHeader(header));
  cipher.setAuthTag(ciphertext.slice(-tagLength));
  try {
    const opened = Buffer.concat([cipher.update(ciphertext.slice(0, -tagLength)), cipher.final()]);
    return new Uint8Array(opened);
  } catch {
    throw new AffiantError("ERR_PROOF_MESSAGE", "the message does not open under the epoch's key");
  }
}

function nonceOf(sequence: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, sequence);
  return nonce;
}
