import { base64urlnopad } from "@scure/base";
import { expect } from "chai";
import fc from "fast-check";

import { fromBase64url, toBase64url } from "../../../protocol/encoding/base64url.ts";
import { fromBase64urlNative } from "../../../protocol/encoding/nodeBase64url.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

/** What the independent codec says of a text: its bytes, or that it is not canonical. */
function independent(text: string): string {
  try {
    return Buffer.from(base64urlnopad.decode(text)).toString("hex");
  } catch {
    return "rejected";
  }
}

function ours(text: string, decode: (text: string) => Uint8Array): string {
  try {
    return Buffer.from(decode(text)).toString("hex");
  } catch (error) {
    expect(error).to.be.instanceOf(AffiantError).with.property("code", "ERR_INPUT_ENCODING");
    return "rejected";
  }
}

describe("protocol: base64url", () => {
  it("has the vectors of RFC 4648 §10, without padding", () => {
    const vectors = { "": "", f: "Zg", fo: "Zm8", foo: "Zm9v", foob: "Zm9vYg", fooba: "Zm9vYmE", foobar: "Zm9vYmFy" };
    for (const [plain, encoded] of Object.entries(vectors)) {
      expect(toBase64url(Buffer.from(plain))).to.equal(encoded);
      expect(Buffer.from(fromBase64url(encoded)).toString()).to.equal(plain);
    }
  });

  it("reads back every byte string", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(fromBase64url(Buffer.from(bytes).toString("base64url"))).to.deep.equal(bytes);
      }),
    );
  });

  it("agrees with an independent codec on every text, foreign characters and stray bits included", () => {
    const letters = "ABCDwxyz0189-_".split("");
    const near = fc.string({ unit: fc.constantFrom(...letters, "=", "+", "/", " ", "\n", "é"), maxLength: 12 });
    const good = fc.string({ unit: fc.constantFrom(...letters), maxLength: 12 });
    for (const decode of [fromBase64url, fromBase64urlNative]) {
      fc.assert(
        fc.property(fc.oneof(near, good), (text) => void expect(ours(text, decode)).to.equal(independent(text))),
        { numRuns: 3_000 },
      );
    }
  });
});
