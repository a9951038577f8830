import { decryptSecret, encryptSecret, type KeystoreV3 } from "./keystoreV3.ts";
import { readSecretFile, writeSecretFile } from "./secretFile.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** A key that is protected by its file mode alone. */
interface PlainKeyFile {
  readonly format: "affiant-key/1";
  /** 32 bytes. */
  readonly secret: string;
}

export interface WriteKeyOptions {
  readonly passphrase?: string;
  /** Of an account key, so that wallets show it. */
  readonly address?: string;
  /** scrypt's N. */
  readonly cost?: number;
}

/** Writes a 32-byte secret, encrypted if there is a passphrase. Never overwrites. */
export async function writeKeyFile(path: string, secret: Uint8Array, options: WriteKeyOptions): Promise<void> {
  const { passphrase, address, cost } = options;
  const content: KeystoreV3 | PlainKeyFile =
    passphrase === undefined
      ? { format: "affiant-key/1", secret: toHex(secret) }
      : await encryptSecret(secret, passphrase, { address, cost });
  await writeSecretFile(path, `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * @returns the 32 bytes
 * @throws AffiantError ERR_AUTH_PASSPHRASE if one is needed and missing or wrong, ERR_AUTH_FILE_MODE, ERR_INPUT_FILE
 */
export async function readKeyFile(path: string, passphrase?: string): Promise<Uint8Array> {
  const content = parse(path, await readSecretFile(path));
  if (content["version"] === 3) {
    if (passphrase === undefined) {
      throw new AffiantError("ERR_AUTH_PASSPHRASE", `the key file ${path} is encrypted and no passphrase was given`, {
        hint: "Set AFFIANT_PASSPHRASE, or AFFIANT_PASSPHRASE_FILE to a file that holds it.",
      });
    }
    return decryptSecret(content as unknown as KeystoreV3, passphrase);
  }
  if (content["format"] !== "affiant-key/1" || typeof content["secret"] !== "string") {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is not a key file`);
  }
  return fromHex(content["secret"], 32);
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // The text of a key file must not reach a message, so the parser's error is dropped.
  }
  throw new AffiantError("ERR_INPUT_FILE", `${path} is not a key file`);
}
