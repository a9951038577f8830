import type { Rpc } from "./chain/rpc.ts";
import type { CommittedPolicy, Registries } from "./chain/registries.ts";
import {
  type CardNames,
  cardPurpose,
  keyOwnershipPurpose,
  keyOwnershipSubmissionOf,
  revokePurpose,
  signCommit,
  signKeyOwnership,
  signRegister,
  signRevoke,
  signSetCard,
} from "./chain/signedCalls.ts";
import { GroupMember, type MemberAgent, type MembershipOptions } from "./channel/groupMember.ts";
import { type DisclosureGrant, eraseDisclosures, grantDisclosures } from "./disclosures/disclosureCalls.ts";
import { type RecordedAct, Recorder, type RecorderSettings } from "./entry/recorder.ts";
import type { Act } from "./entry/signEntry.ts";
import { escrowLane } from "./escrow/escrowCalls.ts";
import { RelayerKeys } from "./escrow/relayerKeys.ts";
import type { Journal, PendingCall } from "./journal/journal.ts";
import { recoverEntries } from "./journal/recover.ts";
import type { AgentKeys } from "./keys/keystore.ts";
import { BundlesInForce } from "./policy/bundlesInForce.ts";
import { carryCall } from "./relayer/carryCall.ts";
import type { Outbox } from "./relayer/outbox.ts";
import type { RelayerClient } from "./relayer/relayerClient.ts";
import type { RequestStatus } from "../protocol/api/types.ts";
import type { Deployment } from "../protocol/deployment.ts";
import type { EthrDid } from "../protocol/did/ethr.ts";
import type { KeyDid } from "../protocol/did/key.ts";
import type { Hex } from "../protocol/encoding/hex.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { policyHashOf } from "../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../protocol/policy/types.ts";
import type { Delegation } from "../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../protocol/ucan/envelope.ts";
import { commitmentOf } from "../protocol/zk/identityKey.ts";

/** For how long after the newest block a word to the KeyEscrow may be mined. */
const escrowValiditySec = 3600;

/** A zero-knowledge identity that is bound to the agent on chain. */
export interface ProvedIdentity {
  /** Poseidon of the public key. */
  readonly commitment: bigint;
  readonly blockNumber?: number;
  readonly gasUsed?: number;
  /** False if it was bound before: nothing was proved or sent. */
  readonly added: boolean;
}

export interface AgentSettings extends RecorderSettings {
  readonly mineTimeoutMs: number;
  /** Folder of the circuits' keys that the deployment's verifiers belong to: the development ones of this checkout unless given. */
  readonly circuitKeysDir?: string | undefined;
}

/** Everything an agent is made of; `openAgent` puts it together. */
export interface AgentParts {
  readonly keys: AgentKeys;
  /** Private key of the zero-knowledge identity, made at the first call. */
  readonly zkKey: () => Promise<bigint>;
  readonly deployment: Deployment;
  readonly journal: Journal;
  readonly relayer: RelayerClient;
  readonly registries: Registries;
  readonly rpc: Rpc;
  readonly outbox: Outbox;
  /** The agent's folder. */
  readonly folder: string;
  readonly settings: AgentSettings;
}

/**
 * An agent that puts its acts on record. Whatever it records is signed and on its own disk first and then in the
 * relayer's log; a process that dies in between goes on with the same bytes.
 */
export class Agent {
  readonly name: string;
  readonly did: EthrDid;
  /** EIP-55. */
  readonly address: string;
  readonly signingKey: KeyDid;
  readonly relayer: RelayerClient;
  readonly journal: Journal;
  /** What of the agent is on this disk: keys, journal, claims. */
  readonly folder: string;
  readonly #parts: AgentParts;
  readonly #recorder: Recorder;
  readonly #bundles: BundlesInForce;
  readonly #atClose: (() => void)[] = [];

  constructor(parts: AgentParts) {
    const { facts } = parts.keys;
    this.name = facts.name;
    this.did = facts.did;
    this.address = facts.address;
    this.signingKey = facts.signingKey;
    this.relayer = parts.relayer;
    this.journal = parts.journal;
    this.folder = parts.folder;
    this.#parts = parts;
    this.#bundles = new BundlesInForce(parts.relayer);
    this.#recorder = new Recorder({ ...parts, chainId: parts.deployment.chainId });
  }

