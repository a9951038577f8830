import { expect } from "chai";

import { absenceRemarks, factsLookingBack } from "../../../protocol/policy/absence.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import { shopBundle } from "./bundle.ts";

const compiled = (charged: string) => compilePolicy({ ...shopBundle, facts: { ...shopBundle.facts, charged } });
const remarks = (expression: string): string[] =>
  absenceRemarks(compiled(expression))
    .filter(({ fact }) => fact === "charged")
    .map(({ operator, operand }) => `${operator} ${operand}`);

describe("protocol/policy absence that reads as false", () => {
  const told: readonly [string, readonly string[]][] = [
    ['($c := input.currency; $c = "USD")', ["= $c"]],
    ['($i := input; $i.currency != "USD")', ["!= $i.currency"]],
    ['input.currency != "USD"', ["!= input.currency"]],
    ['input.currency = "USD"', ["= input.currency"]],
    ["input.paid and input.sent", ["and input.paid", "and input.sent"]],
    ["input.paid or output.ok", ["or input.paid", "or output.ok"]],
    ['input.currency in ["USD", "EUR"]', ["in input.currency"]],
    ["input.sku in input.allowed", ["in input.sku", "in input.allowed"]],
    ['$not(input.currency = "USD")', ["= input.currency"]],
    ['$lowercase(input.currency) = "usd"', ["= input.currency"]],
    ["input.a + 1 = 2", ["= input.a"]],
    ["input.express ? true : false", ["? input.express"]],
    ["$exists(before[input.order = $$.input.order])", ["= $$.input.order"]],
    ["$exists(input.other) ? input.paid = 1", ["= input.paid"]],
  ];
  for (const [expression, expected] of told) {
    it(`is told of ${expression}`, () => {
      expect(remarks(expression)).to.deep.equal(expected);
    });
  }

  const silent = [
    '($c := input.currency; $exists($c) ? $c = "USD")',
    '$count($filter(input.lines, function($l) { $l.sku = "x" })) > 0',
    '$exists(input.currency) ? input.currency != "USD"',
    '$exists(input.order.id) and input.order = "x"',
    '$type(input.currency) = "string" and input.currency = "x"',
    'act = "payment.charge" and seq = 0',
    '$exists(before[act = "payment.charge" and output.ok])',
    '$exists(input.lines[sku = "x"])',
    "$count(input.lines) = 0",
    "input.a > 1",
    "input.charged",
  ];
  for (const expression of silent) {
    it(`is not told of ${expression}`, () => {
      expect(remarks(expression)).to.deep.equal([]);
    });
  }

  it("is what the evaluator makes of it, and asking first mends it", async () => {
    const act = { act: "payment.refund", seq: 1, input: {}, allDisclosed: true };
    const judge = (expression: string) => evaluateAct(compiled(expression), "did:ada", act, []);
    // The rule needs the fact, and is content with a false one.
    expect((await judge('input.currency = "USD"')).findings.map(({ outcome }) => outcome)).to.deep.equal(["violated"]);
    const asked = '$exists(input.currency) ? input.currency = "USD"';
    expect((await judge(asked)).findings.map(({ outcome }) => outcome)).to.deep.equal(["undecidable"]);
  });

  it("knows which facts look back", () => {
    expect(factsLookingBack(compiled("$exists(before)"))).to.deep.equal(["charged"]);
    expect(factsLookingBack(compiled("$count($$.before[act = $$.act].seq)"))).to.deep.equal(["charged"]);
    expect(factsLookingBack(compiled('input.before = "before"'))).to.deep.equal([]);
    expect(factsLookingBack(compiled("true"))).to.deep.equal([]);
  });
});
