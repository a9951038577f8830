import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "../encoding/bytes.ts";
import { toHex } from "../encoding/hex.ts";
import { canonicalJsonBytes, toCanonicalJson } from "../json/canonical.ts";
import type { PolicyBundle } from "../policy/types.ts";
import type { EvidenceLine } from "./lines.ts";
import { EvidenceSequence } from "./sequence.ts";
import {
  type Evidence,
  type EvidenceCheckpoint,
  type EvidenceEntry,
  type EvidenceHead,
  type EvidenceHeader,
  evidenceFormat,
} from "./types.ts";

/**
 * Writes an evidence file line by line, for files that should not stand in memory whole. Each call returns the bytes of
 * one line, to be written in the order of the calls: header, policies, checkpoint, entries by ascending index, heads, end.
 * Every call throws AffiantError ERR_INPUT_EVIDENCE for what a reader would refuse; nothing is written then.
 */
export class EvidenceWriter {
  readonly #sequence = new EvidenceSequence();

  header(header: EvidenceHeader): Uint8Array {
    const { chainId, contracts, logId, origin, vkey } = header;
    return this.#line({ type: "header", format: evidenceFormat, chainId, contracts, logId, origin, vkey });
  }

  /** Ascending by policy hash: {@link sortPolicies}. */
  policy(bundle: PolicyBundle): Uint8Array {
    return this.#line({ type: "policy", bundle });
  }

  checkpoint({ anchorBlock, anchorIndex, note }: EvidenceCheckpoint): Uint8Array {
    return this.#line({ type: "checkpoint", anchorBlock, anchorIndex, note });
  }

  /** The disclosures may come in any order. */
  entry({ disclosures, index, leaf, proof }: EvidenceEntry): Uint8Array {
    return this.#line({ type: "entry", disclosures: disclosures.toSorted(), index, leaf, proof });
  }

  /** Ascending by agent, after all entries. */
  head({ agent, note }: EvidenceHead): Uint8Array {
    return this.#line({ type: "head", agent, note });
  }

  /** Seals the file. */
  end(): Uint8Array {
    return this.#line({ type: "end", count: this.#sequence.entryCount, sha256: this.#sequence.digest() });
  }

  #line(line: EvidenceLine): Uint8Array {
    this.#sequence.accept(line);
    const bytes = utf8(`${toCanonicalJson(line)}\n`);
    this.#sequence.hashed(bytes);
    return bytes;
  }
}

/**
 * The whole file as text. Policies, entries, disclosures and heads may come in any order.
 * @throws AffiantError ERR_INPUT_EVIDENCE for what a reader would refuse
 */
export function writeEvidence(parts: Evidence): string {
  const writer = new EvidenceWriter();
  const lines = [
    writer.header(parts.header),
    ...sortPolicies(parts.policies).map((bundle) => writer.policy(bundle)),
    writer.checkpoint(parts.checkpoint),
    ...parts.entries.toSorted((a, b) => a.index - b.index).map((entry) => writer.entry(entry)),
    ...parts.heads.toSorted((a, b) => (a.agent < b.agent ? -1 : 1)).map((head) => writer.head(head)),
    writer.end(),
  ];
  const decoder = new TextDecoder();
  return lines.map((line) => decoder.decode(line)).join("");
}

/** Ascending by policy hash, as the file wants them. */
export function sortPolicies(policies: readonly PolicyBundle[]): PolicyBundle[] {
  return policies
    .map((bundle) => ({ bundle, hash: toHex(sha256(canonicalJsonBytes(bundle))) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ bundle }) => bundle);
}
