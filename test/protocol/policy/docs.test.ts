import { readFile } from "node:fs/promises";

import { expect } from "chai";
import { parse } from "yaml";

import { evaluateAct } from "../../../protocol/policy/evaluate.ts";
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
    expect((await charge(100, "o2")).findings.map(({ ruleId }) => ruleId)).to.deep.equal(["order-first"]);
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
