import { expect } from "chai";

import { verifyStrict } from "../../../protocol/ed25519/verify.ts";
import { fromHex, toHex } from "../../../protocol/encoding/hex.ts";

// RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
const rfc8032 = [
  [
    "0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "0x",
    "0xe5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "0x72",
    "0x92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "0xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "0xaf82",
    "0x6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

describe("Ed25519 signatures", () => {
  for (const [key, message, signature] of rfc8032) {
    it(`verify as in RFC 8032: ${key.slice(0, 10)}`, () => {
      expect(verifyStrict(fromHex(signature), fromHex(message), fromHex(key))).to.be.true;
    });
  }

  const [key, message, signature] = rfc8032[2].map((hex) => fromHex(hex)) as [Uint8Array, Uint8Array, Uint8Array];

  it("do not verify with one bit changed, wherever", () => {
    for (let bit = 0; bit < 512; bit += 37) {
      const changed = Uint8Array.from(signature);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyStrict(changed, message, key), `bit ${bit}`).to.be.false;
    }
  });

  it("do not verify over another message or under another key", () => {
    expect(verifyStrict(signature, Uint8Array.of(0xaf, 0x83), key)).to.be.false;
    expect(verifyStrict(signature, message, fromHex(rfc8032[0][0]))).to.be.false;
  });

  it("do not verify with S + l: one signature has one spelling", () => {
    const s = BigInt(`0x${toHex(signature.slice(32).reverse()).slice(2)}`) + order;
    const bytes = fromHex(`0x${s.toString(16).padStart(64, "0")}`).reverse();
    expect(verifyStrict(Uint8Array.of(...signature.slice(0, 32), ...bytes), message, key)).to.be.false;
  });

  it("do not verify under a key of low order, although the equation holds for every message", () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const forged = Uint8Array.of(...identity, ...new Uint8Array(32));
    expect(verifyStrict(forged, message, identity)).to.be.false;
  });

  it("have 64 bytes", () => {
    expect(verifyStrict(signature.slice(0, 63), message, key)).to.be.false;
  });
});
