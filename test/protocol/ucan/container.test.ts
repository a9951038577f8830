import { gunzipSync, gzipSync } from "node:zlib";

import { encode } from "@ipld/dag-cbor";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { formatKeyDid } from "../../../protocol/did/key.ts";
import { assertCommand } from "../../../protocol/ucan/command.ts";
import { type Gunzip, readTokens } from "../../../protocol/ucan/container.ts";
import { type Delegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { orderChain } from "../../../protocol/ucan/orderChain.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const signerOf = (byte: number) => {
  const secret = new Uint8Array(32).fill(byte);
  return { publicKey: ed25519.getPublicKey(secret), sign: (message: Uint8Array) => ed25519.sign(message, secret) };
};
const signers = [signerOf(1), signerOf(2), signerOf(3), signerOf(4)] as const;
const link = (from: number, to: number): Promise<Delegation> => {
  const subject = formatKeyDid(signers[0].publicKey);
  const audience = formatKeyDid(signers[to]!.publicKey);
  const nonce = new Uint8Array(12).fill(to);
  return issueDelegation({ audience, subject, command: "/pay", policy: [], nonce, expiresAtSec: null }, signers[from]!);
};
const gunzip: Gunzip = (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength });
const read = (bytes: Uint8Array) => readTokens(bytes, gunzip);
const behind = (header: number, rest: Uint8Array | string) =>
  Buffer.concat([Buffer.of(header), Buffer.from(rest as string)]);

describe("protocol/ucan/container", () => {
  let tokens: Uint8Array[];
  let map: Uint8Array;

  before(async () => {
    tokens = (await Promise.all([link(0, 1), link(1, 2)])).map(({ envelope }) => envelope.bytes);
    map = encode({ "ctn-v1": tokens });
  });

  it("is read in each form that UCAN container 0.1 has, section 2.2", () => {
    const packed = gzipSync(map);
    const base64 = (bytes: Uint8Array, base: "base64" | "base64url") => Buffer.from(bytes).toString(base);
    const forms = [
      behind(0x40, map),
      behind(0x42, base64(map, "base64")),
      behind(0x43, base64(map, "base64url")),
      behind(0x4d, packed),
      behind(0x4f, base64(packed, "base64")),
      behind(0x50, base64(packed, "base64url")),
      map,
    ];
    for (const form of forms)
      expect(read(form).map((token) => Buffer.from(token))).to.deep.equal(tokens.map(Buffer.from));
  });

  it("may be a single token, as bytes or as text", () => {
    const [token] = tokens as [Uint8Array];
    const base64 = Buffer.from(token).toString("base64");
    const base64url = Buffer.from(token).toString("base64url");
    for (const text of [base64, base64url, `m${base64.replaceAll("=", "")}`, `u${base64url}`, `${base64url}\n`]) {
      expect(Buffer.from(read(Buffer.from(text))[0])).to.deep.equal(Buffer.from(token));
    }
    expect(read(token)).to.deep.equal([token]);
  });

  it("is refused where it is none, empty, or unpacks to more than its limit", () => {
    const refused = [
      Buffer.from("hello world"),
      Buffer.from("eyJhbGciOiJFZERTQSJ9.e30.AA"),
      encode({ "ctn-v1": [] }),
      encode({ "ctn-v1": ["text"] }),
      encode({ "ctn-v2": tokens }),
      behind(0x4d, gzipSync(Buffer.alloc(5 << 20))),
      behind(0x50, "not gzip"),
      Buffer.alloc(0),
    ];
    for (const bytes of refused)
      expect(
        thrownCode(() => read(bytes)),
        bytes.toString().slice(0, 20),
      ).to.equal("ERR_INPUT_UCAN");
  });

  it("is a chain whatever the order of its tokens, and stays as it is where it is none", async () => {
    const [a, b, c, stray] = await Promise.all([link(0, 1), link(1, 2), link(2, 3), link(0, 3)]);
    expect(orderChain([c, a, b])).to.deep.equal([a, b, c]);
    expect(orderChain([c, stray, a, b])).to.deep.equal([c, stray, a, b]);
  });

  it("holds commands of any script, and none that looks like another", () => {
    for (const command of ["/", "/payment/charge", "/支払/請求", "/käufe"])
      expect(() => assertCommand(command)).not.to.throw();
    const lookAlike = ["/ka\u0308ufe", "/pay\u200b", "/pay\u00a0now", "/Pay", "/PÄ", "/pay/", "//", "/a\u202eb", "pay"];
    for (const command of lookAlike)
      expect(
        thrownCode(() => assertCommand(command)),
        command,
      ).to.equal("ERR_INPUT_UCAN");
  });
});
