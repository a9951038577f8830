import { expect } from "chai";
import fc from "fast-check";

import { fromBase64, toBase64 } from "../../../protocol/encoding/base64.ts";
import { fromBase64url, toBase64url } from "../../../protocol/encoding/base64url.ts";
import { bytesEqual, fromUtf8, utf8 } from "../../../protocol/encoding/bytes.ts";
import { fromHex, isHex, toHex } from "../../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

function refuses(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return isAffiantError(error, "ERR_INPUT_ENCODING");
  }
}

describe("protocol/encoding", () => {
  // RFC 4648 §10.
  const vectors: readonly (readonly [text: string, base64: string, hex: string])[] = [
    ["", "", ""],
    ["f", "Zg==", "66"],
    ["fo", "Zm8=", "666f"],
    ["foo", "Zm9v", "666f6f"],
    ["foob", "Zm9vYg==", "666f6f62"],
    ["fooba", "Zm9vYmE=", "666f6f6261"],
    ["foobar", "Zm9vYmFy", "666f6f626172"],
  ];
  for (const [text, base64, hex] of vectors) {
    it(`writes and reads "${text}" as RFC 4648 §10 does`, () => {
      expect(toBase64(utf8(text))).to.equal(base64);
      expect(toBase64url(utf8(text))).to.equal(base64.replaceAll("=", ""));
      expect(toHex(utf8(text))).to.equal(`0x${hex}`);
      expect(fromUtf8(fromBase64(base64))).to.equal(text);
      expect(fromUtf8(fromBase64url(base64.replaceAll("=", "")))).to.equal(text);
      expect(fromUtf8(fromHex(`0x${hex}`))).to.equal(text);
    });
  }

  it("writes the octets of RFC 7515 appendix C", () => {
    expect(toBase64url(Uint8Array.of(3, 236, 255, 224, 193))).to.equal("A-z_4ME");
  });

  it("agrees with Node's encoders on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const node = Buffer.from(bytes);
        expect(toBase64url(bytes)).to.equal(node.toString("base64url"));
        expect(toHex(bytes)).to.equal(`0x${node.toString("hex")}`);
        expect(bytesEqual(fromBase64url(toBase64url(bytes)), bytes)).to.equal(true);
        expect(bytesEqual(fromHex(toHex(bytes)), bytes)).to.equal(true);
      }),
    );
  });

  it("gives bytes one base64url text: no other text of the same length reads as they do", () => {
    // Zg and Zh differ in bits that no byte holds.
    expect(fromBase64url("Zg")).to.deep.equal(Uint8Array.of(0x66));
    expect(refuses(() => fromBase64url("Zh"))).to.equal(true);
  });

  const badBase64url: readonly (readonly [what: string, text: string])[] = [
    ["padding", "Zg=="],
    ["the other alphabet", "A+z/4ME"],
    ["a line feed", "Zm9v\n"],
    ["white space", "Zm 9v"],
    ["a length that no bytes have", "Z"],
    ["a character beyond ASCII", "Zm9ｖ"],
  ];
  for (const [what, text] of badBase64url) {
    it(`does not read base64url with ${what}`, () => {
      expect(refuses(() => fromBase64url(text))).to.equal(true);
    });
  }

  const badHex: readonly (readonly [what: string, text: string])[] = [
    ["upper case", "0xAB"],
    ["an upper-case prefix", "0Xab"],
    ["no prefix", "ab"],
    ["half a byte", "0xabc"],
    ["another letter", "0xag"],
    ["a line feed", "0xab\n"],
  ];
  it("reads 0xab", () => {
    expect(fromHex("0xab")).to.deep.equal(Uint8Array.of(0xab));
  });
  for (const [what, text] of badHex) {
    it(`does not read hex with ${what}`, () => {
      expect(refuses(() => fromHex(text))).to.equal(true);
    });
  }

  it("reads hex only at the length asked for", () => {
    expect(fromHex("0xabcd", 2)).to.deep.equal(Uint8Array.of(0xab, 0xcd));
    expect(refuses(() => fromHex("0xabcd", 1))).to.equal(true);
    expect(refuses(() => fromHex("0xabcd", 3))).to.equal(true);
  });

  it("knows hex of a length when it sees it", () => {
    expect(isHex("0xabcd", 2)).to.equal(true);
    expect(isHex("0xabcd", 3)).to.equal(false);
    expect(isHex("0xABcd", 2)).to.equal(false);
    expect(isHex("xxabcd", 2)).to.equal(false);
    expect(isHex(43981, 2)).to.equal(false);
  });

  it("compares bytes by length and by every place", () => {
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).to.equal(true);
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1))).to.equal(false);
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(0, 2))).to.equal(false);
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).to.equal(false);
  });

  it("keeps a byte order mark: what was signed is what is read", () => {
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).to.equal("\ufeffa");
  });

  const badUtf8: readonly (readonly [what: string, bytes: readonly number[]])[] = [
    ["a byte that never occurs", [0xff]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a character that breaks off", [0xe2, 0x82]],
    ["a code point beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ];
  for (const [what, bytes] of badUtf8) {
    it(`does not read UTF-8 with ${what}`, () => {
      expect(() => fromUtf8(Uint8Array.from(bytes))).to.throw(TypeError);
    });
  }
});
