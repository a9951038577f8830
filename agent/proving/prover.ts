import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import { generatedFolder } from "../../circuits/artifacts.ts";
import { fromSnarkjsProof } from "../../circuits/snarkjsProof.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Groth16Proof } from "../../protocol/zk/groth16Proof.ts";
import type { CircuitName } from "../../protocol/zk/publicSignals.ts";
import type { ProveResponse, ReadyMessage } from "./messages.ts";

export interface ProverOptions {
  /** Folder with manifest, wasm and zkey: the committed development artifacts unless given. */
  readonly artifacts?: string;
}

export interface ProvedSignals {
  readonly proof: Groth16Proof;
  readonly publicSignals: readonly bigint[];
}

interface Waiting {
  resolve(proved: ProvedSignals): void;
  reject(error: AffiantError): void;
}

/** A process that proves one circuit. It keeps nothing alive while it is idle, and ends with this process. */
export class Prover {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (response: ProveResponse) => this.#settle(response));
    child.once("exit", (code, signal) => this.#fail(`the prover ended (${signal ?? code})`));
    child.once("error", (error) => this.#fail(`the prover failed (${error.message})`));
    this.#letGo();
  }

  /**
   * Starts the process and waits until it has read and checked its artifacts.
   * @throws AffiantError ERR_INPUT_ARTIFACT
   */
  static async open(circuit: CircuitName, options: ProverOptions = {}): Promise<Prover> {
    const script = fileURLToPath(new URL(`./proverProcess${extname(import.meta.filename)}`, import.meta.url));
    // The loaders and flags of this process are none of the prover's business.
    const child = fork(script, [circuit, options.artifacts ?? generatedFolder], {
      execArgv: ["--no-warnings"],
      // circom's runtime prints where a constraint broke; that comes back as an error instead.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const gone = new AbortController();
    const ended = once(child, "exit", { signal: gone.signal }).then((): [ReadyMessage] => {
      return [{ ready: false, message: "the prover ended before it was ready" }];
    });
    const [message] = (await Promise.race([once(child, "message"), ended])) as [ReadyMessage];
    ended.catch(() => undefined);
    gone.abort();
    if (!message.ready) throw new AffiantError("ERR_INPUT_ARTIFACT", message.message);
    return new Prover(child);
  }

  /**
   * Computes the witness and proves it.
   * @param input every input of the circuit by name
   * @throws AffiantError ERR_PROOF_WITNESS if the constraints do not hold, ERR_INTERNAL_UNEXPECTED if the process ends
   */
  async prove(input: Readonly<Record<string, bigint>>): Promise<ProvedSignals> {
    if (!this.#child.connected) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the prover is closed");
    const id = ++this.#lastId;
    const proved = new Promise<ProvedSignals>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.ref();
    this.#child.channel?.ref();
    const text = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, value.toString()]));
    this.#child.send({ id, input: text });
    try {
      return await proved;
    } finally {
      if (this.#waiting.size === 0) this.#letGo();
    }
  }

  /** Ends the process. Proofs under way fail. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.ref();
    this.#child.kill("SIGKILL");
    await exit;
  }

  /** An idle prover must not keep an agent's process from ending. */
  #letGo(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  #settle(response: ProveResponse): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (!waiting) return;
    if ("proof" in response) {
      const publicSignals = response.publicSignals.map(BigInt);
      waiting.resolve({ proof: fromSnarkjsProof(response.proof), publicSignals });
    } else if (response.error === "witness") {
      // The runtime's text names the template that failed, which is the reason, and no value of a signal.
      waiting.reject(new AffiantError("ERR_PROOF_WITNESS", response.message.split("\n").slice(0, 2).join(" ")));
    } else {
      waiting.reject(new AffiantError("ERR_INTERNAL_UNEXPECTED", `proving failed: ${response.message}`));
    }
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new AffiantError("ERR_INTERNAL_UNEXPECTED", reason));
    this.#waiting.clear();
  }
}
