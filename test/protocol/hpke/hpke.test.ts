import { readFileSync } from "node:fs";

import { expect } from "chai";

import { fromHex, toHex } from "../../../protocol/encoding/hex.ts";
import {
  encryptionKeyOf,
  hpkeOpen,
  hpkeOpenWith,
  hpkeSeal,
  keySchedule,
  sharedSecretOf,
} from "../../../protocol/hpke/hpke.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";

const vector = JSON.parse(
  readFileSync(new URL("../../../protocol/vectors/hpke-rfc9180-a13.json", import.meta.url), "utf8"),
) as Record<
  "info" | "ikmE" | "pkRm" | "skRm" | "pkSm" | "skSm" | "enc" | "shared_secret" | "key" | "base_nonce",
  string
> & {
  encryption: { pt: string; aad: string; ct: string };
};
const bytes = (name: Exclude<keyof typeof vector, "encryption">) => fromHex(vector[name]);
const [plaintext, aad, ciphertext] = [vector.encryption.pt, vector.encryption.aad, vector.encryption.ct].map((text) =>
  fromHex(text),
) as [Uint8Array, Uint8Array, Uint8Array];
const opening = () => ({
  info: bytes("info"),
  aad,
  enc: bytes("enc"),
  ciphertext,
  recipientPrivateKey: bytes("skRm"),
  senderKey: bytes("pkSm"),
});

describe("HPKE, auth mode: RFC 9180 A.1.3", () => {
  it("seals to the published bytes", async () => {
    const sealed = await hpkeSeal({
      plaintext,
      aad,
      info: bytes("info"),
      recipientKey: bytes("pkRm"),
      senderPrivateKey: bytes("skSm"),
      ephemeralSeed: bytes("ikmE"),
    });
    expect(toHex(sealed.enc)).to.equal(vector.enc);
    expect(toHex(sealed.ciphertext)).to.equal(vector.encryption.ct);
  });

  it("opens the published bytes", async () => {
    expect(toHex(await hpkeOpen(opening()))).to.equal(vector.encryption.pt);
  });

  it("finds the published shared secret, key and nonce, and opens with the secret alone", async () => {
    const secret = await sharedSecretOf(opening());
    expect(toHex(secret)).to.equal(vector.shared_secret);
    const { key, baseNonce } = keySchedule(secret, bytes("info"));
    expect([toHex(key), toHex(baseNonce)]).to.deep.equal([vector.key, vector.base_nonce]);
    expect(toHex(await hpkeOpenWith(secret, opening()))).to.equal(vector.encryption.pt);
  });

  it("derives the published public keys", () => {
    expect(toHex(encryptionKeyOf(bytes("skRm")))).to.equal(vector.pkRm);
    expect(toHex(encryptionKeyOf(bytes("skSm")))).to.equal(vector.pkSm);
  });

  const flipped = (value: Uint8Array) => value.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  for (const field of ["info", "aad", "enc", "ciphertext", "recipientPrivateKey", "senderKey"] as const) {
    it(`does not open with one bit of ${field} changed`, async () => {
      const input = opening();
      // X25519 ignores the low three bits of a private key: another key has to differ above them.
      const changed =
        field === "recipientPrivateKey" ? input[field].map((b, i) => (i === 1 ? b ^ 1 : b)) : flipped(input[field]);
      expect(await rejectionCode(hpkeOpen({ ...input, [field]: changed }))).to.equal("ERR_PROOF_SEALED_KEY");
    });
  }

  it("seals nothing to a key of low order", async () => {
    const input = {
      plaintext,
      aad,
      info: bytes("info"),
      senderPrivateKey: bytes("skSm"),
      ephemeralSeed: bytes("ikmE"),
    };
    expect(await rejectionCode(hpkeSeal({ ...input, recipientKey: new Uint8Array(32) }))).to.equal(
      "ERR_INPUT_PUBLIC_KEY",
    );
  });
});
