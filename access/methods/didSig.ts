import { statementBytes } from "../../protocol/access/statement.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { parseKeyDid } from "../../protocol/did/key.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromBase64urlNative } from "../../protocol/encoding/nodeBase64url.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Standings } from "../../host/access/standing.ts";
import type { LoginMethod } from "./loginMethod.ts";

/** `<did:key> <64-byte signature, base64url>`: one of the agent's signing keys over the statement's bytes. */
const form = /^(did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{1,60}) ([A-Za-z0-9_-]{86})$/;

/** The agent signs the statement with a key that the registry has for it now. */
export function didSig(standings: Standings): LoginMethod {
  return {
    name: "did-sig",
    amr: ["pop"],
    isCostly: false,
    checkCommitment(commitment) {
      if (commitment !== undefined) throw new AffiantError("ERR_INPUT_MALFORMED", "a signature has no commitment");
    },
    async verify(statement, { response }) {
      const match = form.exec(response);
      if (!match?.[1] || !match[2]) throw refused("the response is no signature with its key");
      const { publicKey, signature } = decode(match[1], match[2]);
      // Before the chain is asked: nobody has it asked about keys that did not sign.
      if (!verifyNative(signature, statementBytes(statement), publicKey))
        throw refused("the signature does not verify");
      const { address } = parseEthrDid(statement.did);
      if (!(await standings.isSigningKey(address, toHex(publicKey))))
        throw refused("not a signing key of that agent now");
      return statement.did;
    },
  };
}

function decode(key: string, signature: string): { readonly publicKey: Uint8Array; readonly signature: Uint8Array } {
  try {
    return { publicKey: parseKeyDid(key), signature: fromBase64urlNative(signature) };
  } catch (cause) {
    throw refused("the response is no signature with its key", cause);
  }
}

function refused(detail: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_AUTH_LOGIN", detail, { cause });
}