  /** The last entry this agent signed; null before the first. */
  get head(): { readonly seq: number; readonly entryId: Hex } | null {
    const head = this.journal.head();
    return head && { seq: head.seq, entryId: head.entryId };
  }

  /**
   * Registers the agent with its signing key, unless it is. The relayer pays.
   * @throws AffiantError ERR_PROOF_REVERTED, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async register(): Promise<{ readonly added: boolean }> {
    const { keys, registries } = this.#parts;
    if (await registries.isSigningKey(this.address, keys.signing.publicKey)) {
      this.journal.forgetPendingCall("register");
      return { added: false };
    }
    await this.#carry("register", () => signRegister(this.#signing(), keys.signing.publicKey));
    return { added: true };
  }

  /**
   * Puts a policy in force, unless it is, and leaves the bundle with the relayer for whoever judges the acts.
   * @throws AffiantError ERR_PROOF_REVERTED, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async commitPolicy(bundle: PolicyBundle): Promise<CommittedPolicy & { readonly added: boolean }> {
    const policyHash = policyHashOf(bundle);
    const before = await this.policy();
    const purpose = `commit:${policyHash}`;
    this.#bundles.learn(policyHash, bundle);
    // Left when it is committed to: a relayer keeps no other. Left out by a crash, it is left the next time.
    const leave = () => this.relayer.putPolicy(policyHash, bundle, this.address);
    if (before?.policyHash === policyHash) {
      this.journal.forgetPendingCall(purpose);
      await leave();
      return { ...before, added: false };
    }
    const { blockNumber } = await this.#carry(purpose, () => signCommit(this.#signing(), policyHash));
    await leave();
    const after = await this.policy();
    if (after?.policyHash === policyHash) return { ...after, added: true };
    // Another endpoint than the relayer's may be behind: what the relayer saw mined is what there is.
    return { policyHash, version: (before?.version ?? 0) + 1, sinceBlock: blockNumber ?? 0, added: true };
  }

  /**
   * Binds a zero-knowledge identity to the agent, unless it is bound: proves that the agent holds its key, which is made at
   * the first call. The relayer checks the proof and pays.
   * @throws AffiantError ERR_CONFLICT_ZK_KEY if the chain names another key than the one in the agent's folder;
   * ERR_INPUT_ARTIFACT, ERR_AUTH_PASSPHRASE, ERR_PROOF_REVERTED, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async proveKeyOwnership(): Promise<ProvedIdentity> {
    const { registries, zkKey, relayer } = this.#parts;
    const privateKey = await zkKey();
    const commitment = commitmentOf(privateKey);
    const purpose = keyOwnershipPurpose(commitment);
    const bound = await registries.commitmentOf(this.address);
    if (bound?.commitment === commitment) {
      this.journal.forgetPendingCall(purpose);
      return { commitment, blockNumber: bound.blockNumber, added: false };
    }
    if (bound) {
      throw new AffiantError("ERR_CONFLICT_ZK_KEY", "the chain names another key than the one in the agent's folder", {
        hint: "Restore zk.key.json from a backup.",
        details: { expected: String(bound.commitment), found: String(commitment) },
      });
    }
    const send = (call: PendingCall) => relayer.proveKeyOwnership(keyOwnershipSubmissionOf(call));
    const { blockNumber, gasUsed } = await this.#carry(
      purpose,
      () => signKeyOwnership(this.#signing(), privateKey, this.#parts.settings.circuitKeysDir),
      send,
    );
    return { commitment, blockNumber, gasUsed, added: true };
  }

  /**
   * Publishes the agent's card, unless the chain names it already. The relayer pays.
   * @throws AffiantError ERR_PROOF_REVERTED, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async publishCard(card: CardNames): Promise<{ readonly added: boolean }> {
    const known = await this.#parts.registries.cardOf(this.address);
    if (known && cardPurpose(known) === cardPurpose(card)) {
      this.journal.forgetPendingCall(cardPurpose(card));
      return { added: false };
    }
    await this.#carry(cardPurpose(card), () => signSetCard(this.#signing(), card));
    return { added: true };
  }

  /** Signs contracts, calls and whatever else speaks in the agent's name under its signing key. */
  get signer(): Ed25519Signer {
    return this.#parts.keys.signing;
  }

