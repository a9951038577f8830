import { readFile } from "node:fs/promises";

import { expect } from "chai";
import { parse } from "yaml";

import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
import { ActHistory } from "../../../protocol/policy/history.ts";
import { parsePolicyBundle } from "../../../protocol/policy/parseBundle.ts";
import type { PolicyBundle } from "../../../protocol/policy/types.ts";
import { shopBundle } from "./bundle.ts";

describe("docs/policies.md", () => {
  let text: string;
  let bundle: PolicyBundle;

  before(async () => {
    text = await readFile(new URL("../../../docs/policies.md", import.meta.url), "utf8");
    const block = (file: string): string => {
      const [, code] = new RegExp(`\`\`\`\\w+\\n(?://|#) ${file}\\n([^]*?)\`\`\``).exec(text) ?? [];
      if (code === undefined) throw new Error(`no block for ${file}`);
      return code;
    };
    bundle = parsePolicyBundle({
      format: "affiant-policy/1",
      ...(parse(block("bundle.yaml")) as object),
      schema: block("schema.cedarschema"),
      policies: block("policy.cedar"),
    });
  });

  it("shows a policy that works", async () => {
    const order = { act: "order.received", seq: 0, output: { orderId: "o1" }, allDisclosed: true };
    const charge = (dollars: number, orderId: string) =>
      evaluateAct(bundle, "did:ada", { ...order, act: "payment.charge", seq: 1, input: { dollars, orderId } }, [order]);
    expect((await charge(100, "o1")).findings).to.deep.equal([]);
    expect((await charge(100.01, "o1")).findings.map(({ ruleId }) => ruleId)).to.deep.equal(["at-most-100-dollars"]);
    // Rounded in the safe direction, and nothing but noise is rounded away.
    for (const dollars of [100.005, 100.001, 100.0000001, 100.000000000001]) {
      const { findings } = await charge(dollars, "o1");
      expect(
        findings.map(({ ruleId }) => ruleId),
        String(dollars),
      ).to.deep.equal(["at-most-100-dollars"]);
    }
    for (const dollars of [99.99, 99.1 + 0.9, 0.1 + 0.2, 1.1]) {
      expect((await charge(dollars, "o1")).outcome, String(dollars)).to.equal("conforms");
    }
    expect((await charge(100, "o2")).findings.map(({ ruleId }) => ruleId)).to.deep.equal(["order-first"]);
  });

  it("names the order as the thread of both acts", async () => {
    const compiled = compilePolicy(bundle);
    const history = new ActHistory();
    const received = { act: "order.received", seq: 0, input: {}, output: { orderId: "o1" }, allDisclosed: true };
    history.add(received);
    const charge = { act: "payment.charge", seq: 1, input: { dollars: 1, orderId: "o1" }, allDisclosed: true };
    expect(await history.before(compiled, charge)).to.deep.equal({ acts: [received] });
    const other = { ...charge, input: { dollars: 1, orderId: "o2" } };
    expect(await history.before(compiled, other)).to.deep.equal({ acts: [] });
  });

  it("lists built-ins that a fact may call", () => {
    const [, list = ""] = /Built-ins allowed: `([^`]*)`/.exec(text) ?? [];
    const names = list.split(/\s+/);
    expect(names).to.have.length.greaterThan(30);
    for (const name of names) {
      const facts = { ...shopBundle.facts, cents: `${name}(input)` };
      expect(() => parsePolicyBundle({ ...shopBundle, facts }), name).not.to.throw();
    }
  });
});
