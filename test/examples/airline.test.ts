import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { readTranscripts } from "../../adapters/transcript/readTranscripts.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { compilePolicy, type CompiledPolicy } from "../../protocol/policy/compile.ts";
import { evaluateAct } from "../../protocol/policy/evaluate.ts";
import type { PolicyAct, RuleFinding } from "../../protocol/policy/types.ts";
import { callsOf, violationsByHand } from "./airlineByHand.ts";

const root = new URL("../../", import.meta.url);
const policyFolder = fileURLToPath(new URL("examples/airline/policy", root));
/** Recorded conversations of a real agent; they lie beside the checkout on machines that have them. */
const dataFile = fileURLToPath(new URL("../shared/data/tau-bench-airline/trajectories.json", root));

interface Case {
  readonly rule: string;
  readonly before: readonly string[];
  readonly act: string;
  /** The one field in which the acts of the case differ. */
  readonly field: string;
  readonly set?: Record<string, Json>;
  readonly violating?: Json;
  readonly undecidable?: Json;
  readonly conforming: Json;
  readonly undecidableWithout?: string;
}

interface Scene extends PolicyAct {
  before: PolicyAct[];
}

describe("examples/airline", () => {
  let policy: CompiledPolicy;
  let cases: readonly Case[];
  let scenes: Record<string, Omit<PolicyAct, "seq">>;

  before(async () => {
    policy = compilePolicy(await loadPolicyBundle(policyFolder));
    const fixture = await readFile(new URL("test/fixtures/airline/rules.json", root), "utf8");
    ({ cases, scenes } = JSON.parse(fixture) as { cases: Case[]; scenes: typeof scenes });
  });

  const forbids = () => [...policy.rules.values()].filter(({ effect }) => effect === "forbid");

  /** The case's act with `value` in the field, after its earlier acts. */
  function sceneOf(item: Case, value: Json | undefined, before = item.before): Scene {
    const named = (name: string, seq: number): PolicyAct => {
      const scene = scenes[name];
      if (scene === undefined) throw new Error(`the fixture has no scene ${name}`);
      return { context: { reply: null, callsInMessage: 1 }, ...scene, seq, allDisclosed: true };
    };
    const scene = structuredClone({ ...named(item.act, before.length), before: before.map(named) });
    for (const [path, given] of Object.entries(item.set ?? {})) put(scene, path, given);
    if (value !== undefined) put(scene, item.field, value);
    return scene;
  }

  async function findingOf(item: Case, scene: Scene): Promise<RuleFinding["outcome"] | "holds"> {
    const { findings } = await evaluateAct(policy, "did:ethr:0x1:0x01", scene, scene.before);
    return findings.find(({ ruleId }) => ruleId === item.rule)?.outcome ?? "holds";
  }

  it("tells each rule's violation from a conforming act that differs in one field", async () => {
    for (const item of cases) {
      const label = `${item.rule}, ${item.field}`;
      if (item.violating !== undefined) {
        expect(await findingOf(item, sceneOf(item, item.violating)), label).to.equal("violated");
      }
      if (item.undecidable !== undefined) {
        expect(await findingOf(item, sceneOf(item, item.undecidable)), label).to.equal("undecidable");
      }
      expect(await findingOf(item, sceneOf(item, item.conforming)), label).to.equal("holds");
    }
  });

  it("does not decide a rule without the earlier act that it rests on", async () => {
    for (const item of cases.filter(({ undecidableWithout }) => undecidableWithout !== undefined)) {
      const rest = item.before.filter((name) => name !== item.undecidableWithout);
      const value = item.field.startsWith("before.") ? undefined : item.violating;
      expect(await findingOf(item, sceneOf(item, value, rest)), `${item.rule}, ${item.field}`).to.equal("undecidable");
    }
  });

  it("has a case for every rule, and only for rules that exist", () => {
    expect(new Set(cases.map(({ rule }) => rule))).to.deep.equal(new Set(forbids().map(({ id }) => id)));
  });

  it("judges nothing that was withheld as kept", async () => {
    for (const item of cases) {
      const { act, seq, before } = sceneOf(item, item.conforming);
      const withheld = { act, seq, before: before.map((earlier) => ({ act: earlier.act, seq: earlier.seq })) };
      expect(await findingOf(item, withheld), item.rule).to.equal("undecidable");
    }
  });

  it("lists every rule in the README's table", async () => {
    const readme = await readFile(new URL("examples/airline/README.md", root), "utf8");
    const listed = [...readme.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, rule]) => rule);
    expect(listed).to.have.members(forbids().map(({ id }) => id));
  });

  describe("on 200 recorded conversations", () => {
    before(function () {
      if (existsSync(dataFile)) return;
      console.log("      skipped: no recorded conversations at ../shared/data/tau-bench-airline");
      this.skip();
    });

    it("finds the very calls that a second implementation finds, rule by rule", async function () {
      this.timeout(0);
      const raw = JSON.parse(await readFile(dataFile, "utf8")) as Parameters<typeof violationsByHand>[0];
      const byHand = violationsByHand(raw);
      const byPolicy = new Map<string, string[]>();
      let conversations = 0;
      let acts = 0;
      for await (const conversation of readTranscripts(dataFile)) {
        conversations++;
        expect(conversation.warnings).to.deep.equal([]);
        expect(conversation.acts.length).to.equal(callsOf(raw[conversation.index]!.traj).length);
        const thread: PolicyAct[] = conversation.acts.map((act, seq) => ({ ...act, seq, allDisclosed: true }));
        for (const [index, act] of thread.entries()) {
          acts++;
          const { findings } = await evaluateAct(policy, "did:ethr:0x1:0x01", act, thread.slice(0, index));
          for (const { ruleId, outcome } of findings.filter((finding) => finding.outcome === "violated")) {
            expect(outcome).to.equal("violated");
            byPolicy.set(ruleId, [...(byPolicy.get(ruleId) ?? []), `${conversation.index}/${index}`]);
          }
        }
      }
      expect({ conversations, acts }).to.deep.equal({ conversations: 200, acts: 1164 });
      expect(Object.fromEntries([...byPolicy].sort())).to.deep.equal(Object.fromEntries([...byHand].sort()));
      expect(byPolicy.size).to.be.greaterThan(5);
    });
  });
});

/** Puts a value at a dotted path, e.g. `before.0.output.cabin`. */
function put(target: object, path: string, value: Json): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], target);
  (parent as Record<string, unknown>)[last] = value;
}
