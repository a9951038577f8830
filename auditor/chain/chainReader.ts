import type { AssuranceTier, AttestationStatus } from "../../protocol/attestation/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/** Two statements about one log that cannot both be true, as the contract recorded them. */
export interface ProvenEquivocation {
  /** Who signed them; one of the two is missing where a statement contradicted an anchor. */
  readonly signers: readonly { readonly operator: Hex; readonly size: number }[];
  /** Block of the report. */
  readonly blockNumber: number;
}

export interface RegisteredLog {
  /** Every account that operated the log, oldest first, 20 bytes of lower-case hex each; the last one does now. */
  readonly operators: readonly Hex[];
  /** The anchored size from which on each of them did. Absent from readers of contracts that do not say. */
  readonly handoverSizes?: readonly number[];
  /** Every Ed25519 key that signed the log's checkpoints, oldest first, 32 bytes each; the last one signs now. */
  readonly noteKeys: readonly Hex[];
  readonly origin: string;
  /** How often it was proved that the log signed two histories. */
  readonly equivocationCount: number;
  /** The first of these proofs: anyone who holds two statements may report them, so a reader asks for a few. */
  readonly equivocations?: readonly ProvenEquivocation[];
}

export interface Anchor {
  /** Number of leaves under `root`. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Hex;
  readonly blockNumber: number;
}

export interface PolicyVersion {
  /** 32 bytes. */
  readonly policyHash: Hex;
  /** Counts from 1. */
  readonly version: number;
  readonly sinceBlock: number;
}

/** How an agent stood in the attestation registry at the end of a block. */
export interface AttestationAt {
  readonly status: AttestationStatus;
  readonly tier: AssuranceTier;
  /** Of the agent's reference, from 1; 0 if it was never enrolled. */
  readonly version: number;
  /** Block of the record that made it so. */
  readonly sinceBlock: number;
  /** First block in which trust is over; 0 unless it was verified. */
  readonly expiresAtBlock: number;
  /** Index of that record. */
  readonly recordIndex: number;
}

/** One epoch of a group, as the KeyEscrow keeps it. */
export interface GroupEpoch {
  readonly keyCommitment: Hex;
  readonly publishedAtBlock: number;
  /** Block of the next epoch; null if this is the last one. */
  readonly nextPublishedAtBlock: number | null;
  /** For how long it is listened to after the next was published: as set now, history of it is not kept. */
  readonly graceBlocks: number;
  /** Who was given the key. */
  readonly holders: readonly Hex[];
  /** The registry by which the escrow decided who is attested. */
  readonly attestationRegistry: Hex;
}

/**
 * What the auditor asks a chain, all as of one block. `null` is an answer: the contract itself says that it knows no such
 * thing. Whatever is no word of a contract (a limit, lost state, a contract that answers as none of ours does) throws
 * AffiantError ERR_UNAVAILABLE_CHAIN, with `details.away` if the endpoint answers nothing at all any more. Where null can
 * only make a verdict worse, it also stands for an address without code, or with other code.
 * Callers may ask the same thing often: implementations remember. Addresses are 20 bytes of lower-case hex.
 */
export interface ChainReader {
  chainId(): Promise<number>;
  /** The block as of which everything is answered. */
  head(): Promise<{ readonly blockNumber: number; readonly blockHash: Hex }>;
  /** Whether that block still is the chain's, asked anew; absent from readers whose chain cannot change. */
  isHeadThere?(): Promise<boolean>;
  /** Null above the head; every block up to it is there. */
  blockHash(blockNumber: number): Promise<Hex | null>;
  /** When a block was made by its own header, Unix seconds: the chain's consensus holds it near the true time. */
  blockTimeSec(blockNumber: number): Promise<number | null>;
  /** keccak-256 of the code at the address. */
  codeHash(address: Hex): Promise<Hex | null>;
  /** Where an ERC-1967 proxy at the address delegates to; null where there is none. */
  implementationOf(address: Hex): Promise<Hex | null>;
  /** The registry of agents that another registry (of policies, of contracts) believes. */
  agentRegistryOf(registry: Hex): Promise<Hex | null>;
  logOf(logAnchor: Hex, logId: Hex): Promise<RegisteredLog | null>;
  anchorAt(logAnchor: Hex, logId: Hex, index: number): Promise<Anchor | null>;
  /** Every anchor in a block, recorded or not, as the contract's events there tell. */
  anchoredIn(logAnchor: Hex, logId: Hex, blockNumber: number): Promise<readonly Anchor[]>;
  /** Index of the first record whose size is greater than the leaf's index. */
  firstAnchorCovering(logAnchor: Hex, logId: Hex, leafIndex: number): Promise<number | null>;
  signingKeyValidAt(agentRegistry: Hex, agent: Hex, signingKey: Hex, blockNumber: number): Promise<boolean | null>;
  /** As of the head. */
  isActive(agentRegistry: Hex, agent: Hex): Promise<boolean | null>;
  /** The block in which the agent revoked a scoped contract; null if it did not. */
  revokedAtBlock(contractRegistry: Hex, agent: Hex, contractId: Hex): Promise<number | null>;
  policyInForce(policyRegistry: Hex, agent: Hex, blockNumber: number): Promise<PolicyVersion | null>;
  /** Absent from readers that know nothing of attestation. */
  attestationAt?(attestationRegistry: Hex, agent: Hex, blockNumber: number): Promise<AttestationAt | null>;
  /**
   * Who passed the agent in the verification that a record stands on, by the event of that record: agents, or accounts of
   * the attestation service. Null if the endpoint has no such event.
   */
  attestersOf?(attestationRegistry: Hex, recordIndex: number): Promise<readonly Hex[] | null>;
  /** Absent from readers that know nothing of groups' keys. */
  groupEpoch?(keyEscrow: Hex, group: Hex, epoch: number): Promise<GroupEpoch | null>;
}
