import { expect } from "chai";
import fc from "fast-check";

import { type JsonPiece, JsonSplitter } from "../../../adapters/transcript/splitJson.ts";

function split(chunks: readonly string[]): JsonPiece[] {
  const splitter = new JsonSplitter();
  const pieces = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  splitter.end();
  return pieces;
}

/** Objects and lists with text that looks like structure. */
const value = fc.oneof(
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.array(fc.oneof(fc.jsonValue(), fc.constantFrom('"', "\\", "{", "]", '\\"}', "\n"))),
);

describe("adapters/transcript JsonSplitter", () => {
  it("gives back each element of an array, wherever the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(value), fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 2), (values, size, indent) => {
        const text = JSON.stringify(values, null, indent);
        const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
        const pieces = split(chunks);
        expect(pieces.map((piece) => JSON.parse(piece.text) as unknown)).to.deep.equal(JSON.parse(text));
        for (const piece of pieces)
          expect(text.slice(piece.offset)).to.satisfy((t: string) => t.startsWith(piece.text));
        expect(new Set(pieces.map(({ array }) => array)).size).to.be.at.most(1);
      }),
    );
  });

  it("gives back each line of JSON Lines, wherever the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.integer({ min: 1, max: 7 }),
        (values, size) => {
          const lines = values.map((item) => JSON.stringify(item));
          const chunks = lines.join("\r\n").match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
          expect(split(chunks).map(({ text, array }) => [text, array])).to.deep.equal(
            lines.map((line) => [line, null]),
          );
        },
      ),
    );
  });
});
