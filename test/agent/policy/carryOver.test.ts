import { expect } from "chai";

import { carryOverHint } from "../../../agent/policy/carryOver.ts";

const schema =
  'entity Agent;\nentity System;\naction "a" appliesTo { principal: Agent, resource: System, context: { x?: Long } };';
const policies = '@id("all") permit (principal, action, resource);';

describe("agent/policy carryOverHint", () => {
  it("has nothing to say of a policy in this form", () => {
    expect(carryOverHint({ schema, policies })).to.equal(undefined);
    const quoted =
      '// forbid (principal); ?principal\n@id("b") @rule("namespace; permit ( ?resource") forbid (principal, action, resource);';
    expect(carryOverHint({ schema, policies: `${policies}\n${quoted}` })).to.equal(undefined);
  });

  const foreign: readonly (readonly [what: string, texts: { schema?: string; policies?: string }, says: string])[] = [
    ["a namespace", { schema: `namespace Shop {\n${schema}\n}` }, "Shop::"],
    [
      "attributes of a principal",
      { policies: `${policies} @id("b") @rule("r") forbid (principal, action, resource) when { principal.age < 3 };` },
      "context.age",
    ],
    ["entities of its own", { schema: `entity File;\n${schema}` }, "entity Agent; entity System;"],
    ["a template", { policies: '@id("a") permit (principal == ?principal, action, resource);' }, "template"],
    ["a required attribute", { schema: schema.replace("x?: Long", "x: Long") }, "optional"],
    ["a policy without an id", { policies: "permit (principal, action, resource);" }, "@id"],
    ["rules that permit nothing", { policies: '@id("b") @rule("r") forbid (principal, action, resource);' }, "permit"],
    ["a schema in JSON", { schema: '{ "": {} }' }, "translate-schema"],
  ];
  for (const [what, texts, says] of foreign) {
    it(`says how to carry over ${what}`, () => {
      expect(carryOverHint({ schema, policies, ...texts })).to.contain(says);
    });
  }
});
