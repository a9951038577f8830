import { expect } from "chai";

import { jsonOf } from "../../../protocol/json/jsonOf.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

function refusalOf(value: unknown): string {
  try {
    return JSON.stringify(jsonOf(value));
  } catch (error) {
    return isAffiantError(error, "ERR_INPUT_MALFORMED") ? error.message : String(error);
  }
}

describe("protocol/json: what becomes JSON", () => {
  it("takes interfaces, classes and dates as JSON.stringify writes them, and leaves undefined members out", () => {
    class Money {
      readonly cents = 5;
    }
    const value = { when: new Date(0), price: new Money(), note: undefined, lines: [1, "a", null, true] };
    expect(jsonOf(value)).to.deep.equal(JSON.parse(JSON.stringify(value)));
    expect(jsonOf(value)).not.to.have.property("note");
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  const lost: readonly (readonly [name: string, value: unknown, words: string])[] = [
    [
      "a Map, which would be written as {}",
      { a: [{ "b/c": new Map([[1, 2]]) }] },
      "a Map has no JSON form (at /a/0/b~1c)",
    ],
    ["NaN, which would be written as null", { a: NaN }, "NaN has no JSON form (at /a)"],
    ["an infinite number", [Infinity], "Infinity has no JSON form (at /0)"],
    ["a function, which would be left out", { a: () => 1 }, "a value of type function has no JSON form (at /a)"],
    ["undefined in an array, which would be null", [undefined], "a value of type undefined has no JSON form (at /0)"],
    ["a hole in an array", new Array<number>(1), "a value of type undefined has no JSON form (at /0)"],
    ["bytes", { a: new Uint8Array(1) }, "a Uint8Array has no JSON form (at /a)"],
    ["a bigint", { a: 1n }, "a value of type bigint has no JSON form (at /a)"],
    ["a promise, which nobody awaited", { a: Promise.resolve(1) }, "a Promise has no JSON form (at /a)"],
    ["what holds itself", circle, "what is nested deeper than 1000, or holds itself has no JSON form"],
  ];
  for (const [name, value, words] of lost) {
    it(`refuses ${name}`, () => expect(refusalOf(value)).to.equal(words));
  }
});
