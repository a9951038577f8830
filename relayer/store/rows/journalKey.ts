import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { writeSecretFile } from "../secretFile.ts";

const keyBytes = 32;
const saltBytes = 16;
const tagBytes = 16;

/** Bytes of a row's digest: HMAC-SHA-256, cut to its first half. */
export const digestBytes = 16;

/**
 * The secret that the rows of the database are digested under. It is kept outside of the database: who can write the one
 * and not read the other can change no row unseen.
 */
export class JournalKey {
  /** 8 bytes that tell keys apart and say nothing of them. */
  readonly id: Buffer;
  readonly #row: Buffer;
  readonly #sum: Buffer;
  readonly #seal: Buffer;

  /** @param secret 32 bytes */
  constructor(secret: Uint8Array) {
    const derive = (use: string) => Buffer.from(hkdfSync("sha256", secret, "", `affiant-journal/1 ${use}`, 32));
    this.id = derive("id").subarray(0, 8);
    this.#row = derive("row");
    this.#sum = derive("sum");
    this.#seal = derive("seal");
  }

  /** @param encoded the row's one encoding, its table and place in it included; @returns 16 bytes */
  digest(encoded: Uint8Array): Buffer {
    return createHmac("sha256", this.#row).update(encoded).digest().subarray(0, digestBytes);
  }

  /**
   * What a row adds to the sum of its group: not its digest, which everybody can read in the row. From numbers that are known,
   * old rows could be picked whose sum is right.
   */
  element(group: string, digest: Uint8Array): bigint {
    const bytes = createHmac("sha256", this.#sum).update(`${group}\0`).update(digest).digest("hex");
    return BigInt(`0x${bytes}`);
  }

  /** Encrypts under a key of this one use: salt, ciphertext, tag. */
  seal(plain: Uint8Array): Buffer {
    const salt = randomBytes(saltBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#keyOfUse(salt), Buffer.alloc(12));
    return Buffer.concat([salt, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns undefined for what this key has not sealed */
  unseal(sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < saltBytes + tagBytes) return undefined;
    const key = this.#keyOfUse(sealed.subarray(0, saltBytes));
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(12), { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(saltBytes, -tagBytes)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  #keyOfUse(salt: Uint8Array): Buffer {
    return createHmac("sha256", this.#seal).update(salt).digest();
  }
}

/**
 * Reads a key: 64 hex digits.
 * @returns undefined where there is no file
 * @throws AffiantError ERR_INPUT_FILE
 */
export function readJournalKey(file: string): JournalKey | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AffiantError("ERR_INPUT_FILE", `the journal's key cannot be read: ${file}`, { cause });
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return new JournalKey(Buffer.from(text, "hex"));
  throw new AffiantError("ERR_INPUT_FILE", `the journal's key file holds no key of 64 hex digits: ${file}`);
}

/** Makes a key (mode 0600), on disk when this returns. */
export function createJournalKey(file: string): JournalKey {
  const secret = randomBytes(keyBytes);
  writeSecretFile(file, `${secret.toString("hex")}\n`);
  return new JournalKey(secret);
}
