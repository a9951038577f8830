import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import {
  ed25519NoteSigner,
  ed25519NoteVerifier,
  formatEd25519VerifierKey,
  type NoteSigner,
  type NoteVerifier,
} from "../../protocol/log/noteKey.ts";
import { writeSecretFile } from "../store/secretFile.ts";

/** The Ed25519 key that signs checkpoints. */
export interface NoteKey {
  /** 32 bytes, registered with the log on chain. */
  readonly publicKey: Uint8Array;
  /** `origin+id+key`, C2SP signed-note. */
  readonly vkey: string;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
}

/** All that signs a checkpoint: the note key, and the log's operator in the form that the contract can judge. */
export interface CheckpointKeys {
  readonly note: NoteKey;
  readonly operator: NoteSigner;
  /** The operator's verifier key, to be published beside the note key's. */
  readonly operatorVkey: string;
}

/**
 * Reads the Ed25519 key (PKCS#8 PEM) from a file, or makes one (mode 0600) where there is none.
 * @throws AffiantError ERR_INPUT_FILE if the file holds no Ed25519 key
 */
export function openNoteKey(file: string, origin: string): NoteKey {
  const privateKey = readKey(file) ?? createKey(file);
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const publicKey = Uint8Array.from(der.subarray(-32));
  const vkey = formatEd25519VerifierKey(origin, publicKey);
  return {
    publicKey,
    vkey,
    signer: ed25519NoteSigner(origin, publicKey, (message) => sign(null, message, privateKey)),
    verifier: ed25519NoteVerifier(vkey),
  };
}

function readKey(file: string): KeyObject | undefined {
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AffiantError("ERR_INPUT_FILE", `the note key cannot be read: ${file}`, { cause: error });
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // The cause could quote the file: it stays unsaid.
  }
  throw new AffiantError("ERR_INPUT_FILE", `the note key file holds no Ed25519 key in PKCS#8 PEM: ${file}`);
}

function createKey(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync("ed25519");
  writeSecretFile(file, String(privateKey.export({ type: "pkcs8", format: "pem" })));
  return privateKey;
}
