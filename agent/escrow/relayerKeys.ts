import { randomBytes } from "node:crypto";

import type { DeliverySource } from "./keyHolder.ts";
import type { Delivery } from "./receiveKey.ts";
import type { RelayerClient } from "../relayer/relayerClient.ts";
import { sealedKeyArgs, sealedKeyCommand } from "../../protocol/api/sealedKeys.ts";
import type { KeyDid } from "../../protocol/did/key.ts";
import { fromHex, type Hex, isHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { formatCall } from "../../protocol/ucan/callMessage.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import { issueInvocation } from "../../protocol/ucan/invocation.ts";

export interface RelayerKeysOptions {
  readonly relayer: RelayerClient;
  readonly group: EscrowGroup;
  /** Address of the member. */
  readonly member: string;
  /** The member's registered signing key. */
  readonly signer: Ed25519Signer;
  readonly signingKey: KeyDid;
  /** Unix seconds. */
  readonly nowSec: () => number;
  /** To fetch what was sealed for recovery, as the agent of a request that the contract released: its id. */
  readonly recoveryRequest?: Hex;
}

/** Fetches a member's sealed keys from the relayer, with a call under its signing key: nobody else is given them. */
export class RelayerKeys implements DeliverySource {
  readonly #options: RelayerKeysOptions;

  constructor(options: RelayerKeysOptions) {
    this.#options = options;
  }

  /**
   * What comes is not believed: `receiveKey` checks it against the chain.
   * @returns undefined if the relayer keeps no such key (yet)
   * @throws AffiantError ERR_AUTH_SIGNING_KEY, ERR_AUTH_NOT_ATTESTED, ERR_UNAVAILABLE_RELAYER
   */
  async fetch(_epoch: bigint, keyCommitment: Hex): Promise<Delivery | undefined> {
    const { relayer, group: place, member, signer, signingKey, nowSec, recoveryRequest } = this.#options;
    const { group } = place;
    const holder = recoveryRequest ?? member.toLowerCase();
    const terms = {
      subject: signingKey,
      command: sealedKeyCommand,
      args: sealedKeyArgs({ ...place, keyCommitment, holder }),
      proofs: [],
      nonce: randomBytes(12),
      expiresAtSec: nowSec() + 60,
    };
    const call = formatCall(await issueInvocation(terms, signer), []);
    const whose = recoveryRequest ? `recovery/${recoveryRequest}` : holder;
    try {
      const { sealed, merkleProof } = await relayer.readSealedKey(group, keyCommitment, whose, call);
      if (typeof sealed === "string" && /^0x[0-9a-f]*$/.test(sealed) && merkleProof.every((node) => isHex(node, 32))) {
        return { sealed: fromHex(sealed), merkleProof };
      }
    } catch (error) {
      if (isAffiantError(error, "ERR_NOT_FOUND_SEALED_KEY")) return undefined;
      throw error;
    }
    throw new AffiantError("ERR_INPUT_SEALED_KEY", "the relayer's answer is no sealed key");
  }
}
