import { expect } from "chai";

import {
  deriveEncryptionKeyPair,
  newEncryptionKeyPair,
  openAuthenticated,
  sealAuthenticated,
} from "../../../agent/sealing/hpke.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

/** RFC 9180, appendix A.1.3: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, mode Auth, sequence number 0. */
const vector = {
  info: hex("4f6465206f6e2061204772656369616e2055726e"),
  ikmR: hex("f1d4a30a4cef8d6d4e3b016e6fd3799ea057db4f345472ed302a67ce1c20cdec"),
  pkRm: hex("1632d5c2f71c2b38d0a8fcc359355200caa8b1ffdf28618080466c909cb69b2e"),
  skRm: hex("fdea67cf831f1ca98d8e27b1f6abeb5b7745e9d35348b80fa407ff6958f9137e"),
  pkSm: hex("8b0c70873dc5aecb7f9ee4e62406a397b350e57012be45cf53b7105ae731790b"),
  enc: hex("23fb952571a14a25e3d678140cd0e5eb47a0961bb18afcf85896e5453c312e76"),
  aad: hex("436f756e742d30"),
  pt: hex("4265617574792069732074727574682c20747275746820626561757479"),
  ct: hex("5fd92cc9d46dbf8943e72a07e42f363ed5f721212cd90bcfd072bfd9f44e06b80fd17824947496e21b680c141b"),
};

describe("agent/sealing: HPKE", () => {
  it("derives and opens as RFC 9180 A.1.3", async () => {
    const recipient = await deriveEncryptionKeyPair(vector.ikmR);
    expect(recipient).to.deep.equal({ publicKey: vector.pkRm, privateKey: vector.skRm });
    const sealed = { enc: vector.enc, ciphertext: vector.ct };
    expect(await openAuthenticated(sealed, vector.info, recipient, vector.pkSm, vector.aad)).to.deep.equal(vector.pt);
  });

  it("opens for the recipient, under the info and from the sender it was sealed with, and not otherwise", async () => {
    const [sender, recipient, stranger] = await Promise.all([1, 2, 3].map(() => newEncryptionKeyPair()));
    const message = text("the expected answer");
    const sealed = await sealAuthenticated(message, text("pair 1"), recipient!.publicKey, sender!);
    expect(await openAuthenticated(sealed, text("pair 1"), recipient!, sender!.publicKey)).to.deep.equal(message);
    const wrong = [
      () => openAuthenticated(sealed, text("pair 2"), recipient!, sender!.publicKey),
      () => openAuthenticated(sealed, text("pair 1"), stranger!, sender!.publicKey),
      () => openAuthenticated(sealed, text("pair 1"), recipient!, stranger!.publicKey),
    ];
    for (const attempt of wrong) expect(await rejectionCode(attempt())).to.equal("ERR_PROOF_SEAL");
  });
});
