import { createHash, createPublicKey, sign, verify } from "node:crypto";

import { expect } from "chai";

import { claims, disclosures, privateKey, privateJwk, publicKey, signLeaf } from "./fixture.ts";
import type { EntryClaims } from "../../../protocol/entry/claims.ts";
import { decodeLeaf, entryIdOf, entrySigningInput, maxLeafBytes, assembleLeaf } from "../../../protocol/entry/leaf.ts";
import { verifyEntrySignature } from "../../../protocol/entry/verifyEntry.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { toCanonicalJson } from "../../../protocol/json/canonical.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isAffiantError(error) ? error.code : String(error);
  }
  return "no error";
}

/** A leaf with a payload of any kind, signed as it stands. */
function leafOf(payload: unknown, header: unknown = headerOf()): string {
  const part = (value: unknown) =>
    Buffer.from(typeof value === "string" ? value : toCanonicalJson(value)).toString("base64url");
  const signingInput = `${part(header)}.${part(payload)}`;
  return `${signingInput}.${sign(null, Buffer.from(signingInput), privateKey).toString("base64url")}`;
}

function headerOf(): Record<string, unknown> {
  return JSON.parse(Buffer.from(signLeaf().split(".")[0]!, "base64url").toString()) as Record<string, unknown>;
}

