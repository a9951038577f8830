import { expect } from "chai";

import { policyGate, type ToolCall } from "../../../adapters/mcp/gate.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { parsePolicyBundle } from "../../../protocol/policy/parseBundle.ts";
import type { PolicyAct } from "../../../protocol/policy/types.ts";

const bundle = {
  format: "affiant-policy/1",
  name: "transfers",
  description: "What may be sent.",
  schema: `
    entity Agent; entity System;
    action "transfer" appliesTo { principal: Agent, resource: System,
      context: { amount?: decimal, due?: datetime, sentBefore?: Long } };
    action "look" appliesTo { principal: Agent, resource: System, context: { failed?: Bool } };`,
  policies: `
    @id("all") permit(principal, action, resource);
    @id("small") @rule("At most 100.") @needs("amount")
    forbid(principal, action == Action::"transfer", resource)
    when { context has amount && context.amount.greaterThan(decimal("100.0")) };
    @id("due") @rule("Not after 2026.")
    forbid(principal, action == Action::"transfer", resource)
    when { context has due && context.due > datetime("2026-12-31") };
    @id("twice") @rule("At most two for one payee.") @needs("sentBefore")
    forbid(principal, action == Action::"transfer", resource) when { context has sentBefore && context.sentBefore > 1 };
    @id("works") @rule("What is looked up is there.")
    forbid(principal, action == Action::"look", resource) when { context has failed && context.failed };`,
  thread: "input.payee",
  facts: {
    amount: "input.amount",
    due: "input.due",
    sentBefore: '$count(before[act = "transfer"])',
    failed: '$type(output) = "string"',
  },
  undecidable: [],
};
const gateOf = (more: object = {}) => policyGate(compilePolicy(parsePolicyBundle({ ...bundle, ...more })), "did:ada");
const transfer = (args: ToolCall["args"]): ToolCall => ({ tool: "transfer", args, index: 5, session: "s" });
const sent = (payee: string): PolicyAct => ({ act: "transfer", seq: 0, input: { payee, amount: 1 }, output: "ok" });

describe("adapters/mcp policyGate", () => {
  it("lets through what the policy decides in favour of", async () => {
    expect(await gateOf()(transfer({ payee: "a", amount: 99.9, due: "2026-01-01T00:00:00+00:00" }), [])).to.equal(
      undefined,
    );
  });

  const refused: readonly [what: string, ToolCall["args"], readonly PolicyAct[], RegExp][] = [
    ["is forbidden", { payee: "a", amount: 100.01 }, [], /small/],
    [
      "is forbidden, with a date beside it that nobody can read",
      { payee: "a", amount: 100.01, due: "soon" },
      [],
      /small/,
    ],
    ["cannot be decided for a date", { payee: "a", amount: 1, due: "soon" }, [], /cannot be decided.*due/],
    ["cannot be decided for an amount", { payee: "a", amount: "much" }, [], /cannot be decided.*small/],
    ["cannot be decided for lack of an amount", { payee: "a" }, [], /cannot be decided.*small/],
    ["does not say which thread it is of", { amount: 1 }, [], /cannot be decided.*names no thread/],
    ["is one too many of its thread", { payee: "a", amount: 1 }, [sent("a"), sent("a")], /twice/],
  ];
  for (const [what, args, before, words] of refused) {
    it(`refuses what ${what}`, async () => {
      const refusal = await gateOf()(transfer(args), before);
      expect(refusal?.code).to.equal("ERR_AUTH_POLICY");
      expect(refusal?.detail).to.match(words);
    });
  }

  it("counts what came before in the thread that the policy names", async () => {
    expect(await gateOf()(transfer({ payee: "a", amount: 1 }), [sent("b"), sent("b"), sent("a")])).to.equal(undefined);
  });

  it("refuses what hangs on the result, unless the policy names the act", async () => {
    const look: ToolCall = { tool: "look", args: {}, index: 0 };
    expect((await gateOf()(look, []))?.detail).to.match(/cannot be decided.*works/);
    const lenient = gateOf({ letThroughInDoubt: ["look", "transfer"] });
    expect(await lenient(look, [])).to.equal(undefined);
    expect(await lenient(transfer({ payee: "a", amount: 1, due: "soon" }), [])).to.equal(undefined);
    // In doubt, not in the face of a rule.
    expect((await lenient(transfer({ payee: "a", amount: 101, due: "soon" }), []))?.detail).to.match(/small/);
  });

  it("calls nothing kept by the session's word where the policy names no thread", async () => {
    const { thread: _thread, ...rest } = bundle;
    const gate = policyGate(compilePolicy(parsePolicyBundle(rest)), "did:ada");
    expect((await gate(transfer({ payee: "a", amount: 1 }), []))?.detail).to.match(/names no thread/);
  });
});
