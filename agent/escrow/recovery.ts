import type { EscrowSource } from "./escrowReader.ts";
import type { Delivery } from "./receiveKey.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { type EpochKey, matchesCommitment, unpackEpochKey } from "../../protocol/escrow/epochKey.ts";
import { combine, recoveryPrivateKey, type Share } from "../../protocol/escrow/feldman.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { openKey, sealedHashOf } from "../../protocol/escrow/sealedKey.ts";
import { openShare, sealShare, type ShareSeat } from "../../protocol/escrow/sealedShare.ts";
import { isUnderRoot } from "../../protocol/escrow/sealedTree.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** `RecoveryState.Released` of IKeyEscrow. */
const released = 3n;

/** What a trustee reads of a request, from its own endpoint. */
export interface RecoveryView {
  readonly state: bigint;
  readonly group: Hex;
  readonly generation: bigint;
  readonly recipientKey: Hex;
}

export interface HandOverInput {
  readonly seat: ShareSeat;
  readonly share: Share;
  readonly request: RecoveryView;
  readonly trusteePrivateKey: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
}

/**
 * A trustee hands its share to a requester, for a request that the contract released, and sealed to the key named there.
 * @throws AffiantError ERR_AUTH_NOT_ATTESTED if the request is not released, or not to these trustees
 */
export function handOverShare(input: HandOverInput): Promise<Uint8Array> {
  const { seat, share, request, trusteePrivateKey, ephemeralSeed } = input;
  const fits = request.group === seat.group.group && request.generation === seat.generation;
  if (request.state !== released || !fits) {
    throw new AffiantError("ERR_AUTH_NOT_ATTESTED", "the contract has not released this share to anybody");
  }
  const recipientKey = fromHex(request.recipientKey, 32);
  return sealShare({ seat, share, recipientKey, senderPrivateKey: trusteePrivateKey, ephemeralSeed });
}

/** One share as it comes in: whose, under which commitments, and by whom sealed. */
export interface HandedShare {
  readonly seat: ShareSeat;
  readonly sealed: Uint8Array;
  readonly trusteeKey: Uint8Array;
}

export interface RecoverInput {
  readonly group: EscrowGroup;
  readonly epoch: bigint;
  readonly source: EscrowSource;
  /** The recovery's own sealed key of that epoch: the escrow's address is its holder. */
  readonly delivery: Delivery;
  readonly shares: readonly HandedShare[];
  readonly recipientPrivateKey: Uint8Array;
}

/**
 * Puts an epoch's key together again. Every share is checked against the commitments before it is used, and what comes out
 * against the commitment of the epoch: neither trustees nor dealer can pass off another key.
 * @throws AffiantError ERR_PROOF_SHARE naming a bad share, ERR_INPUT_SHARE if there are too few, ERR_PROOF_SEALED_KEY,
 *   ERR_PROOF_KEY_COMMITMENT
 */
export async function recoverKey(input: RecoverInput): Promise<EpochKey> {
  const { group, source, delivery, recipientPrivateKey } = input;
  const published = await source.epoch(input.epoch);
  const leaf = { holder: group.escrow, sealedHash: sealedHashOf(delivery.sealed) };
  if (!isUnderRoot(published.membersRoot, leaf, delivery.merkleProof)) {
    throw new AffiantError("ERR_PROOF_SEALED_KEY", "the recovery's sealed key is not the one committed to");
  }
  const shares = await Promise.all(
    input.shares.map(({ seat, sealed, trusteeKey }) =>
      openShare({ seat, sealed, recipientPrivateKey, senderKey: trusteeKey }),
    ),
  );
  const commitments = input.shares[0]?.seat.commitments ?? [];
  if (commitments.length === 0) throw new AffiantError("ERR_INPUT_SHARE", "there are no shares");
  const epoch = { ...group, epoch: input.epoch };
  const { keyCommitment, publisherKey } = published;
  const opened = await openKey({
    epoch,
    member: group.escrow,
    memberPrivateKey: recoveryPrivateKey(combine(shares, commitments)),
    publisherKey: fromHex(publisherKey, 32),
    keyCommitment,
    sealed: delivery.sealed,
  });
  const secret = unpackEpochKey(opened);
  if (secret && matchesCommitment(epoch, opened, keyCommitment)) return secret;
  throw new AffiantError("ERR_PROOF_KEY_COMMITMENT", "what was sealed for recovery is not the epoch's key");
}
