import type { Duplex } from "node:stream";

import type { EncryptionKeys } from "../evidence/encryptionKeys.ts";
import { maxHatchLine, readHatchRequest } from "../../protocol/attestation/keyHatch.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { sharedSecretOf } from "../../protocol/hpke/hpke.ts";

/**
 * Opens for the wrapped program, and for nobody else, what was sealed to the keys of its evidence: over a socket that the
 * program is born with. The private keys stay here; the program gets the shared secret of one sealed message at a time
 * (RFC 9180 §4.1), so that it cannot open the tasks that the wrapper gets as a verifier.
 */
export class KeyHatch {
  readonly #keys: EncryptionKeys;
  readonly #rounds: () => readonly number[];
  readonly #open: () => boolean;

  /**
   * @param rounds that were answered, the newest first
   * @param open whether the program may use the keys now: one that was started again is another one, until it is attested
   */
  constructor(keys: EncryptionKeys, rounds: () => readonly number[], open = (): boolean => true) {
    this.#keys = keys;
    this.#rounds = rounds;
    this.#open = open;
  }

  /** Serves one run of the program until it ends. */
  serve(socket: Duplex): void {
    let waiting = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const lines = (waiting + chunk).split("\n");
      waiting = lines.pop() ?? "";
      if (waiting.length > maxHatchLine) socket.destroy();
      for (const line of lines) void this.#answer(line).then((answer) => socket.writable && socket.write(answer));
    });
    // The program ended, or closed its end: nothing is owed to it any more.
    socket.on("error", () => socket.destroy());
  }

  async #answer(line: string): Promise<string> {
    let id = 0;
    try {
      const request = readHatchRequest(line);
      ({ id } = request);
      if (!this.#open()) throw new AffiantError("ERR_UNAVAILABLE_KEY", "the program is not attested yet");
      if (request.op === "rounds") return `${JSON.stringify({ id, rounds: this.#rounds() })}\n`;
      const { privateKey: recipientPrivateKey } = await this.#keys.forRound(request.round);
      const { enc, senderKey } = request;
      return `${JSON.stringify({ id, secret: toHex(await sharedSecretOf({ enc, senderKey, recipientPrivateKey })) })}\n`;
    } catch (error) {
      return `${JSON.stringify({ id, code: toProblem(error).code })}\n`;
    }
  }
}
