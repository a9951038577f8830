import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { SigningKey, Wallet } from "ethers";

import { readKeyFile, writeKeyFile } from "../../agent/keys/keyFile.ts";
import { readSecretFile, writeSecretFile } from "../../agent/keys/secretFile.ts";
import { type EncryptionKeyPair, newEncryptionKeyPair } from "../../agent/sealing/hpke.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { SealedStore } from "./sealedStore.ts";

/** Keys of the service, made at its first start and kept in its data folder. */
export interface ServiceKeys {
  /** To be given the role of the attestation service. */
  readonly account: Wallet;
  /** X25519: what wrappers open their tasks and wrappings with. */
  readonly encryption: EncryptionKeyPair;
  /** Bearer token of the operator. */
  readonly token: string;
}

/** @throws AffiantError ERR_AUTH_PASSPHRASE, ERR_AUTH_FILE_MODE, ERR_INPUT_FILE, ERR_AUTH_ATTESTATION_STORE */
export async function openServiceKeys(
  dataDir: string,
  store: SealedStore,
  passphrase: string | undefined,
): Promise<ServiceKeys> {
  const accountFile = join(dataDir, "account.key.json");
  const fresh = Wallet.createRandom();
  const { address } = fresh;
  await once(() => writeKeyFile(accountFile, fromHex(fresh.privateKey, 32), { passphrase, address }));
  const tokenFile = join(dataDir, "service.token");
  await once(() => writeSecretFile(tokenFile, `${randomBytes(32).toString("base64url")}\n`));
  return {
    account: new Wallet(new SigningKey(toHex(await readKeyFile(accountFile, passphrase)))),
    encryption: await encryptionKey(store),
    token: (await readSecretFile(tokenFile)).trim(),
  };
}

async function encryptionKey(store: SealedStore): Promise<EncryptionKeyPair> {
  const name = "encryption key";
  const kept = await store.get<{ readonly publicKey: Hex; readonly privateKey: Hex }>(name);
  if (kept) return { publicKey: fromHex(kept.publicKey, 32), privateKey: fromHex(kept.privateKey, 32) };
  const made = await newEncryptionKeyPair();
  await store.put(name, { publicKey: toHex(made.publicKey), privateKey: toHex(made.privateKey) });
  return made;
}

/** What is there stays. */
async function once(write: () => Promise<void>): Promise<void> {
  await write().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
