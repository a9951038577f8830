import { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { type HatchAnswer, hatchVariable } from "../../protocol/attestation/keyHatch.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Encapsulated, RecipientKey } from "../../protocol/hpke/hpke.ts";

/**
 * The keys of an agent's attested evidence, as the agent's own program has them: its wrapper keeps them, and opens with
 * them what is sealed to the agent (`attestation/wrap/keyHatch.ts`).
 */
export class WrapperKeys {
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, (answer: HatchAnswer) => void>();
  #next = 1;

  constructor(socket: Duplex) {
    this.#socket = socket;
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
    for (const event of ["close", "error"] as const) socket.on(event, () => this.#end());
  }

  /** @returns undefined if the program does not run under a wrapper */
  static of(env: NodeJS.ProcessEnv): WrapperKeys | undefined {
    const fd = Number(env[hatchVariable] ?? "0");
    if (!Number.isSafeInteger(fd) || fd < 3) return undefined;
    const socket = new Socket({ fd, readable: true, writable: true });
    socket.unref(); // it must not keep a program alive that has nothing else to do
    return new WrapperKeys(socket);
  }

  /**
   * A key for each round that was answered, the newest first: one may have been sealed before the last attestation.
   * @throws AffiantError ERR_UNAVAILABLE_KEY if the wrapper is gone
   */
  async recipientKeys(): Promise<readonly RecipientKey[]> {
    const { rounds = [] } = await this.#ask({ op: "rounds" });
    return rounds.map((round) => (encapsulated: Encapsulated) => this.#decapsulate(round, encapsulated));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #decapsulate(round: number, { enc, senderKey }: Encapsulated): Promise<Uint8Array> {
    const request = { op: "decapsulate", round, enc: toHex(enc), senderKey: toHex(senderKey) };
    const { secret } = await this.#ask(request);
    if (secret === undefined) throw new AffiantError("ERR_PROOF_SEALED_KEY", "the encapsulated key is not acceptable");
    return fromHex(secret, 32);
  }

  #ask(request: object): Promise<HatchAnswer> {
    if (this.#socket.destroyed) return Promise.reject(gone());
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (answer) => (answer.id === id ? resolve(answer) : reject(gone())));
      this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as HatchAnswer;
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  #end(): void {
    for (const settle of this.#waiting.values()) settle({ id: -1 });
    this.#waiting.clear();
  }
}

function gone(): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_KEY", "the wrapper that keeps the agent's keys is gone");
}
