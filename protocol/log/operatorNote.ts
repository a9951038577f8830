import { getAddress, getBytes, hexlify, recoverAddress, toBeHex } from "ethers";

import { logAnchorDomain, logAnchorTypes } from "../eip712/logAnchor.ts";
import { typedDataDigest } from "../eip712/typedData.ts";
import { utf8 } from "../encoding/bytes.ts";
import { type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError, isAffiantError } from "../errors/affiantError.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { logIdOf } from "./logId.ts";
import { formatVerifierKey, noteKeyId, type NoteSigner, type NoteVerifier, parseVerifierKey } from "./noteKey.ts";
import { parseNote } from "./signedNote.ts";

/**
 * The second signature line of our checkpoints: the operator's EIP-712 `Checkpoint` statement, which `LogAnchor` can
 * verify, as it cannot an Ed25519 note (docs/adr/0004). A relayer writes both lines with every checkpoint it hands out;
 * whoever takes a receipt demands both, since without this one there is nothing to hold against the operator on chain.
 * Readers that know only C2SP see a line of an unknown key and ignore it, as signed-note demands.
 *
 * The key is the log's origin as name, type 0xff (C2SP: "signature types without an identifier byte"), and as material
 * `affiant/eip712-checkpoint@v1` LF, chain id (32 bytes big-endian), LogAnchor's address (20), the operator's (20). The
 * signature is over the EIP-712 digest of what the note's text says: r, s, v in 65 bytes, or what the operator's
 * ERC-1271 contract takes.
 */
export interface OperatorKey {
  readonly chainId: bigint;
  /** Address of LogAnchor. */
  readonly logAnchor: string;
  /** The account that operates the log. */
  readonly operator: string;
}

/** The argument of `LogAnchor.reportEquivocation` that holds an operator to one checkpoint. */
export interface SignedCheckpoint {
  readonly signer: string;
  readonly size: number;
  /** 32 bytes */
  readonly root: Hex;
  readonly signature: Hex;
}

export const operatorNoteType = 0xff;
const identifier = utf8("affiant/eip712-checkpoint@v1\n");
const materialLength = identifier.length + 32 + 20 + 20;
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * What the operator signs: the EIP-712 digest, 32 bytes. Equals `LogAnchor.checkpointDigest`.
 * @throws AffiantError ERR_INPUT_NOTE if the origin can name no log
 */
export function checkpointDigest(
  key: Pick<OperatorKey, "chainId" | "logAnchor">,
  { origin, size, root }: Checkpoint,
): Hex {
  const message = { logId: logIdOf(origin), size, root };
  return typedDataDigest(logAnchorDomain(key.chainId, key.logAnchor), logAnchorTypes, "Checkpoint", message);
}

/** The verifier key's text, to be published beside the Ed25519 one. */
export function formatOperatorVerifierKey(origin: string, key: OperatorKey): string {
  return formatVerifierKey(origin, operatorNoteType, materialOf(key));
}

/** @throws AffiantError ERR_INPUT_NOTE */
export function parseOperatorVerifierKey(
  vkey: string,
): OperatorKey & { readonly name: string; readonly keyId: number } {
  const { name, keyId, type, key } = parseVerifierKey(vkey);
  const start = identifier.length;
  if (type !== operatorNoteType || key.length !== materialLength || identifier.some((byte, i) => key[i] !== byte)) {
    throw new AffiantError("ERR_INPUT_NOTE", "not the verifier key of a log's operator");
  }
  return {
    name,
    keyId,
    chainId: BigInt(hexlify(key.subarray(start, start + 32))),
    logAnchor: getAddress(hexlify(key.subarray(start + 32, start + 52))),
    operator: getAddress(hexlify(key.subarray(start + 52))),
  };
}

/**
 * Verifies the statements of an operator that signs with its own key. An operator that is a contract answers by ERC-1271
 * on chain only: its lines fail here.
 */
export function operatorNoteVerifier(origin: string, key: OperatorKey): NoteVerifier {
  return {
    name: origin,
    keyId: noteKeyId(origin, operatorNoteType, materialOf(key)),
    verify: (text, signature) => {
      const checkpoint = readCheckpoint(text);
      if (checkpoint?.origin !== origin) return false;
      return recoversTo(checkpointDigest(key, checkpoint), signature, key.operator);
    },
  };
}

/**
 * @param signDigest makes the 65-byte signature (r, s, v) of a digest; it holds the secret, this does not
 * @returns a signer that refuses (ERR_INPUT_NOTE) every text that is not a checkpoint of this log
 */
export function operatorNoteSigner(
  origin: string,
  key: OperatorKey,
  signDigest: (digest: Hex) => Uint8Array,
): NoteSigner {
  return {
    name: origin,
    keyId: noteKeyId(origin, operatorNoteType, materialOf(key)),
    sign: (text) => {
      const checkpoint = parseCheckpoint(text);
      if (checkpoint.origin !== origin) throw new AffiantError("ERR_INPUT_NOTE", "a checkpoint of another log");
      return signDigest(checkpointDigest(key, checkpoint));
    },
  };
}

/**
 * Takes out of a checkpoint's note what the contract needs to hold its operator to it; undefined if the note bears no
 * line of this operator. Nothing is verified.
 * @throws AffiantError ERR_INPUT_NOTE if it is no checkpoint
 */
export function signedCheckpointOf(note: string, origin: string, key: OperatorKey): SignedCheckpoint | undefined {
  const { text, signatures } = parseNote(note);
  const { size, root } = parseCheckpoint(text);
  const { name, keyId } = operatorNoteVerifier(origin, key);
  const line = signatures.find((signature) => signature.name === name && signature.keyId === keyId);
  if (line === undefined) return undefined;
  return { signer: getAddress(key.operator), size, root: toHex(root), signature: toHex(line.signature) };
}

function materialOf({ chainId, logAnchor, operator }: OperatorKey): Uint8Array {
  const material = new Uint8Array(materialLength);
  material.set(identifier);
  material.set(getBytes(toBeHex(chainId, 32)), identifier.length);
  material.set(getBytes(getAddress(logAnchor)), identifier.length + 32);
  material.set(getBytes(getAddress(operator)), identifier.length + 52);
  return material;
}

function readCheckpoint(text: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(text);
  } catch (error) {
    if (isAffiantError(error, "ERR_INPUT_NOTE")) return undefined;
    throw error;
  }
}

/** As OpenZeppelin's ECDSA has it: 65 bytes, s in the lower half of the order, v 27 or 28. */
function recoversTo(digest: Hex, signature: Uint8Array, signer: string): boolean {
  const v = signature[64];
  if (signature.length !== 65 || (v !== 27 && v !== 28)) return false;
  if (BigInt(hexlify(signature.subarray(32, 64))) > halfOrder) return false;
  try {
    return recoverAddress(digest, hexlify(signature)) === getAddress(signer);
  } catch {
    return false;
  }
}
