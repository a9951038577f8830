import type { Signer } from "ethers";

import type { DeliveryStore, SealedKeySet } from "./publisher.ts";
import type { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { maxSealedKeys, type SealedKeyOf, sealedKeysTypes } from "../../protocol/api/sealedKeys.ts";
import { keyEscrowDomain } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";

export interface RelayerDeliveriesOptions {
  readonly relayer: RelayerClient;
  /** Account that may publish the group's epochs. */
  readonly signer: Signer;
  readonly group: EscrowGroup;
  /** Unix seconds. */
  readonly nowSec: () => number;
}

/** Leaves sealed keys with the relayer, in parts; a part that was taken before is taken again as the same. */
export class RelayerDeliveries implements DeliveryStore {
  readonly #options: RelayerDeliveriesOptions;

  constructor(options: RelayerDeliveriesOptions) {
    this.#options = options;
  }

  /** @throws AffiantError ERR_AUTH_PUBLISHER, ERR_UNAVAILABLE_RELAYER */
  async put({ epoch, keyCommitment, membersRoot, deliveries }: SealedKeySet): Promise<void> {
    const { relayer, signer, group: place, nowSec } = this.#options;
    const { chainId, escrow, group } = place;
    const deadlineSec = nowSec() + 240;
    const message = { group, epoch, membersRoot, keyCommitment, deadline: deadlineSec };
    const types = signerTypes(sealedKeysTypes, "DeliverKeys");
    const signature = (await signer.signTypedData(keyEscrowDomain(chainId, escrow), types, message)) as Hex;
    const publisher = (await signer.getAddress()).toLowerCase() as Hex;
    const keys = [...deliveries].map(([holder, { sealed, merkleProof }]): SealedKeyOf => {
      return { holder: holder.toLowerCase() as Hex, sealed: toHex(sealed), merkleProof };
    });
    for (let from = 0; from < keys.length; from += maxSealedKeys) {
      const part = keys.slice(from, from + maxSealedKeys);
      const upload = { epoch: Number(epoch), membersRoot, keys: part, publisher, deadlineSec, signature };
      await relayer.putSealedKeys(group, keyCommitment, upload);
    }
  }
}
