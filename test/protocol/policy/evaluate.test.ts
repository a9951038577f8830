import { expect } from "chai";

import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import { factLimits } from "../../../protocol/policy/factMeter.ts";
import type { ActConformity, PolicyAct, PolicyBundle } from "../../../protocol/policy/types.ts";
import { shopBundle } from "./bundle.ts";

const charge: PolicyAct = { act: "payment.charge", seq: 1, input: { cents: 500 }, allDisclosed: true };
const refund: PolicyAct = { act: "payment.refund", seq: 2, input: { cents: 500 }, allDisclosed: true };
const charged: PolicyAct = { ...charge, output: { ok: true } };

function judge(
  act: PolicyAct,
  before: readonly PolicyAct[] = [],
  options: { did?: string; bundle?: PolicyBundle } = {},
): Promise<ActConformity> {
  return evaluateAct(compilePolicy(options.bundle ?? shopBundle), options.did ?? "did:ada", act, before);
}

async function outcomes(...parameters: Parameters<typeof judge>): Promise<string[]> {
  const { findings } = await judge(...parameters);
  return findings.map(({ ruleId, outcome }) => `${ruleId} ${outcome}`);
}

const withFact = (cents: string): PolicyBundle => ({ ...shopBundle, facts: { ...shopBundle.facts, cents } });

