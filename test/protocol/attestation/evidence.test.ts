import { expect } from "chai";
import { compactVerify, importJWK } from "jose";

import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { answerOf } from "../../../protocol/attestation/answer.ts";
import {
  type Challenge,
  commissionOf,
  isCommissioned,
  parseChallenge,
} from "../../../protocol/attestation/challenge.ts";
import {
  assembleEvidence,
  decodeEvidence,
  type EvidenceClaims,
  evidenceSigningInput,
  faultOfEvidence,
  platformBindingOf,
} from "../../../protocol/attestation/evidence.ts";
import { type Manifest, measurementOf, parseManifest } from "../../../protocol/attestation/manifest.ts";
import { decodeTask, encodeTask } from "../../../protocol/attestation/task.ts";
import { toBase64url } from "../../../protocol/encoding/base64url.ts";
import { utf8 } from "../../../protocol/encoding/bytes.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { canonicalJsonBytes } from "../../../protocol/json/canonical.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const bytes = (byte: string): Hex => `0x${byte.repeat(32)}`;
const agent = "did:ethr:0x7a69:0x1111111111111111111111111111111111111111" as const;
const verifier = "did:ethr:0x7a69:0x2222222222222222222222222222222222222222" as const;
const key = new SigningKey(new Uint8Array(32).fill(7));

const challenge: Challenge = { round: 3, target: agent, verifier, nonce: bytes("0a"), commission: bytes("0c") };
const claims: EvidenceClaims = {
  agent,
  verifier,
  round: 3,
  nonce: bytes("0a"),
  answer: bytes("0b"),
  encryptionKey: bytes("0c"),
  tier: "software",
  issuedAtSec: 1_800_000_000,
};

function signed(given: EvidenceClaims = claims): string {
  const input = evidenceSigningInput(given, key.publicKey);
  return assembleEvidence(input, key.sign(utf8(input)));
}

/** Evidence under a sound signature, with its payload changed. */
function withPayload(change: Record<string, unknown>): string {
  const [header, payload] = signed().split(".");
  const changed = { ...(JSON.parse(Buffer.from(payload!, "base64url").toString()) as object), ...change };
  const input = `${header}.${toBase64url(canonicalJsonBytes(JSON.parse(JSON.stringify(changed))))}`;
  return assembleEvidence(input, key.sign(utf8(input)));
}

describe("protocol/attestation: evidence", () => {
  it("is read back as it was written", () => {
    const decoded = decodeEvidence(signed());
    expect(decoded.claims).to.deep.equal(claims);
    expect(Buffer.from(decoded.publicKey)).to.deep.equal(Buffer.from(key.publicKey));
    expect(faultOfEvidence(decoded, challenge)).to.equal(null);
  });

  it("is a JWS of an EAT to other libraries", async () => {
    const jwk = { kty: "OKP", crv: "Ed25519", x: toBase64url(key.publicKey) };
    const { payload, protectedHeader } = await compactVerify(signed(), await importJWK(jwk, "EdDSA"));
    expect(protectedHeader).to.deep.equal({ alg: "EdDSA", kid: key.did, typ: "eat+jwt" });
    const eat = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
    expect(eat["eat_nonce"]).to.equal(toBase64url(new Uint8Array(32).fill(10)));
    expect(eat["eat_profile"]).to.equal("urn:affiant:eat:1");
    expect(eat["cnf"]).to.deep.equal({
      jwk: { crv: "X25519", kty: "OKP", x: toBase64url(new Uint8Array(32).fill(12)) },
    });
  });

  const faults = [
    ["agent", { target: verifier }],
    ["verifier", { verifier: agent }],
    ["round", { round: 4 }],
    ["nonce", { nonce: bytes("0d") }],
  ] as const;
  for (const [fault, change] of faults) {
    it(`is no answer to a challenge with another ${fault}`, () => {
      expect(faultOfEvidence(decodeEvidence(signed()), { ...challenge, ...change })).to.equal(fault);
    });
  }

  it("is nobody's when a bit of it was turned", () => {
    const [header, payload, signature] = signed().split(".");
    const turned = Buffer.from(signature!, "base64url");
    turned[0]! ^= 1;
    const decoded = decodeEvidence(`${header}.${payload}.${toBase64url(turned)}`);
    expect(faultOfEvidence(decoded, challenge)).to.equal("signature");
  });

  const malformed: Record<string, Record<string, unknown>> = {
    "an unknown claim": { more: 1 },
    "a missing claim": { answer: undefined },
    "another profile": { eat_profile: "urn:affiant:eat:2" },
    "an unknown tier": { tier: "diamond" },
    "a platform's proof at tier software": { platform: "AAAA" },
    "no platform's proof at tier tpm": { tier: "tpm" },
    "a negative round": { round: -1 },
    "a short nonce": { eat_nonce: "AAAA" },
    "a key of another curve": { cnf: { jwk: { kty: "OKP", crv: "X448", x: toBase64url(new Uint8Array(32)) } } },
    "a private key": { cnf: { jwk: { kty: "OKP", crv: "X25519", x: toBase64url(new Uint8Array(32)), d: "AAAA" } } },
  };
  for (const [name, change] of Object.entries(malformed)) {
    it(`is refused with ${name}`, () => {
      expect(thrownCode(() => decodeEvidence(withPayload(change)))).to.equal("ERR_INPUT_ATTESTATION");
    });
  }

  it("binds a platform's proof to all other claims", () => {
    const changed: EvidenceClaims = { ...claims, encryptionKey: bytes("0e") };
    expect(platformBindingOf(claims)).to.not.deep.equal(platformBindingOf(changed));
    expect(platformBindingOf({ ...claims, tier: "tpm" })).to.deep.equal(
      platformBindingOf({ ...claims, tier: "tpm", platform: utf8("quote") } as EvidenceClaims),
    );
  });
});

