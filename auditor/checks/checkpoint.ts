import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import { type Evidence, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { ed25519NoteVerifier, parseVerifierKey } from "../../protocol/log/noteKey.ts";
import { parseNote, verifyNote } from "../../protocol/log/signedNote.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

/** The state of the log's tree that a checkpoint states. */
export interface TreeHead {
  /** Number of leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/**
 * Whether the checkpoint is a note of the header's log, signed by its key in the first line. A second line may only be the
 * operator's statement, for which there is a check of its own: a note may carry lines of unknown keys, which verifiers
 * skip, and what is skipped could be changed unnoticed.
 *
 * @returns the tree head when the note can be read, even unsigned: inclusion is judged apart from the signature
 */
export function checkCheckpoint(
  evidence: Evidence,
  verify: Ed25519Verify,
): { verdict: Verdict; head?: TreeHead; noteKey?: Uint8Array } {
  const subject = { line: evidenceLineOf(evidence, "checkpoint") };
  const { origin, vkey } = evidence.header;
  let head: TreeHead | undefined;
  let noteKey: Uint8Array | undefined;
  try {
    const note = parseNote(evidence.checkpoint.note);
    const checkpoint = parseCheckpoint(note.text);
    head = { size: checkpoint.size, root: checkpoint.root };
    const key = parseVerifierKey(vkey);
    noteKey = key.key;
    if (checkpoint.origin !== origin || key.name !== origin) {
      const verdict = fails("checkpoint", subject, "AUDIT_CHECKPOINT_ORIGIN", {
        expected: origin,
        found: checkpoint.origin === origin ? key.name : checkpoint.origin,
        detail: "Header, verifier key and checkpoint do not name one and the same log.",
      });
      return { verdict, head, noteKey };
    }
    if (note.signatures.length > 2) {
      const verdict = fails("checkpoint", subject, "AUDIT_CHECKPOINT_MALFORMED", {
        expected: "1 or 2",
        found: note.signatures.length,
        detail: "In evidence a checkpoint carries the log's signature and at most its operator's statement.",
      });
      return { verdict, head, noteKey };
    }
    const { outcome } = verifyNote(evidence.checkpoint.note, [ed25519NoteVerifier(vkey, verify)]);
    const first = note.signatures[0];
    if (outcome !== "verified" || first?.keyId !== key.keyId || first.name !== key.name) {
      const verdict = fails("checkpoint", subject, "AUDIT_CHECKPOINT_SIGNATURE", {
        expected: vkey,
        detail: "The log's key did not sign this checkpoint.",
      });
      return { verdict, head, noteKey };
    }
  } catch (error) {
    const detail = `The checkpoint or the log's key cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
    return { verdict: fails("checkpoint", subject, "AUDIT_CHECKPOINT_MALFORMED", { detail }), head, noteKey };
  }
  return { verdict: holds("checkpoint", subject, `Signed by the log's key over ${head.size} entries.`), head, noteKey };
}
