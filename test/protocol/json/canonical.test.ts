import { expect } from "chai";

import { canonicalJsonBytes, parseCanonicalJson, toCanonicalJson } from "../../../protocol/json/canonical.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isAffiantError(error) ? error.code : String(error);
  }
  return "no error";
}

describe("protocol/json: RFC 8785", () => {
  // RFC 8785 §3.2.2, and the same in octets §3.2.4.
  const example = {
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };

  it("writes the example of §3.2.2", () => {
    expect(toCanonicalJson(example)).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("writes the octets of §3.2.4", () => {
    const octets =
      "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b333333333333333333" +
      "2e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c7530303066" +
      "5c6e4127425c225c5c5c5c5c222f227d";
    expect(Buffer.from(canonicalJsonBytes(example)).toString("hex")).to.equal(octets);
  });

  it("sorts keys by UTF-16 code units, as in §3.2.3", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const text = toCanonicalJson(value);
    expect([...text.matchAll(/:"([^"]+)"/g)].map((match) => match[1])).to.deep.equal([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  // RFC 8785 appendix B: IEEE 754 bits and their text.
  const numbers: readonly (readonly [bits: string, text: string])[] = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ];
  for (const [bits, text] of numbers) {
    it(`writes the number ${bits} as ${text} (appendix B)`, () => {
      expect(toCanonicalJson(Buffer.from(bits, "hex").readDoubleBE(0))).to.equal(text);
    });
  }

  const unsayable: readonly (readonly [what: string, value: unknown])[] = [
    ["NaN (appendix B)", NaN],
    ["Infinity (appendix B)", Infinity],
    ["undefined", undefined],
    ["a function", () => 1],
    ["a bigint", 1n],
    ["a lone surrogate (§3.2.2.2)", "\ud800"],
    ["a lone surrogate in a key", { "\udead": 1 }],
  ];
  for (const [what, value] of unsayable) {
    it(`refuses ${what}`, () => {
      expect(codeOf(() => toCanonicalJson(value))).to.equal("ERR_INPUT_MALFORMED");
    });
  }

  it("refuses a value that holds itself", () => {
    const value: Record<string, unknown> = {};
    value["self"] = value;
    expect(codeOf(() => toCanonicalJson(value))).to.equal("ERR_INPUT_MALFORMED");
  });

  it("reads back exactly what it wrote, from text and from bytes", () => {
    const text = toCanonicalJson(example);
    expect(parseCanonicalJson(text)).to.deep.equal(JSON.parse(text));
    expect(parseCanonicalJson(canonicalJsonBytes(example))).to.deep.equal(JSON.parse(text));
  });

  // Each differs from `{"a":1,"b":[2]}` in one thing.
  const others: readonly (readonly [what: string, text: string])[] = [
    ["white space", '{"a":1, "b":[2]}'],
    ["a line feed at the end", '{"a":1,"b":[2]}\n'],
    ["keys in another order", '{"b":[2],"a":1}'],
    ["a key given twice", '{"a":1,"a":1,"b":[2]}'],
    ["another spelling of a number", '{"a":1.0,"b":[2]}'],
    ["an exponent that is not needed", '{"a":1e0,"b":[2]}'],
    ["minus zero", '{"a":-0,"b":[2]}'],
    ["a number beyond doubles", '{"a":1e400,"b":[2]}'],
    ["an escape that is not needed", '{"\\u0061":1,"b":[2]}'],
    ["a byte order mark", '\ufeff{"a":1,"b":[2]}'],
    ["a comma too many", '{"a":1,"b":[2],}'],
    ["nothing", ""],
  ];
  it("reads the canonical form of what the following spell otherwise", () => {
    expect(parseCanonicalJson('{"a":1,"b":[2]}')).to.deep.equal({ a: 1, b: [2] });
  });
  for (const [what, text] of others) {
    it(`does not read ${what}`, () => {
      expect(codeOf(() => parseCanonicalJson(text))).to.equal("ERR_INPUT_ENCODING");
    });
  }

  it("does not read bytes that are not UTF-8", () => {
    expect(codeOf(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22)))).to.equal("ERR_INPUT_ENCODING");
  });

  it("does not read UTF-8 that encodes a surrogate", () => {
    expect(codeOf(() => parseCanonicalJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)))).to.equal(
      "ERR_INPUT_ENCODING",
    );
  });

  it("does not read an escaped lone surrogate", () => {
    expect(codeOf(() => parseCanonicalJson('"\\ud800"'))).to.equal("ERR_INPUT_ENCODING");
  });

  it("keeps a key named __proto__ as a key", () => {
    const value = parseCanonicalJson('{"__proto__":{"a":1}}') as Record<string, unknown>;
    expect(Object.keys(value)).to.deep.equal(["__proto__"]);
    expect(toCanonicalJson(value)).to.equal('{"__proto__":{"a":1}}');
  });
});
