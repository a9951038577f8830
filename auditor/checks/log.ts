import { toHex } from "../../protocol/encoding/hex.ts";
import { type EvidenceHeader } from "../../protocol/evidence/types.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { type ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the log that the header names is the one registered on the chain: the id follows from the origin, and the
 * contract knows that id with this origin and this note key. Binds `logId`, `origin` and `vkey` to the chain.
 *
 * @param noteKey the 32 bytes in `vkey`; undefined if it does not parse, for which the checkpoint check has a verdict
 */
export async function checkLog(
  header: EvidenceHeader,
  noteKey: Uint8Array | undefined,
  chain: ChainReader | undefined,
): Promise<Verdict> {
  const subject = { line: 1 };
  const derived = logIdOrReason(header.origin);
  if (derived !== header.logId) {
    return fails("log", subject, "AUDIT_LOG_ID", {
      expected: derived,
      found: header.logId,
      detail: "The log id does not follow from the origin.",
    });
  }
  if (!chain) {
    return unproven("log", subject, "AUDIT_CHAIN_NOT_GIVEN", {
      detail: "The log id follows from the origin; whether the log and its key are registered, the chain would say.",
    });
  }
  const registered = await chain.logOf(header.contracts.logAnchor, header.logId);
  if (!registered) {
    return fails("log", subject, "AUDIT_LOG_UNKNOWN", {
      found: header.logId,
      detail: "The contract knows no such log.",
    });
  }
  if (registered.origin !== header.origin) {
    return fails("log", subject, "AUDIT_LOG_ORIGIN", {
      expected: registered.origin,
      found: header.origin,
      detail: "The log is registered with another origin.",
    });
  }
  const found = noteKey ? toHex(noteKey) : header.vkey;
  if (registered.noteKey !== found) {
    return fails("log", subject, "AUDIT_LOG_KEY", {
      expected: registered.noteKey,
      found,
      detail: "The log is registered with another note key, so this one could sign nothing in its name.",
    });
  }
  return holds(
    "log",
    subject,
    `${header.origin} is registered with this note key by its operator ${registered.operator}.`,
  );
}

function logIdOrReason(origin: string): string {
  try {
    return logIdOf(origin);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
