import type { SnarkjsProof } from "snarkjs";

/** Parent to prover. Numbers are decimal text. The private key is among the inputs: it travels over the pipe only. */
export interface ProveRequest {
  readonly id: number;
  readonly input: Readonly<Record<string, string>>;
}

/** Prover to parent. `witness`: the constraints do not hold for the input. `failure`: anything else. */
export type ProveResponse =
  | { readonly id: number; readonly proof: SnarkjsProof; readonly publicSignals: readonly string[] }
  | { readonly id: number; readonly error: "witness" | "failure"; readonly message: string };

/** Prover to parent when it can take requests, or why it cannot. */
export type ReadyMessage = { readonly ready: true } | { readonly ready: false; readonly message: string };
