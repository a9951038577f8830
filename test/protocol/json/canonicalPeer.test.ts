import canonicalize from "canonicalize";
import { expect } from "chai";
import fc from "fast-check";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { parseCanonicalJson } from "../../../protocol/json/canonical.ts";

/** The rule itself, by the independent implementation: canonical is what it writes again byte for byte. */
function isCanonical(text: string): boolean {
  try {
    return canonicalize(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

function isAccepted(text: string): boolean {
  try {
    parseCanonicalJson(text);
    return true;
  } catch (error) {
    expect(error).to.be.instanceOf(AffiantError).with.property("code", "ERR_INPUT_ENCODING");
    return false;
  }
}

describe("protocol/json: canonical form beside an independent implementation", () => {
  it("accepts and rejects the hard cases as RFC 8785 has them", () => {
    const accepted = [
      '{"1":1,"10":2,"2":3}',
      '{"":0,"a":{"b":[]}}',
      '"\\u0000"',
      "1e+21",
      '{"€":1,"😀":2,"ﬀ":3}',
      "-1.5",
    ];
    const rejected = [
      '{"b":1,"a":2}',
      '{"a":1,"a":1}',
      "1.0",
      "-0",
      '"\\u0041"',
      '{"a": 1}',
      '"\\/"',
      "1e21",
      '{"2":3,"10":2}',
    ];
    for (const text of accepted) expect([text, isAccepted(text)]).to.deep.equal([text, true]);
    for (const text of rejected) expect([text, isAccepted(text)]).to.deep.equal([text, false]);
  });

  it("rejects nesting that is too deep to walk, as it rejects any other text", () => {
    expect(isAccepted("[".repeat(30_000) + "]".repeat(30_000))).to.equal(false);
  });

  it("agrees with an independent implementation on any JSON, canonical or merely valid", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, tidy) => {
        const text = (tidy ? canonicalize(value) : JSON.stringify(value)) ?? "null";
        expect([text, isAccepted(text)]).to.deep.equal([text, isCanonical(text)]);
      }),
      { numRuns: 2_000 },
    );
  });
});
