import { hkdfSync, randomBytes } from "node:crypto";

import { deriveEncryptionKeyPair, type EncryptionKeyPair } from "../../agent/sealing/hpke.ts";

/**
 * Another X25519 key for each round, all of them drawn from one secret that never leaves the process. Drawn and not
 * stored: whoever sends challenges with invented round numbers cannot push a key out that is needed. A process that ends
 * takes with it whatever could be opened.
 */
export class EncryptionKeys {
  readonly #secret = randomBytes(32);

  forRound(round: number): Promise<EncryptionKeyPair> {
    const seed = hkdfSync("sha256", this.#secret, new Uint8Array(0), `affiant encryption key ${round}`, 32);
    return deriveEncryptionKeyPair(new Uint8Array(seed));
  }
}
