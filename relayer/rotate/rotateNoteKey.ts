import { toHex } from "../../protocol/encoding/hex.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { formatNote, parseNote, verifyNote } from "../../protocol/log/signedNote.ts";
import { Closers } from "../closers.ts";
import type { RelayerConfig } from "../config.ts";
import { LogTree } from "../log/logTree.ts";
import { type NoteKey, openNoteKey } from "../log/noteKey.ts";
import { assertAgrees } from "../log/openLog.ts";
import { CheckpointFile } from "../store/checkpointFile.ts";
import type { CommitHook, Database } from "../store/database.ts";
import { EntryStore } from "../store/entryStore.ts";
import { TreeStore } from "../store/treeStore.ts";
import { nextKeyFile, swapKeyFiles } from "../store/keyFiles.ts";
import { sendAlone } from "./sendAlone.ts";
import { openStopped, type StoppedRelayer } from "./stoppedRelayer.ts";

export interface NoteKeyRotation {
  readonly vkey: string;
  readonly retiredFile: string;
  /** Checkpoints that now bear the new key's signature. */
  readonly resigned: number;
}

/**
 * Gives a stopped relayer's log a new note key: on chain, under every stored checkpoint (a receipt that is asked for again
 * must verify under the key that counts now), and in the key file. The texts that were signed stay as they are, so this
 * forks nothing. A crash anywhere is gone on from by running it again.
 * @throws AffiantError ERR_CONFLICT_LOG_FORK, ERR_CONFLICT_LOG_OPERATOR, and those of {@link openStopped} and {@link sendAlone}
 */
export async function rotateNoteKey(config: RelayerConfig, hook?: CommitHook): Promise<NoteKeyRotation> {
  const closers = new Closers();
  try {
    const relayer = await openStopped(config, closers, hook);
    const keys: KeyChange = {
      from: openNoteKey(config.noteKeyFile, config.logOrigin),
      to: openNoteKey(nextKeyFile(config.noteKeyFile), config.logOrigin),
    };
    const file = new CheckpointFile(config.dataDir);
    closers.add(() => file.close());
    // Before the chain hears of the new key: it must not sign for a log that lost entries.
    const slots = file.read().map((note) => (note === "" ? undefined : resign(note, keys)));
    assertUnforked(relayer.database, slots);
    await changeOnChain(relayer, config, keys);
    const resigned = resignStored(relayer.database, keys);
    writeSlots(file, slots);
    const retiredFile = swapKeyFiles(config.noteKeyFile, toHex(keys.from.publicKey).slice(2, 10));
    return { vkey: keys.to.vkey, retiredFile, resigned };
  } finally {
    await closers.close();
  }
}

interface KeyChange {
  readonly from: NoteKey;
  readonly to: NoteKey;
}

interface Resigned {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** @returns undefined for a torn note, whose signature does not verify. @throws AffiantError ERR_CONFLICT_LOG_FORK */
function resign(note: string, { from, to }: KeyChange): Resigned | undefined {
  let verdict: ReturnType<typeof verifyNote>;
  try {
    verdict = verifyNote(note, [from.verifier, to.verifier]);
  } catch {
    return undefined;
  }
  const { outcome, text } = verdict;
  if (outcome === "bad-signature") return undefined;
  if (text === undefined) {
    throw new AffiantError("ERR_CONFLICT_LOG_FORK", "a stored checkpoint is signed under another note key or origin");
  }
  const { signer } = to;
  const isOurs = (keyId: number, key: NoteKey) => keyId === key.verifier.keyId;
  const others = parseNote(note).signatures.filter(({ keyId }) => !isOurs(keyId, from) && !isOurs(keyId, to));
  const line = { name: signer.name, keyId: signer.keyId, signature: signer.sign(text) };
  return { ...parseCheckpoint(text), note: formatNote(text, [line, ...others]) };
}

function assertUnforked(database: Database, slots: readonly (Resigned | undefined)[]): void {
  const store = new TreeStore(database);
  const tree = new LogTree(new EntryStore(database), store);
  const last = store.lastCheckpoint();
  if (last) assertAgrees(tree, last, "the last checkpoint in the database");
  for (const slot of slots) if (slot) assertAgrees(tree, slot, "the last checkpoint that was signed");
}

async function changeOnChain(relayer: StoppedRelayer, config: RelayerConfig, { from, to }: KeyChange): Promise<void> {
  const { reader, operator } = relayer;
  const registration = await reader.registration();
  if (!registration || registration.noteKey === toHex(to.publicKey)) return;
  if (registration.operator !== operator.address || registration.noteKey !== toHex(from.publicKey)) {
    throw new AffiantError(
      "ERR_CONFLICT_LOG_OPERATOR",
      "the log is registered to somebody else, or under another key",
      {
        details: { operator: registration.operator, noteKey: registration.noteKey },
      },
    );
  }
  await sendAlone(relayer, operator, config, "changeNoteKey", [reader.logId, toHex(to.publicKey)]);
}

const page = 1_000;

/** All in one commit. @throws AffiantError ERR_CONFLICT_LOG_FORK if one was not signed by us, or is about another root */
function resignStored(database: Database, keys: KeyChange): number {
  const select = database.sql.prepare("SELECT size, root, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?");
  const update = database.sql.prepare("UPDATE checkpoint SET note = ? WHERE size = ?");
  return database.transaction("log.resign", () => {
    let count = 0;
    for (let after = -1; ;) {
      const rows = select.all(after, page) as unknown as Resigned[];
      for (const { size, root, note } of rows) {
        const resigned = resign(note, keys);
        if (resigned?.size !== size || !bytesEqual(resigned.root, root)) {
          throw new AffiantError("ERR_CONFLICT_LOG_FORK", `the checkpoint of size ${size} is not one that was signed`);
        }
        update.run(resigned.note, size);
        count++;
        after = size;
      }
      if (rows.length < page) return count;
    }
  });
}

/** The newest one into both slots, the older slot first: at each moment one of them is whole. */
function writeSlots(file: CheckpointFile, [first, second]: readonly (Resigned | undefined)[]): void {
  const newest = !second || (first && first.size >= second.size) ? first : second;
  if (!newest) return;
  file.keep(newest === first ? 0 : 1);
  file.writeNow(newest.note);
  file.writeNow(newest.note);
}
