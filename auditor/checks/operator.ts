import type { Hex } from "../../protocol/encoding/hex.ts";
import { type Evidence, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { operatorNoteVerifier } from "../../protocol/log/operatorNote.ts";
import { type NoteSignature, parseNote } from "../../protocol/log/signedNote.ts";
import type { ChainReader, RegisteredLog } from "../chain/chainReader.ts";
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
      const limit = statesUpTo(log, operator);
      const size = sizeOf(text);
      if (limit !== undefined && size !== undefined && size > limit) {
        const detail = `Stated by ${operator}, which handed the log over at entry ${limit}: the contract holds it to nothing beyond.`;
        return [
          unproven("operator", subject, "AUDIT_OPERATOR_STATEMENT", {
            expected: `at most ${limit}`,
            found: size,
            detail,
          }),
        ];
      }
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

/** Undefined: about any tree, or the contract does not say. */
function statesUpTo(log: RegisteredLog | null, operator: Hex): number | undefined {
  return log?.handoverSizes?.[log.operators.lastIndexOf(operator) + 1];
}

function sizeOf(text: string): number | undefined {
  try {
    return parseCheckpoint(text).size;
  } catch {
    return undefined; // the checkpoint check has a verdict for it
  }
}

function secondLineOf(source: string): { text: string; line?: NoteSignature } {
  try {
    const { text, signatures } = parseNote(source);
    return { text, line: signatures[1] };
  } catch {
    return { text: "" }; // the checkpoint check has a verdict for it
  }
}
