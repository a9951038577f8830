import { join } from "node:path";

import { expect } from "chai";

import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { compilePolicy, type CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import type { PolicyAct } from "../../../protocol/policy/types.ts";

type Fields = Readonly<Record<string, Json>>;
/** An act as `[name, input, output]`. */
type Act = readonly [string, Fields, Fields];

const did = "did:ethr:0x7a69:0x0000000000000000000000000000000000000001";
const toPolicyAct = ([act, input, output]: Act, seq: number): PolicyAct => ({
  act,
  seq,
  input,
  output,
  allDisclosed: true,
});

const lines = [{ sku: "A", quantity: 2, unitPriceCents: 300 }];
const accept: Act = ["order.accept", { currency: "EUR", lines }, { totalCents: 600 }];
const complete: Act = ["order.complete", { chargedCents: 600 }, {}];
const cancel: Act = ["order.cancel", {}, {}];
const reserve: Act = ["inventory.reserve", { lines: [{ sku: "A", quantity: 20 }] }, { left: [{ sku: "A", units: 0 }] }];
const release: Act = ["inventory.release", { lines }, { left: [] }];
const charge: Act = ["payment.charge", { amountCents: 1_000_000, currency: "USD" }, {}];
const refund: Act = ["payment.refund", { amountCents: 1_000_000 }, {}];
const address = { name: "N", street: "Weg 1", city: "Wien", country: "AT" };
const ship: Act = ["fulfilment.ship", { shipTo: address, weightGrams: 30_000 }, {}];

const notify: Act = ["fulfilment.notify", { ending: "completed", share: ["customer", "goods", "reason"] }, {}];

const withInput = ([act, input, output]: Act, change: Fields): Act => [act, { ...input, ...change }, output];
const withOutput = ([act, input, output]: Act, change: Fields): Act => [act, input, { ...output, ...change }];

/** For each agent: what conforms (with what came before), and per rule the same with one thing changed. */
const cases: Readonly<
  Record<
    string,
    {
      readonly conforms: readonly (readonly [Act, readonly Act[]])[];
      readonly violates: readonly (readonly [string, Act, readonly Act[]])[];
    }
  >
> = {
  order: {
    conforms: [
      [accept, []],
      [complete, [accept]],
      [cancel, [accept]],
    ],
    violates: [
      ["currency", withInput(accept, { currency: "GBP" }), []],
      ["line-count", withOutput(withInput(accept, { lines: [] }), { totalCents: 0 }), []],
      ["total-is-sum", withOutput(accept, { totalCents: 601 }), []],
      ["accept-once", accept, [accept]],
      ["close-what-was-accepted", cancel, []],
      ["close-once", cancel, [accept, complete]],
      ["charged-as-accepted", withInput(complete, { chargedCents: 599 }), [accept]],
    ],
  },
  inventory: {
    conforms: [
      [reserve, []],
      [release, [reserve]],
    ],
    violates: [
      ["at-most-twenty", withInput(reserve, { lines: [{ sku: "A", quantity: 21 }] }), []],
      ["at-most-twenty", withInput(reserve, { lines: [{ sku: "A", quantity: 0 }] }), []],
      ["no-overselling", withOutput(reserve, { left: [{ sku: "A", units: -1 }] }), []],
      ["reserve-once", reserve, [reserve]],
      ["release-what-was-reserved", release, []],
      ["release-what-was-reserved", release, [reserve, release]],
    ],
  },
  payment: {
    conforms: [
      [charge, []],
      [refund, [charge]],
    ],
    violates: [
      ["charge-limit", withInput(charge, { amountCents: 1_000_001 }), []],
      ["charge-something", withInput(charge, { amountCents: 0 }), []],
      ["currency", withInput(charge, { currency: "GBP" }), []],
      ["charge-once", charge, [charge]],
      ["refund-what-was-charged", withInput(refund, { amountCents: 1_000_001 }), [charge]],
      ["refund-what-was-charged", withInput(refund, { amountCents: 1 }), [charge, refund]],
    ],
  },
  fulfilment: {
    conforms: [
      [ship, []],
      [notify, [ship]],
    ],
    violates: [
      ["countries", withInput(ship, { shipTo: { ...address, country: "FR" } }), []],
      ["no-post-boxes", withInput(ship, { shipTo: { ...address, street: "po box 1" } }), []],
      ["weight-limit", withInput(ship, { weightGrams: 30_001 }), []],
      ["ship-once", ship, [ship]],
      ["share-little", withInput(notify, { share: ["customer", "street"] }), [ship]],
      ["notify-once", notify, [ship, notify]],
    ],
  },
};

describe("the policies of the shop", () => {
  for (const [agent, { conforms, violates }] of Object.entries(cases)) {
    describe(agent, () => {
      let policy: CompiledPolicy;

      before(async () => {
        const folder = join(import.meta.dirname, "../../../examples/shop", agent, "policy");
        policy = compilePolicy(await loadPolicyBundle(folder));
      });

      const judge = (act: Act, before: readonly Act[]) =>
        evaluateAct(policy, did, toPolicyAct(act, before.length), before.map(toPolicyAct));

      for (const [act, before] of conforms) {
        it(`lets ${act[0]} pass at the edge of every rule`, async () => {
          expect(await judge(act, before)).to.deep.equal({ outcome: "conforms", findings: [] });
        });
      }

      for (const [rule, act, before] of violates) {
        it(`finds ${rule} broken by ${act[0]} after ${before.length} acts, and nothing else`, async () => {
          const { outcome, findings } = await judge(act, before);
          expect(outcome).to.equal("violates");
          expect(findings.map(({ ruleId }) => ruleId)).to.deep.equal([rule]);
        });
      }

      it("has a case for each of its rules", () => {
        const rules = [...policy.rules.values()].filter(({ effect }) => effect === "forbid").map(({ id }) => id);
        expect([...new Set(violates.map(([rule]) => rule))].sort()).to.deep.equal(rules.sort());
      });
    });
  }
});
