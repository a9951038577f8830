import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { auditExitCode } from "../../auditor/exitCode.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { formatAuditReport } from "../../auditor/report/formatAuditReport.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { EvidenceEntry } from "../../protocol/evidence/types.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";
import { chainOf, chargePolicy, type EntryPlan, honestWorld, type World } from "./world.ts";

type Overrides = NonNullable<Parameters<typeof honestWorld>[0]>;

interface Options {
  readonly withChain?: boolean;
  /** Takes disclosures away, by the entry's place in the log. */
  readonly withheld?: readonly number[];
}

function auditOf({ evidence, state }: World, { withChain = true, withheld = [] }: Options = {}): Promise<AuditReport> {
  const entries = evidence.entries.map((entry: EvidenceEntry, index) =>
    withheld.includes(index) ? { ...entry, disclosures: [] } : entry,
  );
  const bytes = utf8(writeEvidence({ ...evidence, entries }));
  return auditEvidence(bytes, withChain ? { chain: chainOf(state) } : {});
}

/** The default world's third charge of one order breaks a rule; here it is of another one. */
const other = { 3: { values: { input: { amount: 1, order: "order-2" } } } };
const charge = (amount: Json, more: Record<string, Json> = {}): Partial<EntryPlan> => ({
  values: { input: { amount, order: "order-1", ...more }, output: { ok: true } },
});

/** The world with another policy for the payment agent. */
function under(policy: PolicyBundle, overrides: Overrides = {}): World {
  const hash = policyHashOf(policy);
  const plan = (at: number) => {
    const given = overrides[at] ?? {};
    return { ...given, claims: { ...given.claims, policy: hash } };
  };
  const world = honestWorld({ ...overrides, 0: plan(0), 2: plan(2), 3: plan(3) });
  Object.assign(world.state.policies[0]!, { policyHash: hash });
  const policies = world.evidence.policies.map((bundle) => (bundle === chargePolicy ? policy : bundle));
  return { ...world, evidence: { ...world.evidence, policies } };
}

describe("exit code of an audit", () => {
  it("is the first that applies of 1, 4, 3, 5, and else 0", async () => {
    const broken = { ...other, 2: charge(101) };
    const forged = (world: World): World => {
      const [first, ...rest] = world.evidence.entries as [EvidenceEntry, ...EvidenceEntry[]];
      const leaf = `${first.leaf.slice(0, -4)}AAAA`;
      return { ...world, evidence: { ...world.evidence, entries: [{ ...first, leaf }, ...rest] } };
    };
    const table: readonly [code: number, world: World, options?: Options][] = [
      [0, honestWorld(other)],
      [5, honestWorld(other), { withheld: [4] }],
      [3, honestWorld(other), { withChain: false }],
      [3, honestWorld(other), { withChain: false, withheld: [4] }],
      [4, honestWorld(broken)],
      [4, honestWorld(broken), { withheld: [4] }],
      [4, honestWorld(broken), { withChain: false }],
      [4, honestWorld(broken), { withChain: false, withheld: [4] }],
      [1, forged(honestWorld(other))],
      [1, forged(honestWorld(broken))],
      [1, forged(honestWorld(broken)), { withChain: false, withheld: [4] }],
    ];
    for (const [code, world, options] of table) {
      expect(auditExitCode(await auditOf(world, options)), JSON.stringify([code, options])).to.equal(code);
    }
  });
});

