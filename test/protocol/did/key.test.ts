import { readFileSync } from "node:fs";

import * as independent from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { expect } from "chai";
import { base58btc } from "multiformats/bases/base58";

import { formatKeyDid, parseKeyDid } from "../../../protocol/did/key.ts";
import { fromHex } from "../../../protocol/encoding/hex.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

independent.hashes.sha512 = sha512;

const { vectors } = JSON.parse(
  readFileSync(new URL("../../../protocol/vectors/didKey.json", import.meta.url), "utf8"),
) as { vectors: { seed: string; did: string }[] };

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof AffiantError) return error.code;
    throw error;
  }
  return undefined;
}

describe("did:key", () => {
  for (const { seed, did } of vectors) {
    it(`is written and read as published: ${did}`, () => {
      const publicKey = independent.getPublicKey(fromHex(seed));
      expect(formatKeyDid(publicKey)).to.equal(did);
      expect(parseKeyDid(did)).to.deep.equal(publicKey);
    });
  }

  const good = vectors[0]!.did;

  it("refuses another multibase", () => {
    expect(codeOf(() => parseKeyDid(good.replace("did:key:z", "did:key:m")))).to.equal("ERR_INPUT_DID");
  });

  it("refuses a character outside of base58", () => {
    expect(codeOf(() => parseKeyDid(good.replace("z6Mk", "z6M0")))).to.equal("ERR_INPUT_DID");
  });

  it("refuses a key of another kind (X25519, 0xec01)", () => {
    const bytes = base58btc.decode(good.slice("did:key:".length));
    expect(codeOf(() => parseKeyDid(`did:key:${base58btc.encode(Uint8Array.of(0xec, ...bytes.slice(1)))}`))).to.equal(
      "ERR_INPUT_DID",
    );
  });

  it("refuses a key of another length", () => {
    const bytes = base58btc.decode(good.slice("did:key:".length));
    expect(codeOf(() => parseKeyDid(`did:key:${base58btc.encode(bytes.slice(0, 33))}`))).to.equal("ERR_INPUT_DID");
  });

  it("refuses a text that is too long before it decodes it", () => {
    expect(codeOf(() => parseKeyDid(good + "1".repeat(100_000)))).to.equal("ERR_INPUT_DID");
  });

  it("refuses a key of low order, both ways", () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const did = `did:key:${base58btc.encode(Uint8Array.of(0xed, 0x01, ...identity))}`;
    expect(codeOf(() => parseKeyDid(did))).to.equal("ERR_INPUT_PUBLIC_KEY");
    expect(codeOf(() => formatKeyDid(identity))).to.equal("ERR_INPUT_PUBLIC_KEY");
  });
});
