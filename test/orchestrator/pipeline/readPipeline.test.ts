import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readPipeline } from "../../../orchestrator/pipeline/readPipeline.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

const valid = `format: affiant-pipeline/1
name: two
agents:
  - name: first
    role: does one thing
    program: first.ts
    policy: policy
  - name: second
    role: does another
    program: first.ts
    policy: policy
`;

describe("the pipeline descriptor", () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-pipeline-"));
    mkdirSync(join(dir, "policy"));
    writeFileSync(join(dir, "policy/bundle.yaml"), "");
    writeFileSync(join(dir, "first.ts"), "");
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const read = (text: string) => {
    const path = join(dir, "pipeline.yaml");
    writeFileSync(path, text);
    return readPipeline(path);
  };

  it("is read with paths made absolute", () => {
    expect(read(valid)).to.deep.equal({
      format: "affiant-pipeline/1",
      name: "two",
      agents: [
        { name: "first", role: "does one thing", program: join(dir, "first.ts"), policy: join(dir, "policy") },
        { name: "second", role: "does another", program: join(dir, "first.ts"), policy: join(dir, "policy") },
      ],
    });
  });

  it("is there for the shop", () => {
    const shop = readPipeline(join(import.meta.dirname, "../../../examples/shop/pipeline.yaml"));
    expect(shop.agents.map(({ name }) => name)).to.deep.equal(["order", "inventory", "payment", "fulfilment"]);
  });

  const spoiled: readonly (readonly [string, string, string, number, string])[] = [
    ["another format", "pipeline/1", "pipeline/2", 1, "format is not affiant-pipeline/1"],
    ["a name with a blank", "name: two", "name: t wo", 2, "name is not a name"],
    ["an unknown field", "role: does another", "role: x\n    rolle: y", 10, "agents.1.rolle is not a known field"],
    ["a missing field", "    role: does another\n", "", 8, "agents.1 lacks role"],
    ["a name used twice", "name: second", "name: first", 8, "agents.1.name is taken"],
    ["a program that is not there", "program: first.ts", "program: none.ts", 6, "agents.0.program names nothing"],
    ["a policy folder without a bundle", "policy: policy", "policy: .", 7, "agents.0.policy names nothing"],
    ["a key given twice", "name: two", "name: two\nname: two", 3, "Map keys must be unique"],
    ["no agents", valid.slice(valid.indexOf("  - ")), "  []\n", 4, "agents is not a list of at least one agent"],
  ];
  for (const [what, from, to, line, message] of spoiled) {
    it(`refuses ${what}, with its line`, () => {
      expect(() => read(valid.replace(from, to)))
        .to.throw(AffiantError, `pipeline.yaml:${line}: ${message}`)
        .with.property("code", "ERR_INPUT_PIPELINE");
    });
  }
});
