import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { expect } from "chai";
import { flattenedVerify, importJWK } from "jose";

import { type AgentCard, signCard, verifyCard } from "../../../agent/card/signedCard.ts";
import { formatKeyDid } from "../../../protocol/did/key.ts";
import { toBase64url } from "../../../protocol/encoding/base64url.ts";
import { utf8 } from "../../../protocol/encoding/bytes.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { toCanonicalJson } from "../../../protocol/json/canonical.ts";

const secret = new Uint8Array(32).fill(7);
const publicKey = ed25519.getPublicKey(secret);
const otherKey = ed25519.getPublicKey(new Uint8Array(32).fill(8));
const card: AgentCard = {
  name: "support",
  description: "Books and changes flights",
  url: "https://agent.example/a2a",
  version: "1.0.0",
  skills: [{ id: "flights", name: "Flights", tags: ["flight.change"] }],
};

function sign() {
  return signCard(card, publicKey, (message) => ed25519.sign(message, secret));
}

describe("signed agent card", () => {
  it("is what the chain names, signed by the agent", async () => {
    const { bytes, contentHash } = await sign();
    expect(verifyCard(bytes, { contentHash, signingKeys: [otherKey, publicKey] })).to.deep.include({
      outcome: "holds",
      signedBy: [formatKeyDid(publicKey)],
    });
  });

  it("is a JWS to jose too", async () => {
    const { bytes } = await sign();
    const { signatures, ...payload } = JSON.parse(new TextDecoder().decode(bytes)) as {
      signatures: { protected: string; signature: string }[];
    };
    expect(payload).to.deep.equal(card);
    // `url` is a member of A2A 0.3, which no signature of 1.0 covers.
    const { url: _, ...signedMembers } = payload as AgentCard;
    const jwk = await importJWK({ kty: "OKP", crv: "Ed25519", x: toBase64url(publicKey) }, "Ed25519");
    const { protectedHeader } = await flattenedVerify(
      { ...signatures[0]!, payload: toBase64url(utf8(toCanonicalJson(signedMembers))) },
      jwk,
    );
    expect(protectedHeader).to.deep.equal({ alg: "Ed25519", kid: formatKeyDid(publicKey), typ: "JOSE" });
  });

  it("replaces its own earlier signature and keeps those of others", async () => {
    const foreign = {
      protected: toBase64url(utf8('{"alg":"ES256","kid":"company-key-1","typ":"JOSE"}')),
      signature: "AAAA",
    };
    const first = JSON.parse(new TextDecoder().decode((await sign()).bytes)) as AgentCard;
    const signatures = [foreign, ...(first["signatures"] as readonly object[])] as never;
    const again = await signCard({ ...card, signatures }, publicKey, (message) => ed25519.sign(message, secret));
    const { signatures: kept } = JSON.parse(new TextDecoder().decode(again.bytes)) as { signatures: object[] };
    expect(kept).to.have.length(2);
    expect(kept[0]).to.deep.equal(foreign);
  });

  it("counts no signature under another algorithm's name, and none of a card with too many", async () => {
    const { bytes } = await sign();
    const { signatures, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as {
      signatures: { signature: string }[];
    };
    const verdict = (list: object[]) => {
      const changed = utf8(toCanonicalJson({ ...rest, signatures: list }));
      return verifyCard(changed, { contentHash: toHex(sha256(changed)), signingKeys: [publicKey] }).outcome;
    };
    const renamed = {
      ...signatures[0],
      protected: toBase64url(utf8(`{"alg":"none","kid":"${formatKeyDid(publicKey)}"}`)),
    };
    expect(verdict([renamed])).to.equal("fails");
    expect(
      verdict([...Array<object>(16).fill({ protected: "e30", signature: "AA" }), signatures[0] as object]),
    ).to.equal("fails");
    expect(
      verdict([...Array<object>(15).fill({ protected: "e30", signature: "AA" }), signatures[0] as object]),
    ).to.equal("holds");
  });

  it("fails if the chain names another hash", async () => {
    const { bytes, contentHash } = await sign();
    const other = `${contentHash.slice(0, -1)}${contentHash.endsWith("0") ? "1" : "0"}`;
    expect(verifyCard(bytes, { contentHash: other, signingKeys: [publicKey] }).outcome).to.equal("fails");
  });

  it("fails if the key is not one of the agent's", async () => {
    const { bytes, contentHash } = await sign();
    expect(verifyCard(bytes, { contentHash, signingKeys: [otherKey] }).outcome).to.equal("fails");
  });

  it("fails if a member was changed after signing, although the chain names the changed card", async () => {
    const { bytes } = await sign();
    const changed = utf8(new TextDecoder().decode(bytes).replace("Books", "Cooks"));
    const contentHash = toHex(sha256(changed));
    expect(verifyCard(changed, { contentHash, signingKeys: [publicKey] }).outcome).to.equal("fails");
  });

  it("fails without a signature", () => {
    const bytes = utf8(toCanonicalJson(card));
    const contentHash = toHex(sha256(bytes));
    expect(verifyCard(bytes, { contentHash, signingKeys: [publicKey] }).outcome).to.equal("fails");
  });
});
