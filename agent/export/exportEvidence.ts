import { setTimeout as sleep } from "node:timers/promises";

import { statedHeads } from "./statedHeads.ts";
import type { Journal, JournalEntry } from "../journal/journal.ts";
import type { RelayerClient } from "../relayer/relayerClient.ts";
import type { AnchorInfo } from "../../protocol/api/receipt.ts";
import type { LogInfo } from "../../protocol/api/types.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { decodeDisclosure, type DisclosureName } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { EvidenceWriter, sortPolicies } from "../../protocol/evidence/writeEvidence.ts";
import type { EvidenceEntry, EvidenceHeader } from "../../protocol/evidence/types.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";

export interface ExportOptions {
  /** The agents whose entries go into the file. Every entry must have been acknowledged (`agent.flush()`). */
  readonly agents: readonly { readonly name: string; readonly did: EthrDid; readonly journal: Journal }[];
  readonly relayer: RelayerClient;
  readonly deployment: Deployment;
  /** Payloads that stay at home: the entries prove that they exist, the file does not show them. Default: none. */
  readonly withhold?: readonly DisclosureName[];
  /**
   * Waits until the anchor is deep enough to stay (the relayer's `AFFIANT_CONFIRMATIONS`): a reorganisation that took it
   * back would leave the file unproven. Default: until it is mined.
   */
  readonly final?: boolean;
  /** How long to wait for an anchor that covers the newest entry. Default 120 s. */
  readonly anchorTimeoutMs?: number;
  /** Told the stage and how many entries are done. */
  readonly onProgress?: (stage: "anchor" | "entries", done: number, total: number) => void;
}

export interface ExportSummary {
  readonly entryCount: number;
  readonly policyCount: number;
  /** The anchor that the proofs lead to. */
  readonly anchor: AnchorInfo;
  readonly bytes: number;
}

/** How many proofs are asked for at a time. */
const proofsInFlight = 16;
const pageLength = 256;

/**
 * Writes the evidence of one or several agents: every entry with its payloads, the policies they name, and proofs that
 * lead to a root on the chain. If the newest entry is not anchored yet, an anchor is asked for and waited for.
 * @param write is given the file piece by piece, in order
 * @throws AffiantError ERR_PROOF_RECEIPT if the relayer hides entries; ERR_NOT_FOUND_ENTRY if there is nothing to export; ERR_CONFLICT_UNSENT if an entry was never
 * acknowledged; ERR_NOT_FOUND_POLICY; ERR_UNAVAILABLE_RELAYER if the anchor does not come in time
 */
export async function exportEvidence(
  options: ExportOptions,
  write: (bytes: Uint8Array) => Promise<void> | void,
): Promise<ExportSummary> {
  const { relayer, agents } = options;
  const known = agents.flatMap(({ name, journal }) => placesOf(name, journal));
  const last = known.reduce<Place | undefined>((newest, place) => {
    return newest && newest.index > place.index ? newest : place;
  }, undefined);
  if (!last) throw new AffiantError("ERR_NOT_FOUND_ENTRY", "there are no entries to export");
  const log = await relayer.log();
  const anchor = await anchorOf(last.entryId, options);
  const heads = await statedHeads(anchor, log, options);
  // The anchored tree may hold entries that came after the first look: with them, the file is complete under it.
  const places = agents
    .flatMap(({ name, did, journal }) => placesOf(name, journal, heads.get(did)?.count ?? 0))
    .sort((a, b) => a.index - b.index);
  const policies = await policiesOf(places, relayer);

  const writer = new EvidenceWriter();
  let bytes = 0;
  const put = async (piece: Uint8Array): Promise<void> => {
    bytes += piece.length;
    await write(piece);
  };
  await put(writer.header(headerOf(log, options.deployment)));
  for (const bundle of sortPolicies(policies)) await put(writer.policy(bundle));
  const note = await relayer.checkpoint(anchor.size);
  const anchorBlock = anchor.index === null ? anchor.blockNumber : null;
  await put(writer.checkpoint({ anchorBlock, anchorIndex: anchor.index, note }));
  for (let at = 0; at < places.length; at += proofsInFlight) {
    const page = places.slice(at, at + proofsInFlight);
    for (const entry of await Promise.all(page.map((place) => entryOf(place, anchor.size, options)))) {
      await put(writer.entry(entry));
    }
    options.onProgress?.("entries", at + page.length, places.length);
  }
  for (const [agent, { statement }] of [...heads].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await put(writer.head({ agent, note: statement }));
  }
  await put(writer.end());
  return { entryCount: places.length, policyCount: policies.length, anchor, bytes };
}

