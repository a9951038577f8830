import { expect } from "chai";

import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import { ActHistory } from "../../../protocol/policy/history.ts";
import type { PolicyAct, PolicyBundle } from "../../../protocol/policy/types.ts";
import { shopBundle } from "./bundle.ts";

const withThread = (thread: string | undefined) =>
  compilePolicy({ ...shopBundle, ...(thread === undefined ? {} : { thread }) } satisfies PolicyBundle);
const byOrder = withThread("input.order");
const charge = (seq: number, order: unknown, more: Partial<PolicyAct> = {}): PolicyAct =>
  ({ act: "payment.charge", seq, input: { order }, output: { ok: true }, allDisclosed: true, ...more }) as PolicyAct;

function historyOf(...acts: readonly PolicyAct[]): ActHistory {
  const history = new ActHistory();
  for (const act of acts) history.add(act);
  return history;
}

describe("protocol/policy ActHistory", () => {
  it("sorts acts by what the policy names, not by what they claim", async () => {
    const [a, b, c] = [
      charge(0, "A", { thread: "x" }),
      charge(1, "B", { thread: "x" }),
      charge(2, "A", { thread: "y" }),
    ];
    expect(await historyOf(a, b).before(byOrder, c)).to.deep.equal({ acts: [a] });
    expect(await historyOf(a, b, c).before(byOrder, charge(3, "B"))).to.deep.equal({ acts: [b] });
  });

  it("keeps the threads of each policy apart", async () => {
    const [a, b] = [charge(0, "A", { thread: "x" }), charge(1, "B", { thread: "x" })];
    const history = historyOf(a, b);
    expect((await history.before(byOrder, charge(2, "A"))).acts).to.deep.equal([a]);
    expect((await history.before(withThread("thread"), charge(2, "C", { thread: "x" }))).acts).to.deep.equal([a, b]);
    history.add(charge(2, "A"));
    expect((await history.before(byOrder, charge(3, "A"))).acts.map(({ seq }) => seq)).to.deep.equal([0, 2]);
  });

  it("says that it is the agent's own word where the policy names no thread", async () => {
    const a = charge(0, "A", { thread: "x" });
    const before = await historyOf(a).before(withThread(undefined), charge(1, "A", { thread: "x" }));
    expect(before.acts).to.deep.equal([a]);
    expect(before.claimed).to.match(/names no thread/);
    expect((await historyOf(a).before(withThread(undefined), charge(1, "A"))).acts).to.deep.equal([]);
  });

  const open: readonly [what: string, earlier: PolicyAct, next: PolicyAct, why: RegExp][] = [
    ["the act names none", charge(0, "A"), charge(1, undefined, { input: {} }), /entry 1 names no thread/],
    [
      "the act does not show it",
      charge(0, "A"),
      { act: "payment.charge", seq: 1 },
      /entry 1: the input of entry 1 is not/,
    ],
    [
      "an earlier act does not show it",
      { act: "payment.charge", seq: 0 },
      charge(1, "A"),
      /entry 0: the input of entry 0/,
    ],
    ["it is an object", charge(0, "A"), charge(1, { id: "A" }), /neither text nor number/],
    ["it is two", charge(0, "A"), charge(1, ["A", "B"]), /neither text nor number/],
  ];
  for (const [what, earlier, next, why] of open) {
    it(`leaves open what came before where ${what}`, async () => {
      expect((await historyOf(earlier).before(byOrder, next)).unknown).to.match(why);
    });
  }

  it("leaves it open where the expression fails, and after a gap", async () => {
    const failing = withThread('$error("no")');
    expect((await historyOf(charge(0, "A")).before(failing, charge(1, "A"))).unknown).to.match(/entry 1/);
    const history = historyOf(charge(0, "A"));
    history.leaveOpen("something is missing");
    history.leaveOpen("something else is");
    expect(await history.before(byOrder, charge(1, "A"))).to.deep.equal({ acts: [], unknown: "something is missing" });
  });

  it("takes a number and its text for one name, and no name of JavaScript's for another", async () => {
    const acts = [charge(0, 7), charge(1, "7"), charge(2, "__proto__"), charge(3, "constructor")];
    expect((await historyOf(...acts).before(byOrder, charge(4, 7))).acts).to.have.length(2);
    expect((await historyOf(...acts).before(byOrder, charge(4, "toString"))).acts).to.deep.equal([]);
    expect((await historyOf(...acts).before(byOrder, charge(4, "__proto__"))).acts).to.have.length(1);
  });

  it("decides what a rule that looks back may be called", async () => {
    const refund: PolicyAct = { act: "payment.refund", seq: 1, input: { order: "A" }, allDisclosed: true };
    const outcome = async (history: ActHistory, policy: typeof byOrder, act = refund) => {
      const { findings } = await evaluateAct(policy, "did:ada", act, await history.before(policy, act));
      return findings.find(({ ruleId }) => ruleId === "refund-after-charge")?.outcome ?? "kept";
    };
    const charged = charge(0, "A", { thread: "x" });
    expect(await outcome(historyOf(charged), byOrder)).to.equal("kept");
    expect(await outcome(historyOf(charge(0, "B")), byOrder)).to.equal("violated");
    expect(await outcome(historyOf(charged), byOrder, { ...refund, input: {} })).to.equal("undecidable");
    const claimed = { ...refund, thread: "x" };
    expect(await outcome(historyOf(charged), withThread(undefined), claimed)).to.equal("undecidable");
    expect(await outcome(historyOf(), withThread(undefined), claimed)).to.equal("violated");
    expect(await outcome(historyOf(charged), withThread("thread"), claimed)).to.equal("kept");
  });

  it("is asked for with an expression that is held to the rules of facts", () => {
    for (const thread of ["$now()", "$random()", "input.", "/x/"]) {
      expect(() => withThread(thread), thread)
        .to.throw()
        .with.property("code", "ERR_INPUT_POLICY");
    }
    expect(() => compilePolicy({ ...shopBundle, letThroughInDoubt: ["payment.steal"] }))
      .to.throw()
      .with.property("code", "ERR_INPUT_POLICY");
  });
});
