import { expect } from "chai";

import { claims, disclosures } from "./fixture.ts";
import {
  decodeDisclosure,
  disclosureDigest,
  type DisclosureName,
  encodeDisclosure,
  openDisclosures,
} from "../../../protocol/entry/disclosure.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isAffiantError(error) ? error.code : String(error);
  }
  return "no error";
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("protocol/entry: disclosures", () => {
  it("are encoded as RFC 9901 §4.2.1 allows: the example without white space", () => {
    const name = "family_name" as DisclosureName; // the RFC's claim, none of ours
    expect(encodeDisclosure({ salt: "_26bc4LT-ac6q2KI6cBW5es", name, value: "Möbius" })).to.equal(
      "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
    );
  });

  it("are digested as in RFC 9901 §4.2.3", () => {
    expect(disclosureDigest("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")).to.equal(
      "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
    );
  });

  it("open to their values, all or some of them", () => {
    const [input, output] = disclosures as [string, string];
    const values = { input: { amount: 10, to: "Zoë" }, output: ["ok", null] };
    expect(openDisclosures(claims._sd, [input, output])).to.deep.equal(values);
    expect(openDisclosures(claims._sd, [output])).to.deep.equal({ output: values.output });
    expect(openDisclosures(claims._sd, [])).to.deep.equal({});
  });

  it("are refused when the entry does not commit to them: another value, another salt", () => {
    const salt = "AAECAwQFBgcICQoLDA0ODw";
    const other = encodeDisclosure({ name: "input", value: { amount: 11, to: "Zoë" }, salt });
    const resalted = encodeDisclosure({
      name: "input",
      value: { amount: 10, to: "Zoë" },
      salt: `${salt.slice(0, -1)}g`,
    });
    expect(codeOf(() => openDisclosures(claims._sd, [other]))).to.equal("ERR_INPUT_DISCLOSURE");
    expect(codeOf(() => openDisclosures(claims._sd, [resalted]))).to.equal("ERR_INPUT_DISCLOSURE");
  });

  it("are refused when a name comes twice", () => {
    const again = encodeDisclosure({ name: "input", value: 2, salt: "ICEiIyQlJicoKSorLC0uLw" });
    const digests = [...claims._sd, disclosureDigest(again)].sort();
    expect(openDisclosures(digests, [again])).to.deep.equal({ input: 2 });
    expect(codeOf(() => openDisclosures(digests, [disclosures[0]!, again]))).to.equal("ERR_INPUT_DISCLOSURE");
  });

  // Each differs from the good one in one thing.
  const salt = "AAECAwQFBgcICQoLDA0ODw";
  const broken: readonly (readonly [what: string, encoded: string])[] = [
    ["an unknown name", encode([salt, "secret", 1])],
    ["a name that is no text", encode([salt, 1, 1])],
    ["a salt below 16 bytes", encode([salt.slice(0, 21), "input", 1])],
    ["a salt that is no base64url", encode([`${salt}!`, "input", 1])],
    ["two elements", encode([salt, 1])],
    ["four elements", encode([salt, "input", 1, 1])],
    ["an object", encode({ salt, name: "input", value: 1 })],
    ["white space", Buffer.from(`["${salt}", "input",1]`).toString("base64url")],
    ["padding", `${encode([salt, "input", 1])}=`],
    ["bytes that are no JSON", "AAAA"],
  ];
  it("are read in their one form", () => {
    expect(decodeDisclosure(encode([salt, "input", 1]))).to.deep.equal({ salt, name: "input", value: 1 });
  });
  for (const [what, encoded] of broken) {
    it(`are not read with ${what}`, () => {
      expect(codeOf(() => decodeDisclosure(encoded))).to.equal("ERR_INPUT_DISCLOSURE");
    });
  }

  it("are made only of what JSON can say", () => {
    const name = "input";
    expect(codeOf(() => encodeDisclosure({ name, salt, value: Number.NaN }))).to.equal("ERR_INPUT_MALFORMED");
  });
});
