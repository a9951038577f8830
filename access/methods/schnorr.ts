import { isSchnorrCommitment, type SchnorrResponse, verifySchnorr } from "../../protocol/access/schnorr.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Standings } from "../../host/access/standing.ts";
import type { LoginMethod } from "./loginMethod.ts";

/** `<public key> <scalar>`, or with the commitment between them where none was sent before. */
const form = /^(0x[0-9a-f]{128})(?: (0x[0-9a-f]{128}))? (0x[0-9a-f]{64})$/;

/** The agent proves that it knows the key behind the commitment that the registry has for it (`protocol/access/schnorr.ts`). */
export function schnorr(standings: Standings): LoginMethod {
  return {
    name: "schnorr",
    amr: ["pop", "zkp"],
    isCostly: true,
    checkCommitment(commitment) {
      if (commitment === undefined || isSchnorrCommitment(commitment)) return;
      throw new AffiantError("ERR_INPUT_MALFORMED", "the commitment is no point");
    },
    async verify(statement, { response, commitment: sentBefore }) {
      const match = form.exec(response);
      const commitment = sentBefore ?? match?.[2];
      // What was committed to is not chosen again once the challenge is known.
      if (
        !match?.[1] ||
        !match[3] ||
        commitment === undefined ||
        (sentBefore !== undefined && match[2] !== undefined)
      ) {
        throw refused("the response is not of the form of one");
      }
      if (!isSchnorrCommitment(commitment)) throw refused("the commitment is no point");
      const registered = await standings.commitmentOf(parseEthrDid(statement.did).address);
      if (registered === 0n) throw refused("the agent has no zero-knowledge identity");
      const shown: SchnorrResponse = { publicKey: match[1] as Hex, commitment, scalar: match[3] as Hex };
      if (!verifySchnorr(statement, shown, registered)) throw refused("the response does not answer the challenge");
      return statement.did;
    },
  };
}

function refused(detail: string): AffiantError {
  return new AffiantError("ERR_AUTH_LOGIN", detail);
}
