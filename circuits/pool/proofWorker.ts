/** Thread that checks proofs; it knows neither claims nor chain. */
import { parentPort } from "node:worker_threads";

import { groth16, type SnarkjsVerificationKey } from "snarkjs";

import { confineToThread } from "../curve.ts";
import { toSnarkjsProof } from "../snarkjsProof.ts";
import type { Groth16Proof } from "../../protocol/zk/groth16Proof.ts";

export interface ProofJob {
  readonly id: number;
  readonly proof: Groth16Proof;
  readonly signals: readonly bigint[];
}

export interface ProofAnswer {
  readonly id: number;
  readonly valid: boolean;
}

const port = parentPort;
const ready = confineToThread();

/** The first message is the key; each one after it is a proof. */
port?.once("message", (verificationKey: SnarkjsVerificationKey) => {
  port.on("message", ({ id, proof, signals }: ProofJob) => {
    void ready
      .then(() => groth16.verify(verificationKey, signals.map(String), toSnarkjsProof(proof)))
      // Points that the library cannot even read are no proof.
      .catch(() => false)
      .then((valid) => port.postMessage({ id, valid } satisfies ProofAnswer));
  });
});
