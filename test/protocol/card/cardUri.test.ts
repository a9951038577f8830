import { expect } from "chai";

import { checkCardUri } from "../../../protocol/card/cardUri.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const good = "https://a.example/agent%20card.json?x=~!#y";

describe("protocol/card: URIs of cards", () => {
  it("takes what a URI is made of, and the empty one that takes a card back", () => {
    for (const uri of [good, ""]) expect(thrownCode(() => checkCardUri(uri))).to.equal("no error");
  });

  for (const [what, char] of [
    ["a line feed", "\n"],
    ["a carriage return", "\r"],
    ["an escape", "\u001b"],
    ["NUL", "\0"],
    ["DEL", "\u007f"],
    ["a blank", " "],
    ["C1's CSI", "\u009b"],
    ["a bidi override", "\u202e"],
    ["a zero-width space", "\u200b"],
    ["a tag", "\u{e0041}"],
    ["a lone surrogate", "\ud800"],
    ["a letter beyond ASCII", "é"],
  ] as const) {
    it(`refuses ${what}, wherever it stands`, () => {
      for (const at of [0, 8, good.length]) {
        const uri = good.slice(0, at) + char + good.slice(at);
        expect(thrownCode(() => checkCardUri(uri))).to.equal("ERR_INPUT_CARD_URI");
      }
    });
  }
});
