import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Evidence, EvidenceCheckpoint, EvidenceHeader } from "../../protocol/evidence/types.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { isAnchorClaimed } from "./anchor.ts";
import type { Anchor, ChainReader, ProvenEquivocation, RegisteredLog } from "../chain/chainReader.ts";
import { orElse, silenceVerdict } from "./silence.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

const subject = { line: 1 };

/**
 * Whether the log that the header names is the one registered on the chain: the id follows from the origin, and the
 * contract knows that id with this origin and this note key. Binds `logId`, `origin` and `vkey` to the chain. A key that
 * the log has changed since then still serves for a checkpoint that is anchored, because the anchor itself speaks for
 * the root; without anchor only the key of now does, or a retired key that leaked could sign what never was.
 *
 * @param noteKey the 32 bytes in `vkey`; undefined if it does not parse, for which the checkpoint check has a verdict
 * @param anchor the anchor of the file's checkpoint, where that was found on the chain
 */
export async function checkLog(
  { header, checkpoint }: Pick<Evidence, "header" | "checkpoint">,
  noteKey: Uint8Array | undefined,
  chain: ChainReader | undefined,
  anchor?: Anchor,
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
  const log = await orElse(
    () => chain.logOf(header.contracts.logAnchor, header.logId),
    (silence) => [silenceVerdict("log", subject, silence), silenceVerdict("equivocation", subject, silence)],
  );
  if (Array.isArray(log)) return log;
  if (!log) {
    const detail = "The contract knows no such log.";
    return [fails("log", subject, "AUDIT_LOG_UNKNOWN", { found: header.logId, detail })];
  }
  return [checkRegistration(header, checkpoint, noteKey, log), checkEquivocation(log, anchor)];
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

/**
 * What is anchored outlasts a convicted operator: the contract held all anchors to one history, so a lie elsewhere takes
 * nothing from a checkpoint that is one of them. Nothing else of the log does, whoever of its operators lied.
 */
function checkEquivocation(log: RegisteredLog, anchor: Anchor | undefined): Verdict {
  const { equivocationCount, equivocations = [] } = log;
  if (equivocationCount === 0)
    return holds("equivocation", subject, "Nobody proved that the log showed two histories.");
  const who = wordsOf(log, equivocations, equivocationCount);
  if (anchor) {
    const detail = `${who} This file's checkpoint is anchored, so it is of the one history that the contract knows.`;
    return holds("equivocation", subject, detail);
  }
  return unproven("equivocation", subject, "AUDIT_LOG_EQUIVOCATED", {
    expected: 0,
    found: equivocationCount,
    detail: `${who} Believe of the log only what is anchored.`,
  });
}

function wordsOf(log: RegisteredLog, equivocations: readonly ProvenEquivocation[], count: number): string {
  const signers = [...new Set(equivocations.flatMap((one) => one.signers.map(({ operator }) => operator)))];
  const named = signers.map((operator) => `${operator}, ${periodOf(log, operator)}`);
  const times = count === 1 ? "once" : `${count} times`;
  const others = equivocations.length < count ? `, as the first ${equivocations.length} reports name them` : "";
  const by = named.length === 0 ? "" : ` by ${named.join("; ")}${others}`;
  return `The log was convicted ${times} of signing two histories${by}.`;
}

/** When the account operated the log, in sizes that were anchored: that is what it can be held to. */
function periodOf({ operators, handoverSizes }: RegisteredLog, operator: Hex): string {
  const periods = operators.flatMap((account, index) => {
    if (account !== operator) return [];
    const until = index + 1 === operators.length ? "now" : `entry ${handoverSizes?.[index + 1] ?? "?"}`;
    return [`operator from entry ${handoverSizes?.[index] ?? "?"} until ${until}`];
  });
  return periods.length === 0 ? "no operator that the contract names" : periods.join(" and ");
}

function logIdOrReason(origin: string): string {
  try {
    return logIdOf(origin);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
