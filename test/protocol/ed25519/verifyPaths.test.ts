import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { verifyNative } from "../../../protocol/ed25519/nodeVerify.ts";
import { isSigningKey } from "../../../protocol/ed25519/publicKey.ts";
import { type Ed25519Verify, verifyStrict } from "../../../protocol/ed25519/verify.ts";
import { fromHex, type Hex } from "../../../protocol/encoding/hex.ts";

interface SpeccheckCase {
  readonly message: Hex;
  readonly publicKey: Hex;
  readonly signature: Hex;
  readonly orderA: string;
  readonly comment: string;
}

const { Point } = ed25519;
const order = Point.Fn.ORDER;

/** Little-endian, 32 bytes. */
function scalarBytes(scalar: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((scalar >> BigInt(8 * i)) & 0xffn));
}

function scalarOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return scalarOf(createHash("sha512").update(r).update(publicKey).update(message).digest()) % order;
}

const message = new TextEncoder().encode("what was signed");
const secret = createHash("sha256").update("edge").digest();
const { scalar, point } = ed25519.utils.getExtendedPublicKey(secret);
const publicKey = point.toBytes();
const honest = ed25519.sign(message, secret);
/** The point of order 8 whose encoding the published cases use too. */
const torsion = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");

/** The encoding of a nonce's point, moved by another point. */
function commitmentOf(nonce: bigint, moved: InstanceType<typeof Point>): Uint8Array {
  return (nonce === 0n ? Point.ZERO : Point.BASE.multiply(nonce)).add(moved).toBytes();
}

/** A signature with a nonce of our choice and R spelled as we like; S fits whatever R hashes to. */
function signWith(nonce: bigint, r: Uint8Array): Uint8Array {
  const s = (nonce + challenge(r, publicKey, message) * scalar) % order;
  return Uint8Array.of(...r, ...scalarBytes(s));
}

/** Both ways in which a signature is verified. They must agree on every input. */
const paths: Readonly<Record<string, Ed25519Verify>> = {
  "the portable rule": verifyStrict,
  "the native path": verifyNative,
};

describe("Ed25519 at the edges", () => {
  let speccheck: readonly SpeccheckCase[];
  before(async () => {
    const file = join(import.meta.dirname, "../../../protocol/vectors/ed25519-speccheck.json");
    speccheck = (JSON.parse(await readFile(file, "utf8")) as { cases: SpeccheckCase[] }).cases;
  });

  it("takes no key of small or mixed order, and none spelled in two ways", () => {
    for (const { publicKey: key, orderA } of speccheck)
      expect(isSigningKey(fromHex(key)), orderA).to.equal(orderA === "L");
  });

  for (const [name, verify] of Object.entries(paths)) {
    describe(name, () => {
      // RFC 8032 §7.1: TEST 1, TEST 2 and TEST 3.
      const rfc8032 = [
        [
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
      ] as const;
      for (const [key, text, signature] of rfc8032) {
        it(`takes RFC 8032's signature of "${text}"`, () => {
          expect(verify(fromHex(`0x${signature}`), fromHex(`0x${text}`), fromHex(`0x${key}`))).to.equal(true);
        });
      }

      for (let i = 0; i < 12; i++) {
        it(`refuses case ${i} of ed25519-speccheck`, () => {
          const { signature, message: text, publicKey: key } = speccheck[i]!;
          expect(verify(fromHex(signature), fromHex(text), fromHex(key))).to.equal(false);
        });
      }

      it("takes a signature whose nonce was chosen, so that the ones below differ from a good one in a point only", () => {
        expect(verify(signWith(7n, commitmentOf(7n, Point.ZERO)), message, publicKey)).to.equal(true);
      });

      it("refuses R with a small component, though the cofactored equation holds", () => {
        const signature = signWith(7n, commitmentOf(7n, torsion));
        expect(ed25519.verify(signature, message, publicKey, { zip215: true })).to.equal(true);
        expect(verify(signature, message, publicKey)).to.equal(false);
      });

      it("takes the identity as R in its one spelling only", () => {
        const identity = Uint8Array.of(1, ...new Uint8Array(31));
        expect(verify(signWith(0n, identity), message, publicKey)).to.equal(true);
        const negativeZero = identity.with(31, 0x80);
        const unreduced = Uint8Array.of(0xee, ...new Uint8Array(30).fill(0xff), 0x7f);
        for (const other of [negativeZero, unreduced]) {
          const signature = signWith(0n, other);
          expect(ed25519.verify(signature, message, publicKey, { zip215: true })).to.equal(true);
          expect(verify(signature, message, publicKey)).to.equal(false);
        }
      });

      it("refuses S + L, the same number in a second spelling", () => {
        const raised = scalarBytes(scalarOf(honest.subarray(32)) + order);
        expect(verify(honest, message, publicKey)).to.equal(true);
        expect(verify(Uint8Array.of(...honest.subarray(0, 32), ...raised), message, publicKey)).to.equal(false);
      });

      it("refuses every single-bit change of the signature", () => {
        for (let bit = 0; bit < 512; bit++) {
          const changed = Uint8Array.from(honest);
          changed[bit >> 3]! ^= 1 << (bit & 7);
          expect(verify(changed, message, publicKey), `bit ${bit}`).to.equal(false);
        }
      });

      it("refuses signatures and keys of another length", () => {
        expect(verify(honest.subarray(0, 63), message, publicKey)).to.equal(false);
        expect(verify(Uint8Array.of(...honest, 0), message, publicKey)).to.equal(false);
        expect(verify(honest, message, publicKey.subarray(0, 31))).to.equal(false);
      });
    });
  }
});