  /**
   * Revokes contracts on chain: those this agent issued, and any beneath them. The relayer pays.
   * @param contractIds SHA-256 in the contracts' CIDs (`contractIdOf`)
   * @returns whether there was anything left to revoke
   * @throws AffiantError ERR_PROOF_REVERTED, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async revokeContracts(contractIds: readonly Hex[]): Promise<{ readonly added: boolean }> {
    const { registries } = this.#parts;
    const known = await Promise.all(contractIds.map((id) => registries.revokedAtBlock(this.address, id)));
    const left = contractIds.filter((_, i) => known[i] === undefined);
    if (left.length === 0) return { added: false };
    await this.#carry(revokePurpose(left), () => signRevoke(this.#signing(), left));
    return { added: true };
  }

  /**
   * Takes part in a group whose keys the KeyEscrow keeps: the agent's keys come through the relayer, and it acknowledges
   * them on chain. Close what comes back.
   */
  joinGroup(options: Omit<MembershipOptions, "group"> & { readonly group: Hex }): GroupMember {
    const { deployment, rpc, keys, settings } = this.#parts;
    const escrow = deployment.contracts.keyEscrow.address;
    const group = { chainId: BigInt(deployment.chainId), escrow, group: options.group };
    const { signer, signingKey, relayer, address: member } = this;
    const deliveries = new RelayerKeys({ relayer, group, member, signer, signingKey, nowSec: settings.nowSec });
    const tellEscrow: MemberAgent["tellEscrow"] = (purpose, epoch, sign) =>
      this.#carry(purpose, async () => {
        const { registries } = this.#parts;
        const nonce = await registries.nonce("keyEscrow", member, escrowLane);
        const validUntilSec = (await registries.timestampSec()) + escrowValiditySec;
        const call = await sign({ signer: keys.account, agent: member, epoch, nonce, deadline: BigInt(validUntilSec) });
        return { ...call, purpose, validUntilSec };
      });
    return new GroupMember({ address: member, provider: rpc.provider, deliveries, tellEscrow }, { ...options, group });
  }

  /** The policy in force; null if the agent has committed to none. */
  policy(): Promise<CommittedPolicy | null> {
    return this.#parts.registries.policyOf(this.address);
  }

  /**
   * The bundle that a new entry would be made under: the chain says which, and one that is not known here comes from the relayer
   * and must have its hash.
   * @throws AffiantError ERR_CONFLICT_NO_POLICY, ERR_PROOF_POLICY, ERR_NOT_FOUND_POLICY, ERR_UNAVAILABLE_RELAYER, ERR_UNAVAILABLE_CHAIN
   */
  async bundleInForce(): Promise<PolicyBundle> {
    return this.#bundles.bundle(await this.#recorder.policyHash());
  }

  /**
   * Puts an act on record and waits for the relayer's receipt, which is verified.
   * @throws AffiantError ERR_CONFLICT_JOURNAL_BEHIND, ERR_CONFLICT_JOURNAL_FORKED before anything is signed;
   * ERR_UNAVAILABLE_RELAYER once it is signed and stored: it is sent again with the next act, or by `flush()`
   */
  async record(act: Act): Promise<RecordedAct> {
    const [recorded] = await this.recordMany([act]);
    return recorded as RecordedAct;
  }

  /**
   * Signs an act and stores it: it is on this machine's disk when this resolves, and on its way to the relayer. For
   * agents that must answer quickly. A relayer that is away does not hold them up; `flush()` says when all has arrived.
   * @throws AffiantError as `record`, before anything is signed
   */
  enter(act: Act): Promise<{ readonly seq: number; readonly entryId: Hex; readonly added: boolean }> {
    return this.#recorder.enter(act);
  }

  /**
   * Whether an entry could be made now: for who must not act unless it can be put on record.
   * @throws AffiantError as {@link enter}
   */
  ready(): Promise<void> {
    return this.#recorder.ready();
  }

  /**
   * A sign of life: shows that silence was not the reason for an absent entry.
   * @param everyBlocks promises the next entry within so many blocks, and so on until another heartbeat says otherwise; 0
   * promises nothing more, for an agent that is about to stop. {@link startHeartbeats} keeps the promise.
   */
  heartbeat(everyBlocks?: number): Promise<RecordedAct> {
    return this.record({ act: "heartbeat", kind: "heartbeat", ...(everyBlocks === undefined ? {} : { everyBlocks }) });
  }

  /** Block that a new entry names as its not-before block, read anew. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
  notBeforeBlock(): Promise<number> {
    return this.#recorder.notBeforeBlock();
  }

  /**
   * Puts many acts on record, in order. For more than fit in memory: {@link recordEach}.
   * @throws AffiantError as {@link record}
   */
  async recordMany(acts: Iterable<Act> | AsyncIterable<Act>): Promise<readonly RecordedAct[]> {
    const recorded: RecordedAct[] = [];
    for await (const act of this.recordEach(acts)) recorded.push(act);
    return recorded;
  }

  /**
   * Puts acts on record as they come, a batch at a time, and gives each receipt as it is there. While a batch is on its
   * way the next one is signed; no more than two are held.
   * @throws AffiantError as {@link record}
   */
  recordEach(acts: Iterable<Act> | AsyncIterable<Act>): AsyncGenerator<RecordedAct> {
    return this.#recorder.recordEach(acts);
  }

  /** Sends what was signed earlier and not acknowledged. @returns how many entries */
  flush(): Promise<number> {
    return this.#recorder.flush();
  }

  /**
   * Reads entries that the journal lacks back from the relayer, checking signatures and order. Their payloads are gone:
   * only this agent had them.
   * @returns how many entries
   */
  async recover(): Promise<number> {
    const ownKeys = await this.#parts.registries.signingKeysOf(this.address);
    const count = await recoverEntries(this.journal, this.relayer, this.did, ownKeys);
    this.#recorder.forgetReconciled();
    await this.flush();
    return count;
  }

  /** Lets somebody read payloads that this agent left with the relayer: a contract to hand to the reader. */
  grantDisclosures(grant: DisclosureGrant): Promise<Delegation> {
    return grantDisclosures(grant, this.did, this.#parts.keys.signing);
  }

  /**
   * Has the relayer erase the payloads of an entry. They stay in this agent's own journal.
   * @returns false if it kept none
   * @throws AffiantError ERR_NOT_FOUND_ENTRY, ERR_AUTH_SIGNING_KEY, ERR_UNAVAILABLE_RELAYER
   */
  eraseDisclosures(entryId: Hex): Promise<boolean> {
    const { keys, settings } = this.#parts;
    const caller = { relayer: this.relayer, signer: keys.signing, subject: this.signingKey, nowSec: settings.nowSec() };
    return eraseDisclosures(caller, entryId);
  }

  /** Has something end with the agent, before its journal is closed. */
  onClose(end: () => void): void {
    this.#atClose.push(end);
  }

  /** Releases the journal and the connections. Nothing is lost: what was not sent yet is sent next time. */
  close(): void {
    for (const end of this.#atClose.splice(0)) end();
    this.journal.close();
    this.#parts.rpc.close();
  }

  #signing() {
    const { keys, deployment, registries } = this.#parts;
    return { account: keys.account, deployment, registries };
  }

  async #carry(
    purpose: string,
    sign: () => Promise<PendingCall>,
    send?: (call: PendingCall) => Promise<{ readonly id: string }>,
  ): Promise<RequestStatus> {
    const { journal, relayer, registries, settings } = this.#parts;
    const nowSec = await registries.timestampSec();
    this.#recorder.forgetStanding();
    return carryCall(purpose, sign, { journal, relayer, send, nowSec, mineTimeoutMs: settings.mineTimeoutMs });
  }
}
