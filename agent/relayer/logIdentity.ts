import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { LogInfo } from "../../protocol/api/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { bytesEqual } from "../../protocol/encoding/bytes.ts";
import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { ed25519NoteVerifier, type NoteVerifier, parseVerifierKey } from "../../protocol/log/noteKey.ts";

/** The log that an agent writes to: what it is called and whose signature counts. */
export interface LogIdentity {
  readonly origin: string;
  readonly logId: Hex;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
}

/**
 * What the relayer says of its log, held to what the contract has on record of it: a relayer that signs with another key
 * than the registered one would give receipts that convince nobody.
 * @param onChain origin and note key from `LogAnchor.logOf(logId)`
 * @throws AffiantError ERR_PROOF_RECEIPT
 */
export function checkLogIdentity(info: LogInfo, onChain: { origin: string; noteKey: Hex }): LogIdentity {
  const { origin, logId, vkey } = info;
  const registered = onChain.origin === origin && logIdOf(origin) === logId;
  const key = parseVerifierKey(vkey);
  if (!registered || key.name !== origin || !bytesEqual(key.key, fromHex(onChain.noteKey, 32))) {
    throw new AffiantError("ERR_PROOF_RECEIPT", "the relayer's log is not the one that is registered on the chain", {
      hint: "The relayer is misconfigured or pretends to be another one. Do not hand entries in there.",
      details: { origin, logId, vkey },
    });
  }
  return { origin, logId, vkey, verifier: ed25519NoteVerifier(vkey, verifyNative) };
}
