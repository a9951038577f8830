import { readFileSync } from "node:fs";

import { getBytes, hexlify, keccak256, Transaction, Wallet } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { writeSecretFile } from "../store/secretFile.ts";

/** An EIP-1559 transaction to be signed. */
export interface UnsignedTransaction {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: string;
  readonly data: string;
  readonly gasLimit: number;
  readonly maxFeeWei: bigint;
  readonly priorityFeeWei: bigint;
}

/**
 * A lane's account. Where the key lives (a file now, a remote signer or an HSM later) is nobody else's business. The first
 * lane is the log's operator too, and signs each checkpoint in the course of a commit, at once: its key has to be in this
 * process. Rotate it (`affiant relayer rotate operator`) to keep what it can do small.
 */
export interface TransactionSigner {
  /** EIP-55. */
  readonly address: string;
  /** True if the key is not here any more: `sign` always throws. */
  readonly isRetired?: true;
  sign(transaction: UnsignedTransaction): Promise<{ raw: string; hash: string }>;
  /** Signs a 32-byte digest that is not a transaction's: r, s, v in 65 bytes. For the operator's checkpoints. */
  signDigest(digest: string): Uint8Array;
}

/**
 * Reads a secp256k1 key (`0x` + 64 hex) from a file, or makes one (mode 0600) where there is none.
 * @throws AffiantError ERR_INPUT_FILE
 */
export function openSenderKey(file: string): TransactionSigner {
  const wallet = readWallet(file) ?? createWallet(file);
  return {
    address: wallet.address,
    signDigest: (digest) => getBytes(wallet.signingKey.sign(digest).serialized),
    sign({ chainId, nonce, to, data, gasLimit, maxFeeWei, priorityFeeWei }) {
      const transaction = Transaction.from({
        type: 2,
        chainId,
        nonce,
        to,
        data,
        gasLimit,
        maxFeePerGas: maxFeeWei,
        maxPriorityFeePerGas: priorityFeeWei,
      });
      // The wallet's own method also resolves and checks what is never open here.
      transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
      const raw = transaction.serialized;
      return Promise.resolve({ raw, hash: keccak256(raw) });
    },
  };
}

/** An account whose key was taken out of the settings while transactions of it were under way. */
export function retiredSigner(address: string): TransactionSigner {
  const refusal = new AffiantError("ERR_INPUT_FILE", `no key file is given for the sender account ${address}`);
  return {
    address,
    isRetired: true,
    sign: () => Promise.reject(refusal),
    signDigest: () => {
      throw refusal;
    },
  };
}

function readWallet(file: string): Wallet | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new AffiantError("ERR_INPUT_FILE", `the sender key cannot be read: ${file}`, { cause: error });
  }
  try {
    return new Wallet(text);
  } catch {
    // The cause could quote the key: it stays unsaid.
    throw new AffiantError("ERR_INPUT_FILE", `the sender key file holds no private key in hex: ${file}`);
  }
}

function createWallet(file: string): Wallet {
  const { privateKey } = Wallet.createRandom();
  writeSecretFile(file, `${hexlify(privateKey)}\n`);
  return new Wallet(privateKey);
}
