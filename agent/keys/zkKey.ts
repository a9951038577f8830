import { randomBytes } from "node:crypto";
import { access, link, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { readKeyFile, writeKeyFile } from "./keyFile.ts";
import { syncFolder } from "./secretFile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { assertPrivateKey, privateKeyFromSeed, privateKeySeedLength } from "../../protocol/zk/identityKey.ts";

export interface ZkKeyOptions {
  /** Encrypts the key, as it does the agent's others. */
  readonly passphrase?: string;
  /** scrypt's N, for tests. */
  readonly cost?: number;
}

/**
 * Reads the private key of an agent's zero-knowledge identity; makes one if there is none yet. The file appears under its
 * name whole or not at all, and of two processes that make one at once both go on with the same.
 * @param path of the key file in the agent's folder
 * @returns BabyJubJub scalar in [1, l)
 * @throws AffiantError ERR_AUTH_PASSPHRASE, ERR_AUTH_FILE_MODE, ERR_INPUT_FILE
 */
export async function openZkKey(path: string, options: ZkKeyOptions): Promise<bigint> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists) await makeKeyFile(path, options);
  const privateKey = BigInt(`0x${Buffer.from(await readKeyFile(path, options.passphrase)).toString("hex")}`);
  try {
    assertPrivateKey(privateKey);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `the key file ${path} holds no BabyJubJub key`, { cause });
  }
  return privateKey;
}

async function makeKeyFile(path: string, options: ZkKeyOptions): Promise<void> {
  const privateKey = privateKeyFromSeed(randomBytes(privateKeySeedLength));
  const secret = Buffer.from(privateKey.toString(16).padStart(64, "0"), "hex");
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeKeyFile(draft, secret, options);
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster: its key counts.
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  // A key that stands on the chain must not be lost to a power cut.
  await syncFolder(dirname(path));
}