describe("protocol/policy evaluateAct", () => {
  it("lets an act that breaks nothing conform", async () => {
    expect(await judge(charge)).to.deep.equal({ outcome: "conforms", findings: [] });
  });

  it("names the broken rule and its facts", async () => {
    expect(await judge({ ...charge, input: { cents: 10001 } })).to.deep.equal({
      outcome: "violates",
      findings: [
        { ruleId: "max", rule: "At most 100 dollars a charge.", outcome: "violated", detail: "cents = 10001" },
      ],
    });
  });

  it("names every broken rule, not only the first", async () => {
    const input = { cents: 10001, tags: ["gift-card"], money: { currency: "USD", amount: 0.75 } };
    expect(await outcomes({ ...charge, input })).to.have.members(["max violated", "tags violated", "rate violated"]);
  });

  it("takes a bundle that is not compiled", async () => {
    const act = { ...charge, input: { cents: 10001 } };
    expect(await evaluateAct(shopBundle, "did:ada", act, [])).to.deep.equal(await judge(act));
  });

  it("does not hold a rule against an act outside of its scope", async () => {
    expect(await outcomes({ ...refund, input: { cents: 10001 } }, [charged])).to.deep.equal([]);
    expect(await outcomes({ ...refund, act: "ping" })).to.deep.equal([]);
    expect(await outcomes(refund, [charged], { did: "did:eve" })).to.deep.equal(["not-eve violated"]);
  });

  it("looks at what came before", async () => {
    expect(await outcomes(refund, [charged])).to.deep.equal([]);
    expect(await outcomes(refund, [{ ...charged, output: { ok: false } }])).to.deep.equal([
      "refund-after-charge violated",
    ]);
  });

  it("takes an act that the policy does not declare as a violation", async () => {
    expect(await judge({ ...charge, act: "payment.steal" })).to.deep.equal({
      outcome: "violates",
      findings: [
        {
          ruleId: "unknown-act",
          rule: "The policy declares no act of this name",
          outcome: "violated",
          detail: 'act "payment.steal"',
        },
      ],
    });
  });

  it("takes an act that nothing permits as a violation", async () => {
    const permit = '@id("small") permit (principal, action == Action::"payment.charge", resource)';
    const bundle = (rest: string): PolicyBundle => ({
      ...shopBundle,
      policies: shopBundle.policies.replace('@id("base") permit (principal, action, resource);', `${permit} ${rest}`),
    });
    const conditional = bundle("when { context has cents && context.cents < 100 };");
    expect(await outcomes(charge, [], { bundle: bundle(";") })).to.deep.equal([]);
    expect(await outcomes(refund, [charged], { bundle: bundle(";") })).to.deep.equal(["not-permitted violated"]);
    expect(await outcomes(charge, [], { bundle: conditional })).to.deep.equal(["not-permitted violated"]);
    expect(
      await outcomes({ ...charge, input: undefined, allDisclosed: false }, [], { bundle: conditional }),
    ).to.include("not-permitted undecidable");
  });

  describe("what cannot be decided", () => {
    it("is a rule that needs a fact which is not there", async () => {
      expect(await judge({ ...charge, input: {} })).to.deep.equal({
        outcome: "undecidable",
        findings: [
          {
            ruleId: "max",
            rule: "At most 100 dollars a charge.",
            outcome: "undecidable",
            detail: "not in the record: cents",
          },
        ],
      });
    });

    it("is every rule that looked at a withheld value, whether it says @needs or not", async () => {
      const withheld: PolicyAct = { act: "payment.charge", seq: 1 };
      const { outcome, findings } = await judge(withheld);
      expect(outcome).to.equal("undecidable");
      expect(findings.map(({ ruleId, detail }) => [ruleId, detail])).to.deep.equal([
        ["max", "cents: the input of entry 1 is not disclosed"],
        ["tags", "tags: the input of entry 1 is not disclosed"],
        ["rate", "money: the input of entry 1 is not disclosed"],
      ]);
    });

    it("is a rule over earlier acts of which one withholds what it looks at", async () => {
      const withheld: PolicyAct = { act: "payment.charge", seq: 1 };
      expect(await outcomes(refund, [withheld])).to.deep.equal(["refund-after-charge undecidable"]);
      expect(await outcomes(refund, [{ ...withheld, act: "ping" }])).to.deep.equal(["refund-after-charge violated"]);
    });

    it("is not what was never recorded, if all of the entry is disclosed", async () => {
      expect(await outcomes({ act: "payment.charge", seq: 1, allDisclosed: true })).to.deep.equal(["max undecidable"]);
    });

    it("is a rule whose fact has another type than the schema says", async () => {
      const cases: [object, string][] = [
        [{ cents: 1.5 }, "cents: 1.5 is not a whole number within ±(2^53 - 1)"],
        [{ cents: 2 ** 53 }, "cents: 9007199254740992 is not a whole number within ±(2^53 - 1)"],
        [{ cents: "5" }, 'cents: "5" is not a whole number within ±(2^53 - 1)'],
        [{ cents: 1, tags: [1] }, "tags: 1 is not a string"],
        [{ cents: 1, money: 1 }, "money: 1 is not an object"],
        [{ cents: 1, money: { amount: 1 } }, "money: the attribute currency is missing"],
        [{ cents: 1, money: { currency: "USD", amount: 1, x: 1 } }, 'money: the schema declares no attribute "x"'],
        [
          { cents: 1, money: { currency: "USD", amount: 0.00001 } },
          "money: 0.00001 is not a number of at most four decimal places",
        ],
      ];
      for (const [input, detail] of cases) {
        const { outcome, findings } = await judge({ ...charge, input: input as Record<string, never> });
        expect([outcome, findings[0]?.detail]).to.deep.equal(["undecidable", detail]);
      }
    });

    it("is a rule on which Cedar itself stumbles", async () => {
      const policies = shopBundle.policies.replace("context.cents > 10000", "context.cents * 10000 > 10000");
      const act = { ...charge, input: { cents: Number.MAX_SAFE_INTEGER } };
      const { outcome, findings } = await judge(act, [], { bundle: { ...shopBundle, policies } });
      expect(outcome).to.equal("undecidable");
      expect(findings[0]?.detail).to.match(/integer overflow/);
    });
  });

  it("takes decimals as numbers or text, and one value for a set of one", async () => {
    const money = (amount: unknown) => ({
      ...charge,
      input: { cents: 1, money: { currency: "USD", amount } } as never,
    });
    expect(await outcomes(money(0.5))).to.deep.equal([]);
    expect(await outcomes(money("0.5001"))).to.deep.equal(["rate violated"]);
    expect(await outcomes(money(1))).to.deep.equal(["rate violated"]);
    expect(await outcomes({ ...charge, input: { cents: 1, tags: "gift-card" } })).to.deep.equal(["tags violated"]);
  });

  it("reads a time only with its offset, so that it is the same instant everywhere", async () => {
    const bundle = withFact("$toMillis(input.at)");
    const at = (time: string) => ({ ...charge, input: { at: time } });
    expect(await outcomes(at("1970-01-01T01:00:10+01:00"), [], { bundle })).to.deep.equal([]);
    expect(await outcomes(at("1970-01-01T01:00:11+01:00"), [], { bundle })).to.deep.equal(["max violated"]);
    const { findings } = await judge(at("1970-01-01T01:00:10"), [], { bundle });
    expect(findings[0]).to.deep.include({ ruleId: "max", outcome: "undecidable" });
    expect(findings[0]?.detail).to.match(/with its offset/);
  });

  describe("against a hostile bundle", () => {
    const hostile: [string, string, RegExp][] = [
      ["a loop without end", "($f := function() { $f() }; $f())", /may take \d+ steps/],
      ["a string that doubles", '($f := function($x) { $f($x & $x) }; $f("0123456789"))', /longer than \d+ characters/],
      [
        "an object that doubles",
        '($f := function($x) { $f({"a": $x, "b": $x}) }; $f(1))',
        /holds more than \d+ values/,
      ],
      ["deep recursion", "($f := function($n) { $n > 0 ? 1 + $f($n - 1) : 0 }; $f(1000))", /Stack overflow/],
      ["a long range", "$count([1..9999999])", /maximum sequence length/],
      ["nested loops", "$sum([1..9999].($sum([1..9999].(1))))", /may take \d+ steps/],
      ["$eval behind a bound name", '(false ? ($eval := 1); $eval("5"))', /\$eval is not allowed/],
      ["$now behind a bound name", "(false ? ($now := 1); $now())", /\$now is not allowed/],
    ];
    for (const [name, fact, detail] of hostile) {
      it(`ends, undecided: ${name}`, async function () {
        this.timeout(0);
        const bundle = withFact(fact);
        const { outcome, findings } = await judge(charge, [], { bundle });
        expect(outcome).to.equal("undecidable");
        expect(findings[0]).to.deep.include({ ruleId: "max", outcome: "undecidable" });
        expect(findings[0]?.detail).to.match(detail);
        expect(await judge(charge, [], { bundle })).to.deep.equal({ outcome, findings });
      });
    }
  });

  it("does not trip over a record that is nested too deep", async () => {
    let input: PolicyAct["input"] = 1;
    for (let depth = 0; depth <= factLimits.depth; depth++) input = [input];
    const { outcome, findings } = await judge({ ...charge, input });
    expect(outcome).to.equal("undecidable");
    expect(findings[0]?.detail).to.match(/nested deeper than 240/);
  });

  it("judges many acts at once without mixing them up", async () => {
    const policy = compilePolicy(shopBundle);
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, cents) =>
        evaluateAct(policy, "did:ada", { ...charge, input: { cents: cents % 2 === 0 ? 1 : 10001 } }, []),
      ),
    );
    expect(verdicts.map(({ outcome }) => outcome)).to.deep.equal(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? "conforms" : "violates")),
    );
  });
});
