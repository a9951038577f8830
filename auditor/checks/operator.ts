import { type Evidence, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { operatorNoteVerifier } from "../../protocol/log/operatorNote.ts";
import { type NoteSignature, parseNote } from "../../protocol/log/signedNote.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the second line of the checkpoint, if there is one, is the statement of an account that operates or operated
 * the log: the one that the contract takes as proof if the log shows anybody another history.
 *
 * @returns nothing for a checkpoint without such a line, or one that cannot be read
 */
export async function checkOperator(evidence: Evidence, chain: ChainReader | undefined): Promise<Verdict[]> {
  const { header, checkpoint } = evidence;
  const subject = { line: evidenceLineOf(evidence, "checkpoint") };
  const { text, line } = secondLineOf(checkpoint.note);
  if (!line) return [];
  if (!chain) {
    const detail = "Whether the checkpoint's second signature is the operator's, the chain would say.";
    return [unproven("operator", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail })];
  }
  const log = await chain.logOf(header.contracts.logAnchor, header.logId);
  const operators = log?.operators ?? [];
  for (const operator of operators) {
    const key = { chainId: BigInt(header.chainId), logAnchor: header.contracts.logAnchor, operator };
    const verifier = operatorNoteVerifier(header.origin, key);
    if (verifier.name !== line.name || verifier.keyId !== line.keyId) continue;
    if (verifier.verify(text, line.signature)) {
      return [holds("operator", subject, `Stated by ${operator}, which the contract would hold to it.`)];
    }
    if ((await chain.codeHash(operator)) !== null) {
      const detail = "The operator is a contract: whether it signed, only a call of ERC-1271 could say.";
      return [unproven("operator", subject, "AUDIT_OPERATOR_STATEMENT", { expected: operator, detail })];
    }
  }
  const detail = "The checkpoint's second signature is not the statement of an account that operated the log.";
  return [fails("operator", subject, "AUDIT_OPERATOR_STATEMENT", { expected: operators.join(" or "), detail })];
}

function secondLineOf(source: string): { text: string; line?: NoteSignature } {
  try {
    const { text, signatures } = parseNote(source);
    return { text, line: signatures[1] };
  } catch {
    return { text: "" }; // the checkpoint check has a verdict for it
  }
}