describe("protocol/entry: the leaf", () => {
  it("is a compact JWS that plain Ed25519 verifies", () => {
    const [header, payload, signature] = signLeaf().split(".") as [string, string, string];
    const { kty, crv, x } = privateJwk;
    const key = createPublicKey({ key: { kty, crv, x }, format: "jwk" });
    expect(verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"))).to.equal(true);
    expect(headerOf()).to.deep.equal({
      alg: "EdDSA",
      // did:key of the RFC 8037 key: multicodec 0xed01 and the key, base58btc.
      kid: "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw",
      typ: "affiant-entry+sd-jwt",
    });
  });

  it("is named by the SHA-256 of its bytes", () => {
    const leaf = signLeaf();
    expect(entryIdOf(leaf)).to.equal(`0x${createHash("sha256").update(leaf).digest("hex")}`);
    expect(decodeLeaf(leaf).entryId).to.equal(entryIdOf(leaf));
  });

  it("decodes to what was signed", () => {
    const decoded = decodeLeaf(signLeaf());
    expect(decoded.claims).to.deep.equal(claims);
    expect(decoded.publicKey).to.deep.equal(publicKey);
    expect(verifyEntrySignature(decoded)).to.equal(true);
  });

  it("holds no payload: neither a value nor a salt stands in it", () => {
    const text = Buffer.from(signLeaf().split(".")[1]!, "base64url").toString();
    expect(text).to.not.contain("Zoë");
    expect(text).to.not.contain("AAECAwQFBgcICQoLDA0ODw");
    expect(disclosures).to.have.length(2);
  });

  it("does not verify once any one bit of it is changed, or is no leaf any more", () => {
    const leaf = signLeaf();
    const survivors: string[] = [];
    for (let at = 0; at < leaf.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(leaf, "latin1");
        bytes[at]! ^= 1 << bit;
        const changed = bytes.toString("latin1");
        if (codeOf(() => decodeLeaf(changed)) === "no error" && verifyEntrySignature(decodeLeaf(changed))) {
          survivors.push(`bit ${bit} of byte ${at}`);
        }
      }
    }
    expect(survivors).to.deep.equal([]);
  });

  const { thread: _thread, ...withoutThread } = claims;
  const optional: readonly (readonly [what: string, claims: EntryClaims])[] = [
    ["no thread", withoutThread],
    ["a contract", { ...claims, ctr: "bafyreigh2akiscaildc" }],
    ["no payloads", { ...claims, _sd: [] }],
    ["seq 0 and no predecessor", { ...claims, seq: 0, prev: null }],
    ["the kind heartbeat", { ...claims, kind: "heartbeat" }],
    ["the largest number", { ...claims, seq: Number.MAX_SAFE_INTEGER }],
  ];
  for (const [what, value] of optional) {
    it(`may have ${what}`, () => {
      expect(decodeLeaf(signLeaf(value)).claims).to.deep.equal(value);
    });
  }

  // Each differs from `claims` in one thing, and is signed correctly.
  const { seq: _seq, ...withoutSeq } = claims;
  const broken: readonly (readonly [what: string, payload: unknown, code?: string])[] = [
    ["a claim that nobody knows", { ...claims, note: "x" }],
    ["a claim missing", withoutSeq],
    ["an act with a blank", { ...claims, act: "payment charge" }],
    ["an empty act", { ...claims, act: "" }],
    ["an act of 129 characters", { ...claims, act: "a".repeat(129) }],
    ["an act that is no text", { ...claims, act: 7 }],
    ["an unknown kind", { ...claims, kind: "deed" }],
    ["a negative seq", { ...claims, seq: -1 }],
    ["a seq with a fraction", { ...claims, seq: 7.5 }],
    ["a seq beyond 2^53 - 1", { ...claims, seq: 2 ** 53 }],
    ["seq 0 with a predecessor", { ...claims, seq: 0 }],
    ["seq 7 without a predecessor", { ...claims, prev: null }],
    ["a prev of 31 bytes", { ...claims, prev: `0x${"ef".repeat(31)}` }],
    ["a prev in upper case", { ...claims, prev: `0x${"EF".repeat(32)}` }],
    ["a policy that is no hash", { ...claims, policy: "none" }],
    ["an iat with a fraction", { ...claims, iat: 1.5 }],
    ["another digest algorithm", { ...claims, _sd_alg: "sha-512" }],
    ["digests out of order", { ...claims, _sd: claims._sd.toReversed() }],
    ["a digest twice", { ...claims, _sd: [claims._sd[0], claims._sd[0]] }],
    ["a digest that is too short", { ...claims, _sd: ["abc"] }],
    ["17 digests", { ...claims, _sd: Array.from({ length: 17 }, (_, i) => String(i).padStart(43, "0")) }],
    ["nb of another chain than iss", { ...claims, nb: { ...claims.nb, chainId: 1 } }],
    ["nb with an extra field", { ...claims, nb: { ...claims.nb, timestamp: 1 } }],
    ["nb without a hash", { ...claims, nb: { blockNumber: 12, chainId: 31337 } }],
    ["an iss that is no DID", { ...claims, iss: "alice" }, "ERR_INPUT_DID"],
    ["an iss with a checksummed address", { ...claims, iss: claims.iss.replace("aabb", "aaBB") }, "ERR_INPUT_DID"],
    ["an iss of another method", { ...claims, iss: "did:web:example.com" }, "ERR_INPUT_DID"],
    ["a contract that is no CID", { ...claims, ctr: "no cid" }],
    ["a payload that is a list", [claims]],
    ["a payload that is null", null],
    ["a payload that is not canonical", JSON.stringify(claims, null, 1), "ERR_INPUT_ENCODING"],
    ["a payload that is not JSON", "hello", "ERR_INPUT_ENCODING"],
  ];
  for (const [what, payload, code = "ERR_INPUT_ENTRY"] of broken) {
    it(`is refused with ${what}`, () => {
      expect(codeOf(() => decodeLeaf(leafOf(payload)))).to.equal(code);
    });
  }
  it("is accepted when made as these are and nothing is broken", () => {
    expect(decodeLeaf(leafOf(claims)).claims).to.deep.equal(claims);
  });

  const headers: readonly (readonly [what: string, change: Record<string, unknown>, code?: string])[] = [
    ["alg none", { alg: "none" }],
    ["another alg", { alg: "ES256K" }],
    ["another type", { typ: "JWT" }],
    ["a further parameter", { crit: ["exp"] }],
    ["a kid that is no did:key", { kid: "alice" }, "ERR_INPUT_DID"],
    ["a kid that is no text", { kid: 1 }],
    [
      "a kid of another kind of key",
      { kid: "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme" },
      "ERR_INPUT_DID",
    ],
  ];
  for (const [what, change, code = "ERR_INPUT_ENTRY"] of headers) {
    it(`is refused with ${what} in its header`, () => {
      expect(codeOf(() => decodeLeaf(leafOf(claims, { ...headerOf(), ...change })))).to.equal(code);
    });
  }

  it("is refused with a low-order key in its header", () => {
    // did:key of the point of order 1.
    const kid = "did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP";
    expect(codeOf(() => decodeLeaf(leafOf(claims, { ...headerOf(), kid })))).to.match(/^ERR_INPUT_(?:PUBLIC_KEY|DID)$/);
  });

  const shapes: readonly (readonly [what: string, change: (leaf: string) => string, code?: string])[] = [
    ["two parts", (leaf) => leaf.split(".").slice(0, 2).join(".")],
    ["four parts", (leaf) => `${leaf}.x`],
    ["an empty signature", (leaf) => `${leaf.split(".").slice(0, 2).join(".")}.`],
    ["a signature of 63 bytes", (leaf) => `${leaf.split(".").slice(0, 2).join(".")}.${"A".repeat(84)}`],
    ["padding", (leaf) => `${leaf}==`, "ERR_INPUT_ENCODING"],
    ["a disclosure behind it", (leaf) => `${leaf}~${disclosures[0]}~`, "ERR_INPUT_ENCODING"],
  ];
  for (const [what, change, code = "ERR_INPUT_ENTRY"] of shapes) {
    it(`is refused with ${what}`, () => {
      expect(codeOf(() => decodeLeaf(change(signLeaf())))).to.equal(code);
    });
  }

  it("is at most 65,535 bytes long", () => {
    const signature = new Uint8Array(64);
    const room = maxLeafBytes - 87; // 86 characters of signature and a dot
    expect(assembleLeaf("a".repeat(room), signature)).to.have.length(maxLeafBytes);
    expect(codeOf(() => assembleLeaf("a".repeat(room + 1), signature))).to.equal("ERR_LIMIT_ENTRY_SIZE");
    expect(codeOf(() => decodeLeaf("a".repeat(maxLeafBytes + 1)))).to.equal("ERR_LIMIT_ENTRY_SIZE");
  });

  it("is not made of claims that break the format", () => {
    expect(codeOf(() => entrySigningInput({ ...claims, seq: -1 }, publicKey))).to.equal("ERR_INPUT_ENTRY");
    expect(codeOf(() => entrySigningInput(claims, new Uint8Array(32)))).to.equal("ERR_INPUT_PUBLIC_KEY");
  });
});
