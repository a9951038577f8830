import { sha256 } from "@noble/hashes/sha2.js";
import { Interface, keccak256, type Signer } from "ethers";

import { keyEscrowDomain, keyEscrowTypes } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes, typedDataDigest } from "../../protocol/eip712/typedData.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { EscrowEpoch } from "../../protocol/escrow/ids.ts";
import { misdeliveryBytes, type MisdeliveryProof } from "../../protocol/escrow/misdelivery.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";

/** A call of the KeyEscrow that anyone may carry. */
export interface CarriedCall {
  readonly target: string;
  readonly data: Hex;
  /** The digest that the chain itself accepts once. */
  readonly idempotencyKey: Hex;
}

/** Who signs, and until when the call may be mined (Unix seconds, by the chain's clock). */
export interface EscrowSigning {
  /** The owner of the agent. */
  readonly signer: Signer;
  readonly agent: string;
  readonly epoch: EscrowEpoch;
  readonly deadline: bigint;
  /** Next nonce of the agent in `escrowLane`. */
  readonly nonce: bigint;
}

/** The nonces of an agent's words to the KeyEscrow form a lane of their own (OpenZeppelin NoncesKeyed, 192 bits). */
export const escrowLane = BigInt(keccak256(utf8("affiant:key-escrow"))) >> 64n;

const abi = new Interface(keyEscrowAbi);

/** "I hold the key that is committed to." */
export async function signAcknowledge(signing: EscrowSigning, keyCommitment: Hex): Promise<CarriedCall> {
  const { agent, epoch, nonce, deadline } = signing;
  const message = { agent, group: epoch.group, epoch: epoch.epoch, keyCommitment, nonce, deadline };
  const signed = await sign(signing, "Acknowledge", message);
  return call(signing, signed, "acknowledgeSigned", [...Object.values(message), signed.signature]);
}

/** "Under your root stands something else." The proof itself goes to whoever asks for it; its hash goes on chain. */
export async function signMisdelivery(
  signing: EscrowSigning,
  sealedKeyHash: Hex,
  merkleProof: readonly Hex[],
  proof: MisdeliveryProof,
): Promise<CarriedCall> {
  const { agent, epoch, nonce, deadline } = signing;
  const proofHash = toHex(sha256(misdeliveryBytes(proof)));
  const message = { agent, group: epoch.group, epoch: epoch.epoch, sealedKeyHash, proofHash, nonce, deadline };
  const signed = await sign(signing, "ReportMisdelivery", message);
  const words = [agent, epoch.group, epoch.epoch, sealedKeyHash, merkleProof, proofHash];
  return call(signing, signed, "reportMisdeliverySigned", [...words, nonce, deadline, signed.signature]);
}

/** "Give me the key of this epoch, sealed to this fresh key." */
export async function signRecoveryRequest(signing: EscrowSigning, recipientKey: Hex): Promise<CarriedCall> {
  const { agent, epoch, nonce, deadline } = signing;
  const message = { agent, group: epoch.group, epoch: epoch.epoch, recipientKey, nonce, deadline };
  const signed = await sign(signing, "RequestRecovery", message);
  return call(signing, signed, "requestRecoverySigned", [...Object.values(message), signed.signature]);
}

interface Signed {
  readonly signature: string;
  readonly idempotencyKey: Hex;
}

async function sign(
  { signer, epoch }: EscrowSigning,
  name: keyof typeof keyEscrowTypes,
  message: Record<string, unknown>,
): Promise<Signed> {
  const domain = keyEscrowDomain(epoch.chainId, epoch.escrow);
  return {
    signature: await signer.signTypedData(domain, signerTypes(keyEscrowTypes, name), message),
    idempotencyKey: typedDataDigest(domain, keyEscrowTypes, name, message),
  };
}

function call(
  { epoch }: EscrowSigning,
  { idempotencyKey }: Signed,
  name: string,
  args: readonly unknown[],
): CarriedCall {
  return { target: epoch.escrow, data: abi.encodeFunctionData(name, args) as Hex, idempotencyKey };
}
