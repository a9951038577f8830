import { expect } from "chai";
import fc from "fast-check";

import { escapeControls, toPrintableJson } from "../../../protocol/text/escapeControls.ts";

/** What a text must not have to be shown: by code points, from Unicode's own tables (DerivedCoreProperties, UnicodeData 16). */
const unseen: readonly (readonly [from: number, to: number, what: string])[] = [
  [0x00, 0x1f, "C0"],
  [0x7f, 0x9f, "DEL and C1"],
  [0xad, 0xad, "soft hyphen"],
  [0x061c, 0x061c, "Arabic letter mark"],
  [0x180e, 0x180e, "Mongolian vowel separator"],
  [0x200b, 0x200f, "zero-width, marks of direction"],
  [0x2028, 0x202e, "separators, embeddings and overrides"],
  [0x2060, 0x206f, "word joiner, isolates"],
  [0x3164, 0x3164, "Hangul filler"],
  [0xfe00, 0xfe0f, "variation selectors"],
  [0xfeff, 0xfeff, "byte order mark"],
  [0xfff9, 0xfffb, "interlinear annotation"],
  [0xd800, 0xdfff, "lone surrogates"],
  [0xe0001, 0xe007f, "tags"],
  [0xe0100, 0xe01ef, "variation selectors supplement"],
];

const isUnseen = (char: string) => {
  const code = char.codePointAt(0) ?? 0;
  return unseen.some(([from, to]) => code >= from && code <= to);
};

describe("protocol/text: text of others, to be shown", () => {
  for (const [from, to, what] of unseen) {
    it(`escapes ${what}`, () => {
      for (let code = from; code <= to; code++) {
        const escaped = escapeControls(`a${String.fromCodePoint(code)}b`);
        const hex = code.toString(16);
        expect(escaped).to.equal(code > 0xffff ? `a\\u{${hex}}b` : `a\\u${hex.padStart(4, "0")}b`);
      }
    });
  }

  it("leaves what people write as it is", () => {
    for (const text of ["Zürich, 北京, Ελλάδα", "✓ ▸ – …", "شكرا", "👍", "a\\u001bb"]) {
      expect(escapeControls(text)).to.equal(text);
    }
  });

  it("leaves nothing unseen of any text, and has nothing to do a second time", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) }),
        (text) => {
          const escaped = escapeControls(text);
          expect([...escaped].filter(isUnseen)).to.deep.equal([]);
          expect(escapeControls(escaped)).to.equal(escaped);
        },
      ),
    );
  });

  it("writes JSON that parses to the very value, with nothing unseen in it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = toPrintableJson(value, indent);
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
        expect([...text].filter((char) => char !== "\n" && isUnseen(char))).to.deep.equal([]);
      }),
    );
    expect(toPrintableJson({ "\u202ek": "\u{e0041}\u009b\u001b\n" })).to.equal(
      String.raw`{"\u202ek":"\udb40\udc41\u009b\u001b\n"}`,
    );
  });
});
