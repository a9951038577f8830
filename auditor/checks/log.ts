import { toHex } from "../../protocol/encoding/hex.ts";
import type { Evidence, EvidenceCheckpoint, EvidenceHeader } from "../../protocol/evidence/types.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { isAnchorClaimed } from "./anchor.ts";
import type { ChainReader, RegisteredLog } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

const subject = { line: 1 };

/**
 * Whether the log that the header names is the one registered on the chain: the id follows from the origin, and the
 * contract knows that id with this origin and this note key. Binds `logId`, `origin` and `vkey` to the chain. A key that
 * the log has changed since then still serves for a checkpoint that is anchored, because the anchor itself speaks for
 * the root; without anchor only the key of now does, or a retired key that leaked could sign what never was.
 *
 * @param noteKey the 32 bytes in `vkey`; undefined if it does not parse, for which the checkpoint check has a verdict
 */
export async function checkLog(
  { header, checkpoint }: Pick<Evidence, "header" | "checkpoint">,
  noteKey: Uint8Array | undefined,
  chain: ChainReader | undefined,
): Promise<Verdict[]> {
  const derived = logIdOrReason(header.origin);
  if (derived !== header.logId) {
    const detail = "The log id does not follow from the origin.";
    return [fails("log", subject, "AUDIT_LOG_ID", { expected: derived, found: header.logId, detail })];
  }
  if (!chain) {
    const detail =
      "The log id follows from the origin; whether the log and its key are registered, the chain would say.";
    return [unproven("log", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail })];
  }
  const log = await chain.logOf(header.contracts.logAnchor, header.logId);
  if (!log) {
    const detail = "The contract knows no such log.";
    return [fails("log", subject, "AUDIT_LOG_UNKNOWN", { found: header.logId, detail })];
  }
  return [checkRegistration(header, checkpoint, noteKey, log), checkEquivocation(log)];
}

function checkRegistration(
  header: EvidenceHeader,
  checkpoint: EvidenceCheckpoint,
  noteKey: Uint8Array | undefined,
  log: RegisteredLog,
): Verdict {
  if (log.origin !== header.origin) {
    const detail = "The log is registered with another origin.";
    return fails("log", subject, "AUDIT_LOG_ORIGIN", { expected: log.origin, found: header.origin, detail });
  }
  const accepted = isAnchorClaimed(checkpoint) ? log.noteKeys : log.noteKeys.slice(-1);
  const found = noteKey ? toHex(noteKey) : header.vkey;
  if (!accepted.some((key) => key === found)) {
    const detail = "The log is registered with another note key, so this one could sign nothing in its name.";
    return fails("log", subject, "AUDIT_LOG_KEY", { expected: accepted.join(" or "), found, detail });
  }
  return holds(
    "log",
    subject,
    `${header.origin} is registered with this note key, operated by ${log.operators.at(-1)}.`,
  );
}

/** Anchored entries outlast a convicted operator, since the contract held it to one history; nothing else of it does. */
function checkEquivocation({ equivocationCount }: RegisteredLog): Verdict {
  if (equivocationCount === 0)
    return holds("equivocation", subject, "Nobody proved that the log showed two histories.");
  return unproven("equivocation", subject, "AUDIT_LOG_EQUIVOCATED", {
    expected: 0,
    found: equivocationCount,
    detail: "The log was convicted of signing two histories. Believe of it only what is anchored.",
  });
}

function logIdOrReason(origin: string): string {
  try {
    return logIdOf(origin);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
