import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { type Evidence, type EvidenceHead, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { type AgentHeadStatement, parseAgentHead } from "../../protocol/log/agentHead.ts";
import { ed25519NoteVerifier } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import type { EntryFindings } from "../auditEntries.ts";
import { fails, holds, type Subject, unproven, type Verdict } from "../verdict.ts";
import type { TreeHead } from "./checkpoint.ts";

interface Scope {
  readonly evidence: Evidence;
  readonly tree: TreeHead | undefined;
  readonly verify: Ed25519Verify;
}

/**
 * Whether the file goes on to the last entry that the log has of each agent under the file's checkpoint. The log's key
 * states how many there are. Fewer in the file is a cut tail; more, and in the log, is a lie of the log: then the statement
 * and the entry's inclusion proof, under one root, convict its operator. Gaps before the end are the sequence's check.
 */
export function checkCompleteness(findings: readonly EntryFindings[], scope: Scope): Verdict[] {
  const byAgent = Map.groupBy(findings, ({ entry }) => entry.decoded.claims.iss as string);
  const heads = new Map(scope.evidence.heads.map((head, position) => [head.agent, { head, position }]));
  return [...new Set([...byAgent.keys(), ...heads.keys()])].map((agent) => {
    const own = byAgent.get(agent) ?? [];
    const stated = heads.get(agent);
    if (!stated) {
      const detail = "The file holds no statement of the log on how many entries it has of this agent.";
      return unproven("completeness", { agent }, "AUDIT_HEAD_ABSENT", { detail });
    }
    const subject = { agent, line: evidenceLineOf(scope.evidence, "head", stated.position) };
    const { statement, verdict } = readStatement(stated.head, subject, scope);
    return statement ? compare(statement, own, subject) : verdict;
  });
}

type Read = { statement: AgentHeadStatement; verdict?: never } | { statement?: never; verdict: Verdict };

function readStatement({ agent, note }: EvidenceHead, subject: Subject, { evidence, tree, verify }: Scope): Read {
  const { origin, vkey } = evidence.header;
  let statement: AgentHeadStatement;
  try {
    const { outcome, text, unknown } = verifyNote(note, [ed25519NoteVerifier(vkey, verify)]);
    // A line of another key would be decoration: nobody could tell whether it was changed.
    if (outcome !== "verified" || text === undefined || unknown.length > 0) {
      const detail = "The log's key, and it alone, did not sign the statement on this agent's entries.";
      return { verdict: fails("completeness", subject, "AUDIT_HEAD_SIGNATURE", { expected: vkey, detail }) };
    }
    statement = parseAgentHead(text);
  } catch (error) {
    const detail = `The statement or the log's key cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
    return { verdict: fails("completeness", subject, "AUDIT_HEAD_MALFORMED", { detail }) };
  }
  if (!tree) {
    const detail = "There is no readable checkpoint that the statement could be about.";
    return { verdict: fails("completeness", subject, "AUDIT_CHECKPOINT_MALFORMED", { detail }) };
  }
  const isOfTree = statement.size === tree.size && bytesEqual(statement.root, tree.root);
  if (statement.origin !== origin || statement.agent !== agent || !isOfTree) {
    return {
      verdict: fails("completeness", subject, "AUDIT_HEAD_OTHER", {
        expected: `${agent} among ${tree.size} entries of ${origin}`,
        found: `${statement.agent} among ${statement.size} entries of ${statement.origin}`,
        detail: "The statement is about another agent, log or tree than the file's.",
      }),
    };
  }
  return { statement };
}

function compare(
  { count, lastEntryId, size }: AgentHeadStatement,
  own: readonly EntryFindings[],
  subject: Subject,
): Verdict {
  const inFile = nextSeqOf(own);
  // Only an entry that is really there, and the agent's, can show that the log states too few.
  const proven = nextSeqOf(own.filter(({ inclusionHolds, signatureHolds }) => inclusionHolds && signatureHolds));
  if (proven > count) {
    const detail = `The log states that it has ${count} entries of the agent, and has at least ${proven}: its key signed a lie.`;
    return fails("completeness", subject, "AUDIT_HEAD_HIDES", { expected: proven, found: count, detail });
  }
  if (inFile < count) {
    const detail = `The log has ${count} entries of the agent; the file ends after ${inFile}: its tail is cut.`;
    return fails("completeness", subject, "AUDIT_TAIL_CUT", { expected: count, found: inFile, detail });
  }
  const last = own.filter(({ entry }) => entry.decoded.claims.seq === count - 1);
  if (count > 0 && !last.some(({ entry }) => entry.decoded.entryId === lastEntryId)) {
    const detail = "The log states another last entry of the agent than the file holds.";
    const found = last[0]?.entry.decoded.entryId ?? null;
    return fails("completeness", subject, "AUDIT_HEAD_ENTRY", { expected: lastEntryId, found, detail });
  }
  return holds("completeness", subject, `All ${count} entries that the log states among its first ${size}.`);
}

function nextSeqOf(findings: readonly EntryFindings[]): number {
  return findings.reduce((next, { entry }) => Math.max(next, entry.decoded.claims.seq + 1), 0);
}
