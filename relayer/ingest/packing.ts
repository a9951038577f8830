import { type Refusal, type Submission, type Verification } from "./verifiedEntry.ts";

/**
 * How submissions and verdicts cross threads. Cloning many small objects costs more than checking half a signature does;
 * one text and one block of bytes cost next to nothing.
 */
export interface PackedSubmissions {
  readonly id: number;
  /** JSON of [leaf, disclosures] a submission. */
  readonly text: string;
}

export interface PackedVerifications {
  readonly id: number;
  /** JSON of {@link Row} a submission. */
  readonly text: string;
  /** entryId and leaf hash, 64 bytes a submission; zeros for a refused one. */
  readonly hashes: Uint8Array;
}

/** did, publicKeyHex, seq, prev, blockNumber, blockHash, policy; or the refusal. */
type Row = readonly [string, string, number, string | null, number, string, string] | Refusal;

export function packSubmissions(id: number, submissions: readonly Submission[]): PackedSubmissions {
  return { id, text: JSON.stringify(submissions.map(({ leaf, disclosures }) => [leaf, disclosures])) };
}

export function unpackSubmissions({ text }: PackedSubmissions): Submission[] {
  return (JSON.parse(text) as [string, string[]][]).map(([leaf, disclosures]) => ({ leaf, disclosures }));
}

export function packVerifications(id: number, verifications: readonly Verification[]): PackedVerifications {
  const hashes = new Uint8Array(64 * verifications.length);
  const rows = verifications.map(({ entry, refusal }, i): Row => {
    if (!entry) return refusal;
    hashes.set(entry.entryId, i * 64);
    hashes.set(entry.leafHash, i * 64 + 32);
    const { did, publicKeyHex, seq, prev, blockNumber, blockHash, policy } = entry;
    return [did, publicKeyHex, seq, prev, blockNumber, blockHash, policy];
  });
  return { id, text: JSON.stringify(rows), hashes };
}

/** @param submissions those that were sent under this id: leaf and disclosures do not travel back */
export function unpackVerifications(
  { text, hashes }: PackedVerifications,
  submissions: readonly Submission[],
): Verification[] {
  return (JSON.parse(text) as Row[]).map((row, i): Verification => {
    if ("code" in row) return { refusal: row };
    const { leaf, disclosures } = submissions[i] as Submission;
    const [did, publicKeyHex, seq, prev, blockNumber, blockHash, policy] = row;
    // Copies: the heads that are kept for each agent must not hold on to the whole block.
    const entryId = hashes.slice(i * 64, i * 64 + 32);
    const leafHash = hashes.slice(i * 64 + 32, i * 64 + 64);
    return {
      entry: { leaf, entryId, leafHash, did, publicKeyHex, seq, prev, blockNumber, blockHash, policy, disclosures },
    };
  });
}
