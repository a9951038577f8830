import { expect } from "chai";

import { amountOf } from "../../dashboard/model/amount.ts";
import { moneyIn } from "../../dashboard/model/summary.ts";
import type { Row } from "../../dashboard/model/row.ts";
import { allowedInWords } from "../../protocol/policy/allowed.ts";
import { readRules } from "../../protocol/policy/rules.ts";

describe("the money in an act", () => {
  it("is read by the names of its input's fields, cents as cents", () => {
    expect(amountOf({ input: { amountCents: 1250, currency: "EUR" } })).to.deep.equal({
      value: 12.5,
      currency: "EUR",
      field: "input.amountCents",
    });
    expect(amountOf({ input: { payments: [{ amount: 10 }, { amount: 5.5 }] } })?.value).to.equal(15.5);
    expect(amountOf({ input: { amount: "12.30" } })?.value).to.equal(12.3);
  });

  it("is absent, not zero, where no field is called so, and is never taken from an output", () => {
    expect(amountOf({ input: { passengers: 3 } })).to.equal(null);
    expect(amountOf({ output: { amount: 100 } } as never)).to.equal(null);
    expect(amountOf({})).to.equal(null);
  });

  it("counts a call once, though both its sides enter it, and a refusal not at all", () => {
    const amount = { value: 10, currency: "EUR", field: "input.amount" };
    const row = (task: string | null, kind = "act"): Row => ({ amount, kind, task }) as Row;
    expect(moneyIn([row("t1"), row("t1"), row("t2"), row(null), row("t3", "refusal")])).to.deep.equal([
      { currency: "EUR", value: 30, acts: 3 },
    ]);
  });
});

describe("what a rule would have allowed", () => {
  const schema = `entity Agent; entity System;
action "pay" appliesTo { principal: [Agent], resource: [System], context: { amount?: Long, vip?: Bool, city?: String } };`;
  const allowed = (condition: string, facts: Record<string, never>): string | undefined => {
    const policies = `@id("may") permit (principal, action, resource);
@id("rule") @rule("x") forbid (principal, action, resource) when { ${condition} };`;
    const rule = readRules(schema, policies).find(({ id }) => id === "rule");
    return rule && allowedInWords(rule, facts);
  };

  it("is its condition turned round, without what the facts answer", () => {
    const facts = { amount: 500, vip: false, city: "Wien" } as never;
    expect(allowed("context has amount && context.amount > 100", facts)).to.equal("amount is at most 100");
    expect(allowed("context has amount && context has vip && context.amount >= 100 && !context.vip", facts)).to.equal(
      "amount is below 100 or vip is true",
    );
    expect(allowed('context has city && !(context.city == "Wien" || context.city == "Graz")', facts)).to.equal(
      'city is "Wien" or city is "Graz"',
    );
  });

  it("is not said where nothing of the act would have made a difference", () => {
    expect(allowed("context has amount", { amount: 1 } as never)).to.equal(undefined);
  });
});
