import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const stepSec = 60;

/**
 * Nonces of DPoP (RFC 9449 §8, §9) that need no memory: a keyed hash of the minute, good in the minute it is given and the next one.
 * Instances that share the secret know each other's.
 */
export class DpopNonces {
  readonly #secret: Uint8Array;

  /** @param secret 32 bytes; random unless several instances are to agree */
  constructor(secret: Uint8Array = randomBytes(32)) {
    this.#secret = secret;
  }

  next(nowSec: number): string {
    return this.#of(Math.floor(nowSec / stepSec)).toString("base64url");
  }

  isGood(nonce: string, nowSec: number): boolean {
    const said = Buffer.from(nonce, "base64url");
    const step = Math.floor(nowSec / stepSec);
    return [step, step - 1].some((one) => {
      const own = this.#of(one);
      return own.length === said.length && timingSafeEqual(own, said);
    });
  }

  #of(step: number): Buffer {
    return createHmac("sha256", this.#secret).update(`affiant-dpop-nonce ${step}`).digest().subarray(0, 16);
  }
}