describe("protocol/attestation: answers, challenges, tasks, manifests", () => {
  it("answers HMAC(HKDF(m, k), N), as node:crypto computes it", async () => {
    const { createHmac, hkdfSync } = await import("node:crypto");
    const [m, k, n] = [7, 8, 9].map((byte) => Buffer.alloc(32, byte));
    const derived = hkdfSync("sha256", m!, k!, "affiant attestation answer 1", 32);
    const expected = `0x${createHmac("sha256", Buffer.from(derived)).update(n!).digest("hex")}`;
    expect(answerOf(bytes("07"), k!, bytes("09"))).to.equal(expected);
  });

  it("commissions HMAC(HKDF(k), JCS(question)), as node:crypto computes it, for that question and agent alone", async () => {
    const { createHmac, hkdfSync } = await import("node:crypto");
    const k = Buffer.alloc(32, 8);
    const derived = hkdfSync("sha256", k, "", "affiant attestation commission 1", 32);
    const text = `{"nonce":"${bytes("0a")}","round":3,"target":"${agent}","verifier":"${verifier}"}`;
    const commission = `0x${createHmac("sha256", Buffer.from(derived)).update(text).digest("hex")}` as const;
    expect(commissionOf(challenge, k)).to.equal(commission);
    expect(isCommissioned({ ...challenge, commission }, k)).to.equal(true);
    const others = [{ round: 4 }, { nonce: bytes("0b") }, { target: verifier }, { verifier: agent }];
    for (const other of others) expect(isCommissioned({ ...challenge, commission, ...other }, k)).to.equal(false);
    expect(isCommissioned({ ...challenge, commission }, Buffer.alloc(32, 9))).to.equal(false);
  });

  it("refuses challenges of another form", () => {
    expect(parseChallenge({ ...challenge })).to.deep.equal(challenge);
    const wrong = [
      null,
      {},
      { ...challenge, more: 1 },
      { ...challenge, round: 0.5 },
      { ...challenge, nonce: "0x00" },
      { ...challenge, commission: undefined },
    ];
    for (const value of wrong) expect(thrownCode(() => parseChallenge(value))).to.equal("ERR_INPUT_ATTESTATION");
    expect(thrownCode(() => parseChallenge({ ...challenge, target: "did:key:z6Mk" }))).to.equal("ERR_INPUT_DID");
  });

  it("reads a task back, and none with anything else in it", () => {
    const task = {
      targetUrl: "http://a.example",
      nonce: bytes("01"),
      expected: bytes("02"),
      commission: bytes("04"),
      tier: "software",
    } as const;
    expect(decodeTask(encodeTask(task))).to.deep.equal(task);
    const more = canonicalJsonBytes({ ...task, measurement: bytes("03") });
    expect(thrownCode(() => decodeTask(more))).to.equal("ERR_INPUT_ATTESTATION");
  });

  it("measures a manifest by its canonical form alone", () => {
    const manifest: Manifest = {
      format: "affiant-manifest/1",
      platform: "linux-x64",
      command: ["node", "main.mjs"],
      environment: {},
      files: [{ path: "main.mjs", role: "script", size: 1, sha256: bytes("0f") }],
      memory: { compared: true, altered: [], anonymousCode: true },
    };
    const reordered = Object.fromEntries(Object.entries(manifest).reverse());
    expect(measurementOf(parseManifest(JSON.stringify(reordered, null, 4)))).to.equal(measurementOf(manifest));
    const other = { ...manifest, memory: { ...manifest.memory, anonymousCode: false } };
    expect(measurementOf(other)).to.not.equal(measurementOf(manifest));
    expect(thrownCode(() => parseManifest(JSON.stringify({ ...manifest, format: "x" })))).to.equal(
      "ERR_INPUT_ATTESTATION",
    );
  });
});
