import { randomBytes } from "node:crypto";

import type { RelayerClient } from "../relayer/relayerClient.ts";
import {
  disclosureCall,
  type DisclosureCommand,
  disclosureCommands,
  onlyEntries,
} from "../../protocol/api/disclosures.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import type { KeyDid } from "../../protocol/did/key.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { type CallMessage, formatCall } from "../../protocol/ucan/callMessage.ts";
import { type Delegation, issueDelegation } from "../../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import { issueInvocation } from "../../protocol/ucan/invocation.ts";

export interface DisclosureGrant {
  /** Who may read. */
  readonly audience: KeyDid;
  /** Unix seconds. Give one: a relayer stops then by itself. Earlier it is called back with the ContractRegistry. */
  readonly expiresAtSec: number | null;
  /** Default: those of all the agent's entries. */
  readonly entryIds?: readonly Hex[];
}

/**
 * Lets somebody read the disclosures that an agent left with its relayer: a scoped contract (UCAN delegation) for
 * `/disclosure/read`, to be handed to the reader.
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function grantDisclosures(grant: DisclosureGrant, agent: EthrDid, signer: Ed25519Signer): Promise<Delegation> {
  const { audience, expiresAtSec, entryIds } = grant;
  const policy = entryIds ? onlyEntries(entryIds) : [];
  const command = disclosureCommands.read;
  return issueDelegation({ audience, command, policy, nonce: randomBytes(12), expiresAtSec, agent }, signer);
}

export interface DisclosureCaller {
  readonly relayer: RelayerClient;
  readonly signer: Ed25519Signer;
  /** Signing key of the agent whose entry it is. */
  readonly subject: KeyDid;
  /** From the agent's own contract to the one made out to the caller; empty where the agent calls. */
  readonly chain?: readonly Delegation[];
  /** Unix seconds. */
  readonly nowSec: number;
}

/** @throws AffiantError ERR_AUTH_CONTRACT_*, ERR_NOT_FOUND_DISCLOSURE, ERR_UNAVAILABLE_RELAYER. Check what comes against the entry. */
export async function readDisclosures(caller: DisclosureCaller, entryId: Hex): Promise<readonly string[]> {
  return caller.relayer.readDisclosures(entryId, await signedCall("read", caller, entryId));
}

/** @returns false if nothing was kept there. @throws AffiantError ERR_AUTH_CONTRACT_*, ERR_UNAVAILABLE_RELAYER */
export async function eraseDisclosures(caller: DisclosureCaller, entryId: Hex): Promise<boolean> {
  return caller.relayer.eraseDisclosures(entryId, await signedCall("erase", caller, entryId));
}

async function signedCall(command: DisclosureCommand, caller: DisclosureCaller, entryId: Hex): Promise<CallMessage> {
  const { relayer, signer, subject, chain = [], nowSec } = caller;
  const { logId } = await relayer.log();
  const terms = {
    ...disclosureCall(command, { subject, logId, entryId }),
    proofs: chain.map(({ envelope }) => envelope.cid),
    nonce: randomBytes(12),
    expiresAtSec: nowSec + 60,
  };
  return formatCall(await issueInvocation(terms, signer), chain);
}