/** Where an entry is: kept instead of the entry, so that long journals are never in memory whole. */
interface Place {
  readonly journal: Journal;
  readonly seq: number;
  readonly entryId: Hex;
  readonly index: number;
  readonly policy: Hex;
}

/** @param end the first `seq` that is not asked for */
function placesOf(name: string, journal: Journal, end = Infinity): Place[] {
  const places: Place[] = [];
  for (let from = 0; from < end; from += pageLength) {
    const page = journal.entriesFrom(from, pageLength);
    for (const entry of page) if (entry.seq < end) places.push(placeOf(name, journal, entry));
    if (page.length < pageLength) break;
  }
  return places;
}

function placeOf(name: string, journal: Journal, { seq, entryId, receipt, leaf }: JournalEntry): Place {
  if (!receipt) {
    throw new AffiantError("ERR_CONFLICT_UNSENT", `entry ${seq} of ${name} was not acknowledged by the relayer yet`, {
      hint: "Send it first: agent.flush(), or run the command again while the relayer is up.",
      details: { agent: name, seq },
    });
  }
  return { journal, seq, entryId, index: receipt.index, policy: decodeLeaf(leaf).claims.policy };
}

async function entryOf({ journal, seq, index }: Place, size: number, options: ExportOptions): Promise<EvidenceEntry> {
  const entry = journal.entry(seq);
  if (!entry) throw new AffiantError("ERR_NOT_FOUND_ENTRY", `entry ${seq} vanished from the journal`);
  const withhold = options.withhold ?? [];
  const disclosures = entry.disclosures.filter((text) => !withhold.includes(decodeDisclosure(text).name));
  return { disclosures, index, leaf: entry.leaf, proof: await options.relayer.inclusionProof(index, size) };
}

async function policiesOf(places: readonly Place[], relayer: RelayerClient): Promise<readonly PolicyBundle[]> {
  const hashes = [...new Set(places.map(({ policy }) => policy))];
  return Promise.all(
    hashes.map(async (hash) => {
      const bundle = await relayer.policy(hash);
      if (policyHashOf(bundle) === hash) return bundle;
      throw new AffiantError("ERR_PROOF_POLICY", `the relayer gave another policy than the one with hash ${hash}`);
    }),
  );
}

function headerOf(log: LogInfo, { chainId, contracts }: Deployment): EvidenceHeader {
  const lower = (address: string): Hex => address.toLowerCase() as Hex;
  return {
    chainId,
    contracts: {
      agentRegistry: lower(contracts.agentRegistry.address),
      attestationRegistry: lower(contracts.attestationRegistry.address),
      contractRegistry: lower(contracts.contractRegistry.address),
      logAnchor: lower(contracts.logAnchor.address),
      policyRegistry: lower(contracts.policyRegistry.address),
    },
    logId: log.logId,
    origin: log.origin,
    vkey: log.vkey,
  };
}

/** The first anchor that covers an entry: exporting the same entries again gives the same file. */
async function anchorOf(entryId: Hex, options: ExportOptions): Promise<AnchorInfo> {
  const { relayer, onProgress, final = false, anchorTimeoutMs = 120_000 } = options;
  const until = performance.now() + anchorTimeoutMs;
  for (let pauseMs = 100, asked = false; ; pauseMs = Math.min(pauseMs * 1.5, 2000)) {
    const { anchor, status } = await relayer.receipt(entryId);
    if (anchor && (!final || status === "final")) return anchor;
    onProgress?.("anchor", 0, 1);
    if (!asked && !anchor) asked = await askForAnchor(relayer);
    if (performance.now() > until) {
      const what = anchor ? "the newest entry's anchor is not final yet" : "the newest entry is not anchored yet";
      throw new AffiantError("ERR_UNAVAILABLE_RELAYER", what, {
        hint: "Anchoring goes on; run the same again later.",
        details: { entryId },
      });
    }
    await sleep(pauseMs);
  }
}

/** A relayer that is anchoring already says so, and one that is another's is not asked by us: the wait is the same. */
async function askForAnchor(relayer: RelayerClient): Promise<boolean> {
  try {
    await relayer.requestAnchor();
  } catch (error) {
    if (!isAffiantError(error) || !(error.retryable || error.code === "ERR_AUTH_OPERATOR")) throw error;
  }
  return true;
}
