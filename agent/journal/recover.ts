import type { Journal } from "./journal.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { RelayerClient } from "../relayer/relayerClient.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { verifyEntrySignature } from "../../protocol/entry/verifyEntry.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const pageLength = 256;

/**
 * Adds the entries that the log has and the journal lacks. Each must be the agent's own: its DID, a key it
 * has or had, its signature, and follow on from the one before; a relayer cannot slip anything in. They are added as not acknowledged,
 * so that the next delivery fetches a verified receipt for each.
 * @returns how many entries were added
 * @throws AffiantError ERR_PROOF_SIGNATURE, ERR_CONFLICT_JOURNAL_FORKED
 */
export async function recoverEntries(
  journal: Journal,
  relayer: RelayerClient,
  did: EthrDid,
  ownKeys: ReadonlySet<Hex>,
): Promise<number> {
  let added = 0;
  for (;;) {
    const from = (journal.head()?.seq ?? -1) + 1;
    const { entries } = await relayer.entriesOf(did, from, pageLength);
    if (entries.length === 0) return added;
    journal.transaction(() => {
      for (const { leaf } of entries) added += addEntry(journal, leaf, did, ownKeys);
    });
  }
}

function addEntry(journal: Journal, leaf: string, did: EthrDid, ownKeys: ReadonlySet<Hex>): number {
  const decoded = decodeLeaf(leaf);
  const { iss, seq, prev } = decoded.claims;
  const own = iss === did && ownKeys.has(toHex(decoded.publicKey)) && verifyEntrySignature(decoded, verifyNative);
  if (!own) {
    throw new AffiantError("ERR_PROOF_SIGNATURE", `the relayer gave an entry ${seq} that this agent did not sign`, {
      hint: "The relayer invents entries, or the chain's endpoint does not know all keys of this agent.",
    });
  }
  const head = journal.head();
  // Another process of this agent may have recovered it in the meantime.
  if (head && seq <= head.seq) return 0;
  const expected: { seq: number; prev: Hex | null } = head
    ? { seq: head.seq + 1, prev: head.entryId }
    : { seq: 0, prev: null };
  if (seq !== expected.seq || prev !== expected.prev) {
    throw new AffiantError(
      "ERR_CONFLICT_JOURNAL_FORKED",
      `the log's entry ${seq} does not follow the journal's last one`,
      {
        hint: "The journal holds entries that the log does not. Both are evidence: keep a copy before anything else.",
        details: { seq, expectedSeq: expected.seq, prev, expectedPrev: expected.prev },
      },
    );
  }
  journal.insert({ seq, entryId: decoded.entryId, leaf, disclosures: [] }, null);
  return 1;
}
