/** Tokens exchanged with an independent implementation of UCAN 1.0, both ways. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { EdDSASigner } from "iso-signatures/signers/eddsa.js";
import { Resolver } from "iso-signatures/verifiers/resolver.js";
import * as EdDSA from "iso-signatures/verifiers/eddsa.js";
import { Delegation as PeerDelegation } from "iso-ucan/delegation";

import { formatKeyDid } from "../../../protocol/did/key.ts";
import { decodeDelegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { parseScope } from "../../../protocol/ucan/shorthand.ts";

const seed = new Uint8Array(32).fill(7);
const publicKey = ed25519.getPublicKey(seed);
const audience = formatKeyDid(ed25519.getPublicKey(new Uint8Array(32).fill(8)));
const scope = parseScope("payment:charge:max_10000usd");
const nonce = new Uint8Array(12).fill(9);
const expiresAtSec = 4_000_000_000;

describe("protocol/ucan and iso-ucan", () => {
  it("write the same payload under the same signature rules: theirs is readable here, ours there", async () => {
    const signer = await EdDSASigner.generate(seed);
    const theirs = await PeerDelegation.create({
      iss: signer,
      aud: audience as never,
      sub: signer.did,
      cmd: scope.command,
      pol: scope.policy as never,
      exp: expiresAtSec,
      nonce,
    });
    const read = decodeDelegation(theirs.bytes);
    expect(read.envelope.cid).to.equal(theirs.cid.toString());
    expect(read.command).to.equal("/payment/charge");
    expect(ed25519.verify(read.envelope.signature, read.envelope.signedBytes, publicKey)).to.equal(true);

    const ours = await issueDelegation(
      { audience, command: scope.command, policy: scope.policy, nonce, expiresAtSec },
      { publicKey, sign: (message) => ed25519.sign(message, seed) },
    );
    const verifierResolver = new Resolver({ Ed25519: EdDSA.verify });
    const accepted = await PeerDelegation.from({ bytes: ours.envelope.bytes, verifierResolver });
    expect(accepted.cid.toString()).to.equal(ours.envelope.cid);
    expect(accepted.pol).to.deep.equal(scope.policy);
  });
});
