import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { signNote, verifyNote } from "../../protocol/log/signedNote.ts";
import type { CheckpointFile } from "../store/checkpointFile.ts";
import type { StoredCheckpoint, TreeStore } from "../store/treeStore.ts";
import type { LogTree } from "./logTree.ts";
import type { CheckpointKeys, NoteKey } from "./noteKey.ts";

export function signCheckpoint({ note, operator }: CheckpointKeys, size: number, root: Uint8Array): StoredCheckpoint {
  const text = formatCheckpoint({ origin: note.signer.name, size, root });
  return { size, root, note: signNote(text, note.signer, operator) };
}

/**
 * Holds the stored log against everything that was ever signed: the checkpoint in the database and those in the file
 * beside it. A log that is shorter than, or disagrees with, one of them is a fork (most often a restored backup) and is
 * never served.
 * @returns the checkpoint of the log as it stands
 * @throws AffiantError ERR_CONFLICT_LOG_FORK
 */
export function checkSignedHistory(
  tree: LogTree,
  store: TreeStore,
  file: CheckpointFile,
  keys: CheckpointKeys,
): StoredCheckpoint {
  const [first, second] = file.read().map((note) => readOwnNote(note, keys.note));
  const last = store.lastCheckpoint();
  if (last) assertAgrees(tree, last, "the last checkpoint in the database");
  if (first) assertAgrees(tree, first, "the last checkpoint that was signed");
  if (second) assertAgrees(tree, second, "the last checkpoint that was signed");
  if (first && (!second || first.size >= second.size)) file.keep(0);
  else if (second) file.keep(1);
  if (last?.size === tree.size) {
    // A crash between a commit and its checkpoint file left the file behind: that must not wait for the next entry.
    if (Math.max(first?.size ?? 0, second?.size ?? 0) < last.size) file.writeNow(last.note);
    return last;
  }
  if (tree.size !== 0) {
    throw new AffiantError("ERR_CONFLICT_LOG_FORK", `${tree.size} entries but no checkpoint of that size`);
  }
  return signCheckpoint(keys, 0, tree.root());
}

/** @throws AffiantError ERR_CONFLICT_LOG_FORK */
export function assertAgrees(tree: LogTree, signed: Pick<Checkpoint, "size" | "root">, what: string): void {
  if (signed.size > tree.size) {
    throw new AffiantError("ERR_CONFLICT_LOG_FORK", `${what} has ${signed.size} entries, the stored log ${tree.size}`, {
      details: { signedSize: signed.size, storedSize: tree.size },
      hint: "the database is older than what was signed (a restored backup?): put the newer one back; see docs/relayer.md",
    });
  }
  const root = tree.rootAt(signed.size);
  if (!bytesEqual(root, signed.root)) {
    throw new AffiantError("ERR_CONFLICT_LOG_FORK", `${what} has another root at size ${signed.size}`, {
      details: { size: signed.size, signedRoot: toHex(signed.root), storedRoot: toHex(root) },
    });
  }
}

/** The checkpoint in a slot; undefined if the slot is empty or torn (then its signature does not verify). */
function readOwnNote(note: string, key: NoteKey): Checkpoint | undefined {
  try {
    const { outcome, text } = verifyNote(note, [key.verifier]);
    if (outcome === "verified" && text !== undefined) return parseCheckpoint(text);
    if (outcome === "bad-signature") return undefined;
  } catch {
    return undefined; // a torn write; the other slot holds the note before
  }
  // A whole note of another key: somebody changed the key or the origin under a log that exists.
  throw new AffiantError("ERR_CONFLICT_LOG_FORK", "the stored checkpoint was signed under another note key or origin");
}
