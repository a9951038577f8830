import { createHash } from "node:crypto";

import { expect } from "chai";

import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { cedarLimits } from "../../../protocol/policy/cedarLimits.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { bundleLimits, parsePolicyBundle } from "../../../protocol/policy/parseBundle.ts";
import { policyHashOf } from "../../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../../protocol/policy/types.ts";
import { shopBundle } from "./bundle.ts";

function refusal(json: unknown): string {
  try {
    parsePolicyBundle(json);
  } catch (error) {
    if (isAffiantError(error, "ERR_INPUT_POLICY")) return error.message;
    throw error;
  }
  return "accepted";
}

const withPolicy = (policy: string): PolicyBundle => ({ ...shopBundle, policies: `${shopBundle.policies}\n${policy}` });
const withCondition = (condition: string): PolicyBundle =>
  withPolicy(
    `@id("x") @rule("x") forbid (principal, action == Action::"payment.charge", resource) when { ${condition} };`,
  );
const withFact = (cents: string): PolicyBundle => ({ ...shopBundle, facts: { ...shopBundle.facts, cents } });
const withSchema = (from: string | RegExp, to: string): PolicyBundle => ({
  ...shopBundle,
  schema: shopBundle.schema.replace(from, to),
});

describe("protocol/policy bundle", () => {
  it("is accepted as it stands", () => {
    expect(parsePolicyBundle(JSON.parse(JSON.stringify(shopBundle)))).to.deep.equal(shopBundle);
  });

  it("hashes to SHA-256 of its RFC 8785 form, whatever the order of its keys", () => {
    const small = { ...shopBundle, schema: "s", policies: "p", facts: { b: "2", a: "1" }, undecidable: [] };
    // Written out by hand as RFC 8785 orders it.
    const canonical =
      '{"description":"What the payment agent may do.","facts":{"a":"1","b":"2"},"format":"affiant-policy/1",' +
      '"name":"shop","policies":"p","schema":"s","undecidable":[]}';
    expect(policyHashOf(small)).to.equal(`0x${createHash("sha256").update(canonical).digest("hex")}`);
  });

  it("is refused for its shape", () => {
    const cases: [unknown, RegExp][] = [
      [null, /is not an object/],
      [[shopBundle], /is not an object/],
      [{ ...shopBundle, format: "affiant-policy/2" }, /`format`/],
      [{ ...shopBundle, extra: 1 }, /unknown key "extra"/],
      [{ ...shopBundle, name: undefined }, /`name` is not a text/],
      [{ ...shopBundle, name: "Shop" }, /`name` is not of/],
      [{ ...shopBundle, name: "s".repeat(65) }, /longer than 64/],
      [{ ...shopBundle, description: " " }, /`description`/],
      [{ ...shopBundle, facts: [] }, /`facts` is not an object/],
      [{ ...shopBundle, facts: { ...shopBundle.facts, cents: 1 } }, /fact cents/],
      [{ ...shopBundle, facts: { ...shopBundle.facts, "a b": "1" } }, /"a b" is no Cedar identifier/],
      [{ ...shopBundle, undecidable: {} }, /`undecidable` is not a list/],
      [{ ...shopBundle, undecidable: [{ rule: "r" }] }, /undecidable\[0\] lacks "why"/],
      [{ ...shopBundle, undecidable: [{ rule: "r", why: "w", x: 1 }] }, /unknown key "x"/],
      [{ ...shopBundle, description: "\ud800" }, /no canonical JSON/],
      [{ ...shopBundle, policies: "x".repeat(bundleLimits.canonicalBytes) }, /larger than/],
    ];
    for (const [json, message] of cases) expect(refusal(json)).to.match(message);
    const { undecidable: _, ...lacking } = shopBundle;
    expect(refusal(lacking)).to.match(/lacks "undecidable"/);
  });

  it("is refused for its schema", () => {
    const cases: [PolicyBundle, RegExp][] = [
      [withSchema("entity Agent;", "entity Agent"), /the schema does not parse: .*unexpected token/],
      [withSchema("entity System;", "entity Other;"), /the schema does not parse/],
      [withSchema("entity Agent;", "entity Agent { age: Long };"), /entity Agent must have no attributes/],
      [withSchema("entity Agent;", 'entity Agent enum ["a"];'), /entity Agent must have no/],
      [withSchema("principal: Agent", "principal: System"), /must apply to principal Agent/],
      [withSchema("cents?: Long", "cents: Long"), /cents of action .* must be optional/],
      [withSchema("cents?: Long", "cents?: Agent"), /cannot be of type Entity/],
      [withSchema(/^/, "namespace Shop {} "), /empty namespace/],
      [withSchema("charged?: Bool", "charged?: Bool, more?: Bool"), /no fact computes .* more/],
      [withSchema(", charged?: Bool", ""), /attribute `charged`|charged/],
    ];
    for (const [bundle, message] of cases) expect(refusal(bundle)).to.match(message);
  });

  it("is refused for its policies, with Cedar's words", () => {
    const cases: [PolicyBundle, RegExp][] = [
      [withPolicy("forbid (principal"), /Cedar cannot read the policies: .*unexpected end of input/],
      [withCondition("context.cents > 1"), /unable to guarantee safety of access to optional attribute `cents`/],
      [withCondition('context has cents && context.cents == "1"'), /types .* are not compatible|not compatible/],
      [withCondition("false"), /Cedar rejects the policies: .*impossible/],
      [withPolicy('@id("x") @rule("r") forbid (principal, action == Action::"pay", resource);'), /unrecognized action/],
      [withPolicy('@rule("r") forbid (principal, action, resource);'), /has no @id/],
      [withPolicy('@id("X Y") @rule("r") forbid (principal, action, resource);'), /has no @id of/],
      [withPolicy('@id("x") forbid (principal, action, resource);'), /forbid policy x has no @rule/],
      [withPolicy('@id("max") @rule("r") forbid (principal, action, resource);'), /two policies have @id\("max"\)/],
      [withPolicy('@id("unknown-act") @rule("r") forbid (principal, action, resource);'), /is reserved/],
      [
        withPolicy('@id("x") @rule("r") @need("cents") forbid (principal, action, resource);'),
        /unknown annotation @need/,
      ],
      [
        withPolicy('@id("x") @rule("r") @needs("cent") forbid (principal, action, resource);'),
        /needs cent, which is no/,
      ],
      [withPolicy('@id("x") @rule("r") forbid (principal == ?principal, action, resource);'), /template/],
      [{ ...shopBundle, policies: shopBundle.policies.replace("permit", '@rule("x") forbid') }, /no policy permits/],
    ];
    for (const [bundle, message] of cases) expect(refusal(bundle)).to.match(message);
  });

  it("is refused for a fact that might not end, or end differently", () => {
    const cases: [string, RegExp][] = [
      ["input.(", /fact cents: .*Unexpected end|fact cents/],
      ["$now()", /\$now is not allowed/],
      ["$millis()", /\$millis is not allowed/],
      ["$random()", /\$random is not allowed/],
      ["$shuffle(input)", /\$shuffle is not allowed/],
      ['$eval("1")', /\$eval is not allowed/],
      ["$distinct(input)", /\$distinct is not allowed/],
      ["$map(input, $string)", /\$string must be called/],
      ["$substring(?, 1)", /partial application/],
      ["$contains(input.a, /(a+)+$/)", /regular expressions/],
      ["input ~> |a|{}|", /transform/],
      [`${"[".repeat(65)}1${"]".repeat(65)}`, /nested deeper than 64/],
      ["$unbound", /\$unbound is not allowed/],
    ];
    for (const [fact, message] of cases) expect(refusal(withFact(fact))).to.match(message);
    expect(refusal({ ...shopBundle, facts: { ...shopBundle.facts, stray: "1" } })).to.match(/stray is no context/);
  });

  it("accepts functions of its own, chains and variables", () => {
    for (const fact of [
      "( $double := function($x) { $x * 2 }; $double(input.cents) )",
      "input.items.cents ~> $sum()",
      "$sum($map(input.items, function($item, $i) { $item.cents + $i }))",
      "input.items#$at.(cents * $at) ~> $sum",
    ]) {
      expect(refusal(withFact(fact)), fact).to.equal("accepted");
    }
  });

  // A WebAssembly module whose stack ran over is broken for good, so what is let in must stay far from that.
  it("keeps Cedar alive on text built to overflow its stack", () => {
    const { nesting, operatorsPerPolicy } = cedarLimits;
    const chain = (count: number) => `context has cents${" && context.cents > 0".repeat(count)}`;
    const parens = (depth: number) => `${"(".repeat(depth)}context has cents${")".repeat(depth)}`;
    // A comparison must not count as a closing bracket.
    const sneaky = (depth: number) => `${"(1 > 0 && ".repeat(depth)}context has cents${")".repeat(depth)}`;
    expect(refusal(withCondition(chain(operatorsPerPolicy / 2)))).to.equal("accepted");
    expect(refusal(withCondition(parens(nesting - 2)))).to.equal("accepted");
    expect(refusal(withCondition(chain(5000)))).to.match(/chains more than 256 operators/);
    expect(refusal(withCondition(parens(5000)))).to.match(/nested deeper than 64/);
    expect(refusal(withCondition(sneaky(250)))).to.match(/nested deeper than 64/);
    expect(refusal(withSchema("cents?: Long", `cents?: ${"Set<".repeat(5000)}Long${">".repeat(5000)}`))).to.match(
      /nested deeper than 64/,
    );
    expect(refusal(withPolicy("// x\n;".repeat(300)))).to.match(/more than 256 statements/);
    expect(() => compilePolicy({ ...shopBundle })).not.to.throw();
  });
});
