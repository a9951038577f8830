import { getAddress, verifyTypedData } from "ethers";

import {
  type SealedKeyAnswer,
  sealedKeyArgs,
  sealedKeyCommand,
  type SealedKeysUpload,
  sealedKeysTypes,
} from "../../protocol/api/sealedKeys.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { keyEscrowDomain } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { parseSealed, sealedHashOf } from "../../protocol/escrow/sealedKey.ts";
import { isUnderRoot } from "../../protocol/escrow/sealedTree.ts";
import type { AgentAccess } from "../access/agentAccess.ts";
import type { ContractReader } from "../chain/contracts.ts";
import type { SealedKeyStore } from "../store/sealedKeyStore.ts";

export interface SealedKeysOptions {
  readonly place: { readonly chainId: bigint; readonly escrow: string };
  readonly keyEscrow: ContractReader;
  readonly accessManager: ContractReader;
  readonly store: SealedKeyStore;
  readonly access: AgentAccess;
  /** Unix seconds. */
  readonly nowSec: () => number;
}

/** Whose key: a draft's commitment, and the address it is sealed to. */
export interface KeyName {
  readonly group: Hex;
  readonly keyCommitment: Hex;
}

const clockSkewSec = 5;
const maxLifetimeSec = 300;
/** `RecoveryState.Released` of IKeyEscrow. */
const released = 3n;

/**
 * Keeps sealed keys between the publisher, who leaves them before it publishes their epoch, and the members. The relayer
 * can withhold a key, not change one: each is under the root on chain, and opens for its holder alone.
 */
export class SealedKeys {
  readonly #options: SealedKeysOptions;

  constructor(options: SealedKeysOptions) {
    this.#options = options;
  }

  /**
   * Takes keys from an account that may publish epochs. Sent again, they are the same keys.
   * @returns how many were new
   * @throws AffiantError ERR_AUTH_DEADLINE, ERR_AUTH_PUBLISHER, ERR_PROOF_SIGNATURE, ERR_INPUT_SEALED_KEY,
   *   ERR_PROOF_SEALED_KEY if one is not under the root, ERR_CONFLICT_SEALED_KEY, ERR_UNAVAILABLE_STORAGE,
   *   ERR_UNAVAILABLE_CHAIN
   */
  async put({ group, keyCommitment }: KeyName, upload: SealedKeysUpload): Promise<number> {
    const { epoch, membersRoot, keys } = upload;
    this.#checkSignature({ group, keyCommitment }, upload);
    for (const { holder, sealed, merkleProof } of keys) {
      const bytes = fromHex(sealed);
      parseSealed(bytes);
      if (!isUnderRoot(membersRoot, { holder, sealedHash: sealedHashOf(bytes) }, merkleProof)) {
        throw new AffiantError("ERR_PROOF_SEALED_KEY", `the key of ${holder} is not under the root`, {
          details: { holder },
        });
      }
    }
    await this.#checkPublisher(upload.publisher);
    return this.#options.store.put(
      keys.map(({ holder, sealed, merkleProof }) => ({
        group: fromHex(group, 32),
        keyCommitment: fromHex(keyCommitment, 32),
        holder: fromHex(holder, 20),
        epoch,
        membersRoot: fromHex(membersRoot, 32),
        sealed: fromHex(sealed),
        merkleProof: Buffer.concat(merkleProof.map((node) => fromHex(node, 32))),
      })),
    );
  }

  /**
   * Gives a member its own sealed key.
   * @param call body of the request, of unknown form: a UCAN invocation under the member's signing key
   * @throws AffiantError ERR_NOT_FOUND_SEALED_KEY, and as `AgentAccess.check`
   */
  async read(name: KeyName, holder: Hex, call: unknown): Promise<SealedKeyAnswer> {
    await this.#admit(name, holder, holder, call);
    return this.#stored(name, holder);
  }

  /**
   * Gives who recovers an epoch the key that was sealed for recovery, once the contract has released the request.
   * @throws AffiantError ERR_AUTH_NOT_ATTESTED unless it is released, for a key of this epoch; else as {@link read}
   */
  async readForRecovery(name: KeyName, requestId: Hex, call: unknown): Promise<SealedKeyAnswer> {
    const { keyEscrow, place } = this.#options;
    const [request] = (await keyEscrow.read("recoveryOf", [requestId])) as [
      { state: bigint; agent: string; group: string; epoch: bigint },
    ];
    await this.#admit(name, requestId, request.agent, call);
    const stored = this.#stored(name, place.escrow.toLowerCase() as Hex);
    if (request.state !== released || request.group !== name.group || request.epoch !== BigInt(stored.epoch)) {
      throw new AffiantError("ERR_AUTH_NOT_ATTESTED", "the contract has released no request for this key");
    }
    return stored;
  }

  #checkSignature({ group, keyCommitment }: KeyName, upload: SealedKeysUpload): void {
    const { place, nowSec } = this.#options;
    const { epoch, membersRoot, deadlineSec: deadline, signature, publisher } = upload;
    const now = nowSec();
    if (deadline < now - clockSkewSec || deadline > now + maxLifetimeSec + clockSkewSec) {
      throw new AffiantError("ERR_AUTH_DEADLINE", `the deadline is past, or more than ${maxLifetimeSec} seconds away`);
    }
    const message = { group, epoch, membersRoot, keyCommitment, deadline };
    const domain = keyEscrowDomain(place.chainId, place.escrow);
    let signer: string;
    try {
      signer = verifyTypedData(domain, signerTypes(sealedKeysTypes, "DeliverKeys"), message, signature);
    } catch (cause) {
      throw new AffiantError("ERR_PROOF_SIGNATURE", "not a signature of an account", { cause });
    }
    if (signer !== getAddress(publisher)) {
      throw new AffiantError("ERR_PROOF_SIGNATURE", "the signature is not the publisher's, for these keys");
    }
  }

  /** The contract's own rule of who publishes. A role that is held with a delay is held. */
  async #checkPublisher(publisher: string): Promise<void> {
    const { keyEscrow, accessManager } = this.#options;
    const selector = keyEscrow.abi.getFunction("publishEpoch")?.selector;
    const [immediate, delay] = await accessManager.read("canCall", [publisher, keyEscrow.address, selector]);
    if (immediate !== true && delay === 0n) {
      throw new AffiantError("ERR_AUTH_PUBLISHER", `${publisher} may not publish epochs`);
    }
  }

  async #admit(name: KeyName, holder: string, agent: string, call: unknown): Promise<void> {
    const { place, access } = this.#options;
    const args = sealedKeyArgs({ ...place, ...name, holder });
    await access.check(call, { command: sealedKeyCommand, args, owner: formatEthrDid(place.chainId, agent) });
  }

  #stored({ group, keyCommitment }: KeyName, holder: Hex): SealedKeyAnswer {
    const place = { group: fromHex(group, 32), keyCommitment: fromHex(keyCommitment, 32), holder: fromHex(holder, 20) };
    const found = this.#options.store.get(place);
    if (!found) throw new AffiantError("ERR_NOT_FOUND_SEALED_KEY", "no key of this commitment and holder is kept here");
    const { epoch, membersRoot, sealed, merkleProof } = found;
    const nodes = Array.from({ length: merkleProof.length / 32 }, (_, i) =>
      toHex(merkleProof.slice(32 * i, 32 * i + 32)),
    );
    return { epoch, membersRoot: toHex(membersRoot), sealed: toHex(sealed), merkleProof: nodes };
  }
}
