import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { makeFolder } from "../../host/files/makeFolder.ts";
import { readKeyFile, writeKeyFile } from "../../agent/keys/keyFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

const head = Buffer.from("affiant-sealed/1\n");
const ending = ".sealed";

/**
 * What the service must not lose and nobody else may read (references, keys of agents, secrets of rounds), one file a
 * record, each encrypted with AES-256-GCM under the store's key. The record's name is authenticated with it: a file that
 * was renamed onto another does not open. A file from an older backup does: the store cannot know that it is old.
 */
export class SealedStore {
  readonly #folder: string;
  readonly #key: Uint8Array;

  private constructor(folder: string, key: Uint8Array) {
    this.#folder = folder;
    this.#key = key;
  }

  /**
   * Opens the store, and makes it and its key (mode 0600) if there is none. Keep the key apart from backups of the folder.
   * @throws AffiantError ERR_AUTH_FILE_MODE, ERR_INPUT_FILE, ERR_AUTH_PASSPHRASE
   */
  static async open(folder: string, keyFile: string, passphrase?: string): Promise<SealedStore> {
    makeFolder(folder);
    const fresh = (await readdir(folder)).every((name) => !name.endsWith(ending));
    // A store with records and without its key must say so, and not begin anew with another key.
    if (fresh) await writeKeyFile(keyFile, randomBytes(32), { passphrase }).catch(ignoreExisting);
    return new SealedStore(folder, await readKeyFile(keyFile, passphrase));
  }

  /** On the disk when it returns; a crash leaves the record as it was before or as it is now. */
  async put(name: string, value: unknown): Promise<void> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    const draft = `${this.#path(name)}.${randomBytes(6).toString("hex")}.draft`;
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(Buffer.concat([head, nonce, cipher.getAuthTag(), sealed]));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path(name));
    const folder = await open(this.#folder, "r");
    await folder.sync().finally(() => folder.close());
  }

  /** @throws AffiantError ERR_AUTH_ATTESTATION_STORE if the file was changed, or belongs to another name or key */
  async get<T>(name: string): Promise<T | undefined> {
    const bytes = await readFile(this.#path(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (!bytes) return undefined;
    const body = bytes.subarray(head.length);
    try {
      if (!bytes.subarray(0, head.length).equals(head) || body.length < 28) throw new Error("not a sealed record");
      const cipher = createDecipheriv("aes-256-gcm", this.#key, body.subarray(0, 12), { authTagLength: 16 });
      cipher.setAAD(Buffer.from(name)).setAuthTag(body.subarray(12, 28));
      return JSON.parse(Buffer.concat([cipher.update(body.subarray(28)), cipher.final()]).toString("utf8")) as T;
    } catch {
      throw new AffiantError("ERR_AUTH_ATTESTATION_STORE", `the record ${name} does not open with the store's key`);
    }
  }

  /** Names hold addresses: they are kept out of the folder's listing. */
  #path(name: string): string {
    return join(this.#folder, createHash("sha256").update(this.#key).update(name).digest("hex") + ending);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
