import type { Journal } from "../journal/journal.ts";
import type { RelayerClient } from "../relayer/relayerClient.ts";
import type { AnchorInfo } from "../../protocol/api/receipt.ts";
import type { AgentHead, LogInfo } from "../../protocol/api/types.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { formatAgentHead } from "../../protocol/log/agentHead.ts";
import { ed25519NoteVerifier } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";

interface Exported {
  readonly name: string;
  readonly did: EthrDid;
  readonly journal: Journal;
}

/**
 * The log's statement on each agent that has entries, as of an anchored tree, held to the agent's own journal: the last
 * chance to notice that the relayer hides entries, for which this journal has receipts, before others take the rest for all.
 * @throws AffiantError ERR_PROOF_RECEIPT, ERR_CONFLICT_JOURNAL_BEHIND, ERR_CONFLICT_JOURNAL_FORKED
 */
export async function statedHeads(
  tree: Pick<AnchorInfo, "size" | "root">,
  log: LogInfo,
  { agents, relayer }: { readonly agents: readonly Exported[]; readonly relayer: RelayerClient },
): Promise<ReadonlyMap<EthrDid, AgentHead>> {
  const withEntries = agents.filter(({ journal }) => journal.head() !== null);
  const heads = withEntries.map(async (agent) => {
    const head = await relayer.head(agent.did, tree.size);
    assertStated(head, tree, log, agent);
    assertKnown(head, tree.size, agent);
    return [agent.did, head] as const;
  });
  return new Map(await Promise.all(heads));
}

function assertStated(
  { statement, count, entryId }: AgentHead,
  { size, root }: Pick<AnchorInfo, "size" | "root">,
  { origin, vkey }: LogInfo,
  { did, name }: Exported,
): void {
  const expected = formatAgentHead({ origin, size, root: fromHex(root, 32), agent: did, count, lastEntryId: entryId });
  const { outcome, text } = verifyNote(statement, [ed25519NoteVerifier(vkey, verifyNative)]);
  if (outcome === "verified" && text === expected) return;
  throw new AffiantError("ERR_PROOF_RECEIPT", `the relayer's statement on the entries of ${name} does not verify`, {
    hint: "The relayer is misconfigured or lies. Keep the journal: its receipts prove what the log took.",
    details: { outcome },
  });
}

function assertKnown({ count, entryId, statement }: AgentHead, size: number, { name, journal }: Exported): void {
  const next = journal.entry(count);
  if (next?.receipt && next.receipt.index < size) {
    throw new AffiantError(
      "ERR_PROOF_RECEIPT",
      `the log acknowledged entry ${count} of ${name}, and states it has none`,
      {
        hint: "The relayer hides entries. Keep the journal: with its receipts the statement convicts the log.",
        details: { acknowledgedSeq: count, statement },
      },
    );
  }
  const last = count === 0 ? undefined : journal.entry(count - 1);
  if (count === 0 || last?.entryId === entryId) return;
  const code = last ? "ERR_CONFLICT_JOURNAL_FORKED" : "ERR_CONFLICT_JOURNAL_BEHIND";
  const what = last ? "the log has another one" : "the journal lacks it";
  throw new AffiantError(code, `entry ${count - 1} of ${name} is the last one in the log, and ${what}`, {
    hint: `Read what is missing back from the log: affiant agent recover ${name}`,
    details: { seq: count - 1, journal: last?.entryId, log: entryId },
  });
}
