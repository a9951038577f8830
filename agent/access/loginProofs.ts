import { randomBytes } from "node:crypto";

import type { LoginMethodName } from "../../protocol/access/names.ts";
import { commitSchnorr, respondSchnorr } from "../../protocol/access/schnorr.ts";
import { type LoginStatement, statementBytes, statementSignal } from "../../protocol/access/statement.ts";
import { toBase64url } from "../../protocol/encoding/base64url.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import type { KeyDid } from "../../protocol/did/key.ts";
import { encodeProof } from "../../protocol/zk/groth16Proof.ts";
import { commitmentOf, privateKeySeedLength } from "../../protocol/zk/identityKey.ts";
import { Prover } from "../proving/prover.ts";

/** The agent's part of a login: what is sent with the request for a challenge, and what answers it. */
export interface LoginProof {
  readonly method: LoginMethodName;
  /** Empty where the method does not say who. */
  readonly did: string;
  /** A fresh first move for one challenge, and what comes of it. */
  begin(): { readonly commitment?: string; respond(statement: LoginStatement): Promise<string> };
}

/** Signs with one of the agent's signing keys. */
export function signedLogin(did: string, signer: Ed25519Signer, signingKey: KeyDid): LoginProof {
  const respond = async (statement: LoginStatement) =>
    `${signingKey} ${toBase64url(await signer.sign(statementBytes(statement)))}`;
  return { method: "did-sig", did, begin: () => ({ respond }) };
}

/** Schnorr's three moves with the key of the agent's zero-knowledge identity; `interactive` sends the first one ahead. */
export function schnorrLogin(did: string, privateKey: bigint, interactive = true): LoginProof {
  return {
    method: "schnorr",
    did,
    begin() {
      const first = commitSchnorr(randomBytes(privateKeySeedLength));
      let used = false;
      return {
        ...(interactive ? { commitment: first.commitment } : {}),
        respond(statement) {
          // Two responses to one first move tell the private key.
          if (used) throw new Error("a commitment answers one challenge");
          used = true;
          const { publicKey, commitment, scalar } = respondSchnorr(statement, privateKey, first);
          return Promise.resolve(interactive ? `${publicKey} ${scalar}` : `${publicKey} ${commitment} ${scalar}`);
        },
      };
    },
  };
}

/**
 * A Groth16 proof of key ownership with the challenge as its action.
 * @param prover one that is kept; without it one is started and ended with each login
 */
export function groth16Login(did: string, privateKey: bigint, prover?: Prover): LoginProof {
  const respond = async (statement: LoginStatement) => {
    const used = prover ?? (await Prover.open("key-ownership"));
    try {
      const signals = { commitment: commitmentOf(privateKey), action: statementSignal(statement) };
      const { proof } = await used.prove({ privateKey, ...signals });
      return encodeProof(proof);
    } finally {
      if (!prover) await used.close();
    }
  };
  return { method: "groth16", did, begin: () => ({ respond }) };
}
