import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { HDNodeWallet, Mnemonic } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** The accounts of a local chain that hold ether. Agents hold none: their requests are carried for them. */
export interface LocalAccounts {
  /** Deploys the contracts and administers the roles. */
  readonly deployer: HDNodeWallet;
  /** Sends the relayer's transactions and operates the log. */
  readonly relayer: HDNodeWallet;
}

/**
 * The accounts of a data folder, from a mnemonic that is made the first time and kept readable for its owner alone.
 * @throws AffiantError ERR_INPUT_FILE if the file holds something else
 */
export function openLocalAccounts(mnemonicPath: string): LocalAccounts {
  const mnemonic = readMnemonic(mnemonicPath) ?? createMnemonic(mnemonicPath);
  const derive = (index: number) => HDNodeWallet.fromMnemonic(mnemonic, `m/44'/60'/0'/0/${index}`);
  return { deployer: derive(0), relayer: derive(1) };
}

function readMnemonic(path: string): Mnemonic | undefined {
  let phrase: string;
  try {
    phrase = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (!Mnemonic.isValidMnemonic(phrase)) throw new AffiantError("ERR_INPUT_FILE", `${path} holds no BIP-39 mnemonic`);
  return Mnemonic.fromPhrase(phrase);
}

function createMnemonic(path: string): Mnemonic {
  const mnemonic = Mnemonic.fromEntropy(randomBytes(16));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${mnemonic.phrase}\n`, { mode: 0o600, flag: "wx" });
  return mnemonic;
}