describe("lies about what was done", () => {
  const huge = { input: { amount: 1_000_000, order: "order-2" } };
  const said = (output: Json, claims: EntryPlan["claims"]): Overrides => ({
    ...other,
    2: { values: { ...huge, output }, claims },
  });
  const unsaid = (claims: EntryPlan["claims"]): Overrides => ({ ...other, 2: { values: huge, claims } });
  const refusal = { kind: "refusal" } as const;

  const attacks: readonly [what: string, world: () => World, code: number, options?: Options][] = [
    [
      "a payload that shows a broken rule is withheld",
      () => honestWorld({ ...other, 2: charge(101) }),
      5,
      { withheld: [2] },
    ],
    [
      "a charge is called a refusal, its output tells of a charge",
      () => honestWorld(said({ status: "captured" }, refusal)),
      4,
    ],
    [
      "a charge is called a refusal, with a reason beside what it captured",
      () => honestWorld(said({ status: "captured", reason: "limit" }, refusal)),
      4,
    ],
    ["a charge is called a refusal, refused by nothing", () => honestWorld(said({ refused: "" }, refusal)), 4],
    ["a charge is called a refusal, its output is a list", () => honestWorld(said([{ refused: "no" }], refusal)), 4],
    ["a charge is called a refusal, its output is text", () => honestWorld(said("refused", refusal)), 4],
    ["a charge is called a refusal without output", () => honestWorld(unsaid(refusal)), 5],
    [
      "a charge is called a refusal, its output withheld",
      () => honestWorld(said({ refused: "E" }, refusal)),
      5,
      { withheld: [2] },
    ],
    ["a charge is called a heartbeat", () => honestWorld(said({ ok: true }, { kind: "heartbeat" })), 4],
    [
      "a charge is entered in a heartbeat by its right name",
      () => honestWorld(said({ ok: true }, { kind: "heartbeat", act: "heartbeat" })),
      4,
    ],
    [
      "a charge is called a heartbeat and carries nothing",
      () => honestWorld({ ...other, 2: { values: {}, claims: { kind: "heartbeat" } } }),
      5,
    ],
    ["a charge is called a key event", () => honestWorld(said({ ok: true }, { kind: "key-event" })), 4],
    [
      "a charge is called a key event and carries nothing",
      () => honestWorld({ ...other, 2: { values: {}, claims: { kind: "key-event" } } }),
      5,
    ],
    [
      "each charge of one order claims a thread of its own",
      () =>
        honestWorld({ 0: { claims: { thread: "a" } }, 2: { claims: { thread: "b" } }, 3: { claims: { thread: "c" } } }),
      4,
    ],
    [
      "each charge of one order claims no thread",
      () =>
        honestWorld({
          0: { claims: { thread: undefined } },
          2: { claims: { thread: undefined } },
          3: { claims: { thread: undefined } },
        }),
      4,
    ],
    [
      "a charge does not say which order it is of",
      () => honestWorld({ ...other, 3: { values: { input: { amount: 1 }, output: { ok: true } } } }),
      5,
    ],
    [
      "a charge names a list of orders",
      () =>
        honestWorld({ ...other, 3: { values: { input: { amount: 1, order: ["order-1", "order-2"] }, output: {} } } }),
      5,
    ],
    [
      "the order is the same number once as text",
      () => honestWorld({ 0: charge(1, { order: 7 }), 2: charge(1, { order: "7" }), 3: charge(1, { order: 7 }) }),
      4,
    ],
    ["what an earlier charge was for is withheld", () => honestWorld(), 5, { withheld: [0] }],
    [
      "the policy names no thread, and each charge claims one of its own",
      () =>
        under(withoutThread, {
          0: { claims: { thread: "a" } },
          2: { claims: { thread: "b" } },
          3: { claims: { thread: "c" } },
        }),
      5,
    ],
    ["the policy names no thread, and a rule is broken by the agent's own word", () => under(withoutThread, other), 4],
    ["a fact throws", () => under(policyWith({ amount: '$error("no")' }), other), 5],
    ["a fact runs without end", () => under(policyWith({ amount: "($f := function() { $f() }; $f())" }), other), 5],
    ["an argument is too large a number", () => honestWorld({ ...other, 2: charge(2 ** 60) }), 5],
    ["an argument is text", () => honestWorld({ ...other, 2: charge("101") }), 5],
    ["an argument is a list", () => honestWorld({ ...other, 2: charge([1, 101]) }), 5],
    [
      "an argument is twice there, in a list of acts",
      () =>
        honestWorld({
          ...other,
          2: {
            values: {
              input: [
                { amount: 1, order: "x" },
                { amount: 900, order: "x" },
              ],
            },
          },
        }),
      5,
    ],
    [
      "an argument has the name of another's prototype",
      () => honestWorld({ ...other, 2: charge(101, { toString: 1, constructor: 1 }) }),
      4,
    ],
    [
      "an argument is named __proto__",
      () =>
        honestWorld({
          ...other,
          2: { values: { input: JSON.parse('{"amount":101,"order":"order-1","__proto__":{"amount":1}}') as Json } },
        }),
      4,
    ],
    ["an argument is nested beyond measure", () => honestWorld({ ...other, 2: charge(101, { deep: deep(3000) }) }), 4],
    [
      "an argument is very large",
      () => honestWorld({ ...other, 2: charge(101, { many: Array<number>(200_000).fill(1) }) }),
      4,
    ],
    [
      "an act is of a name that the policy does not know",
      () => honestWorld({ ...other, 2: { claims: { act: "payment.steal" } } }),
      4,
    ],
  ];
  const withoutThread: PolicyBundle = (({ thread: _thread, ...rest }) => rest)(chargePolicy);
  const policyWith = (facts: Record<string, string>): PolicyBundle => ({
    ...chargePolicy,
    facts: { ...chargePolicy.facts, ...facts },
  });
  function deep(levels: number): Json {
    let value: Json = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  }

  for (const [what, world, code, options] of attacks) {
    it(`do not pass: ${what}`, async () => {
      const report = await auditOf(world(), options);
      expect(auditExitCode(report), JSON.stringify(report.conformity)).to.equal(code);
      expect(report.summary.integrityHolds).to.equal(true);
      expect(report.summary.conformityHolds).to.equal(false);
    });
  }

  it("are no lies where a refusal shows that it is one, and a heartbeat is one", async () => {
    const shown: readonly Json[] = [
      { refused: "ERR_AUTH_POLICY", detail: "too much" },
      { reason: "sold out", rule: "stock" },
    ];
    for (const output of shown) {
      expect(auditExitCode(await auditOf(honestWorld(said(output, refusal))))).to.equal(0);
    }
    const beat = honestWorld({ ...other, 2: { values: {}, claims: { act: "heartbeat", kind: "heartbeat" } } });
    expect(auditExitCode(await auditOf(beat))).to.equal(0);
  });

  it("leave open what came before where an entry in between is not the agent's", async () => {
    const world = honestWorld(other);
    const stranger = honestWorld({ ...other, 2: { signer: world.stock } });
    const { conformity } = await auditOf(stranger);
    expect(conformity).to.deep.include({ notJudged: 1, violate: 0 });
    expect(conformity.undecided.map(({ ruleId }) => ruleId)).to.deep.equal(["one-charge"]);
  });

  it("are told in a headline that names proof and conduct apart", async () => {
    const open = formatAuditReport(await auditOf(honestWorld(other), { withheld: [4] }));
    expect(open).to.match(/Integrity {2}PROVEN: all \d+ verdicts hold/);
    expect(open).to.match(/Conformity {2}UNDECIDABLE: .* 1 cannot be decided/);
    const broken = formatAuditReport(await auditOf(honestWorld({ ...other, 2: charge(101) }), { withheld: [4] }));
    expect(broken).to.match(/Conformity {2}VIOLATES: 1 act breaks a rule of 5 judged, 1 undecidable/);
    expect(formatAuditReport(await auditOf(honestWorld(other)))).to.match(/Conformity {2}CONFORMS: all 5 acts/);
  });
});
