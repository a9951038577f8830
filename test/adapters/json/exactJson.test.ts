import { expect } from "chai";
import fc from "fast-check";

import {
  ExactNumber,
  isHeldByDouble,
  parseExactJson,
  quoteNonNumbers,
  settle,
} from "../../../adapters/json/exactJson.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

describe("adapters/json/exactJson", () => {
  it("parses what JSON.parse parses to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(settle(parseExactJson(text).value).value).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it("knows which literals a double gives back", () => {
    for (const held of ["0", "-0", "0.1", "1.50", "15e-1", "1E2", "9007199254740992", "1e21", "5e-324", "100"]) {
      expect(isHeldByDouble(held), held).to.equal(true);
    }
    const lost = [
      "9007199254740993",
      "1000000000000000001",
      "1e400",
      "-1e400",
      "1e-400",
      "0.1000000000000000055511151231257827",
    ];
    for (const literal of lost) expect(isHeldByDouble(literal), literal).to.equal(false);
  });

  it("agrees with exact integer arithmetic on every integer", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 80n), max: 1n << 80n }), (whole) => {
        const shown = BigInt(Number(whole)) === whole && String(BigInt(Number(whole))) === String(whole);
        // A double that is equal but is written by other digits (2^70) gives other digits back.
        const gives = /e/.test(String(Number(whole))) || String(Number(whole)) === String(whole);
        if (!shown) expect(isHeldByDouble(String(whole))).to.equal(false);
        else if (gives && !/e/.test(String(Number(whole)))) expect(isHeldByDouble(String(whole))).to.equal(true);
      }),
    );
  });

  it("settles literals as text, with RFC 6901 pointers", () => {
    const { value } = parseExactJson('{"a/b":[1,{"~":12345678901234567890}],"far":1e999}');
    expect(settle(value)).to.deep.equal({
      value: { "a/b": [1, { "~": "12345678901234567890" }], far: "1e999" },
      exactNumbers: ["/a~1b/1/~0", "/far"],
      beyondRange: ["/far"],
    });
  });

  it("names repeated keys, and only those whose values differ", () => {
    expect(parseExactJson('{"a":1,"b":{"c":1,"c":2},"a":1}').repeatedKeys).to.deep.equal(["c"]);
  });

  it("keeps a key named __proto__ as a key", () => {
    const { value } = settle(parseExactJson('{"__proto__":{"a":10000000000000000001}}').value);
    expect(Object.keys(value as object)).to.deep.equal(["__proto__"]);
  });

  it("refuses what is no JSON, and what is nested without end", () => {
    for (const text of ["", "{", "[1,]", "NaN", "01", "'a'", "[".repeat(200_000)]) {
      expect(() => parseExactJson(text), text.slice(0, 9)).to.throw(SyntaxError);
    }
    let deep: unknown = new ExactNumber("1e999");
    for (let i = 0; i < 1_100; i++) deep = [deep];
    expect(thrownCode(() => settle(deep as never))).to.equal("ERR_INPUT_MALFORMED");
  });

  it("quotes Python's non-numbers and leaves strings alone", () => {
    expect(quoteNonNumbers('{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \\" Infinity"}')).to.equal(
      '{"a":"NaN","b":["-Infinity","Infinity"],"c":"NaN \\" Infinity"}',
    );
  });
});
