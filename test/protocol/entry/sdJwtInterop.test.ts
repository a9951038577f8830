import { createHash, createPublicKey, verify } from "node:crypto";

import { SDJwtInstance } from "@sd-jwt/core";
import { expect } from "chai";

import { claims, disclosures, privateJwk, signLeaf } from "./fixture.ts";
import { rejection } from "../../helpers/rejection.ts";

/** OpenWallet's SD-JWT implementation, given nothing of ours but the text. */
function reader() {
  const { kty, crv, x } = privateJwk;
  const key = createPublicKey({ key: { kty, crv, x }, format: "jwk" });
  return new SDJwtInstance({
    hashAlg: "sha-256",
    hasher: (data) =>
      createHash("sha256")
        .update(typeof data === "string" ? data : new Uint8Array(data))
        .digest(),
    verifier: (data, signature) => verify(null, Buffer.from(data), key, Buffer.from(signature, "base64url")),
  });
}

describe("protocol/entry: @sd-jwt/core reads our entries", () => {
  const { _sd, _sd_alg, ...visible } = claims;

  it("verifies an entry with all its disclosures and gives back their values", async () => {
    const text = [signLeaf(), ...disclosures, ""].join("~");
    const { payload, header } = await reader().verify(text);
    expect(header).to.include({ alg: "EdDSA", typ: "affiant-entry+sd-jwt" });
    expect(payload).to.deep.equal({ ...visible, input: { amount: 10, to: "Zoë" }, output: ["ok", null] });
  });

  it("verifies it with some disclosures withheld", async () => {
    const { payload } = await reader().verify([signLeaf(), disclosures[1], ""].join("~"));
    expect(payload).to.deep.equal({ ...visible, output: ["ok", null] });
  });

  it("verifies it with none", async () => {
    const { payload } = await reader().verify(`${signLeaf()}~`);
    expect(payload).to.deep.equal(visible);
  });

  it("finds the digests of the disclosures where we put them", () => {
    expect(disclosures.map((text) => createHash("sha256").update(text).digest("base64url")).sort()).to.deep.equal(_sd);
    expect(_sd_alg).to.equal("sha-256");
  });

  it("refuses it, as we do, when the signature is another one", async () => {
    const other = signLeaf({ ...claims, seq: 8 }).split(".")[2]!;
    const leaf = [...signLeaf().split(".").slice(0, 2), other].join(".");
    const error = await rejection(reader().verify(`${leaf}~`));
    expect(String(error)).to.match(/Verify Error: Invalid JWT Signature/);
  });
});
