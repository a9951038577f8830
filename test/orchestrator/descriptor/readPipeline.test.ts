import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";

import schema from "../../../orchestrator/descriptor/pipeline.schema.json" with { type: "json" };
import { readPipeline } from "../../../orchestrator/descriptor/readPipeline.ts";
import type { DescriptorProblem } from "../../../orchestrator/descriptor/source.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

const valid = `format: affiant-pipeline/2
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

const circle = "    policy: policy\n    startAfter: [second]\n  - name: second\n    startAfter: [first]";
const contract = (from: string, to: string): string => `contracts:\n  - { from: ${from}, to: ${to}, command: /do }`;
const rule = (set: string): string => `placement:\n  { together: [${set}], apart: [${set}] }`;

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

  it("is read with paths made absolute and the rest filled in", () => {
    const { agents, ...rest } = read(valid);
    expect(rest).to.deep.equal({
      format: "affiant-pipeline/2",
      name: "two",
      file: join(dir, "pipeline.yaml"),
      sites: [{ name: "local" }],
      latency: [],
      defaultLatencyMs: 50,
      connectivity: [],
      contracts: [],
      groups: [],
      placement: { together: [], apart: [] },
      attestation: { roundBlocks: 60, trustBlocks: 7200, include: [] },
      restart: { maxRestarts: 5, delayMs: 200, stableAfterMs: 10_000, maxReplacements: 3 },
    });
    expect(agents.map(({ name, program, policy, sites }) => ({ name, program, policy, sites }))).to.deep.equal([
      { name: "first", program: join(dir, "first.ts"), policy: join(dir, "policy"), sites: ["local"] },
      { name: "second", program: join(dir, "first.ts"), policy: join(dir, "policy"), sites: ["local"] },
    ]);
  });

  it("is there for the shop", () => {
    const shop = readPipeline(join(import.meta.dirname, "../../../examples/shop/pipeline.yaml"));
    expect(shop.agents.map(({ name }) => name)).to.deep.equal(["order", "inventory", "payment", "fulfilment"]);
  });

  /** What is replaced by what in the valid descriptor; then code, line, path and words of the problem. */
  const spoiled: readonly (readonly [string, string, string, string, number, string])[] = [
    ["another format", "pipeline/2", "pipeline/1", "schema", 1, "format is not affiant-pipeline/2"],
    ["a name with a blank", "name: two", "name: t wo", "schema", 2, "name must match pattern"],
    [
      "an unknown field",
      "role: does another",
      "role: x\n    rolle: y",
      "unknown-field",
      10,
      "agents.1.rolle is not a known",
    ],
    ["a missing field", "    role: does another\n", "", "missing-field", 8, "agents.1 lacks role"],
    ["a name used twice", "name: second", "name: first", "duplicate-name", 8, "agents.1.name is taken"],
    ["a program that is not there", "first.ts", "none.ts", "missing-file", 6, "agents.0.program names nothing"],
    [
      "a policy folder without a bundle",
      "policy: policy",
      "policy: .",
      "missing-file",
      7,
      "agents.0.policy names nothing",
    ],
    ["a key given twice", "name: two", "name: two\nname: two", "syntax", 3, "Map keys must be unique"],
    ["no agents", valid.slice(valid.indexOf("  - ")), "  []\n", "schema", 3, "agents must NOT have fewer than 1"],
    [
      "a capacity of nothing",
      ...adding("sites: [{ name: x, memoryMb: 0 }]"),
      "schema",
      12,
      "sites.0.memoryMb must be >= 1",
    ],
    [
      "an agent that fits nowhere",
      ...adding("sites: [{ name: x, memoryMb: 9 }]"),
      "capacity",
      4,
      "agents.0 needs more",
    ],
    [
      "a site that is unknown",
      ...adding("latency: [{ between: [local, y], ms: 1 }]"),
      "unknown-site",
      12,
      "latency.0.between.1",
    ],
    [
      "a connection to nobody",
      ...adding("connectivity:\n  - { from: first, to: third }"),
      "unknown-agent",
      13,
      "connectivity.0.to",
    ],
    [
      "a contract with nobody",
      ...adding(contract("third", "first")),
      "unknown-agent",
      13,
      "contracts.0.from names no agent",
    ],
    [
      "a contract with oneself",
      ...adding(contract("first", "first")),
      "self-reference",
      13,
      "contracts.0.to is the agent itself",
    ],
    [
      "a contract for no capability",
      ...adding(contract("first", "second")),
      "unknown-command",
      13,
      "contracts.0.command",
    ],
    [
      "a member that is unknown",
      ...adding("groups: [{ name: g, members: [first, third] }]"),
      "unknown-agent",
      12,
      "groups.0.members.1",
    ],
    [
      "agents together and apart",
      ...adding(rule("[first, second]")),
      "contradiction",
      13,
      "placement.together.0 is a set",
    ],
    [
      "trust shorter than rounds",
      ...adding("attestation: { roundBlocks: 60, trustBlocks: 60 }"),
      "contradiction",
      12,
      "attestation.trustBlocks is 60",
    ],
    [
      "a circle of starts",
      "    policy: policy\n  - name: second",
      circle,
      "cycle",
      8,
      "agents.0.startAfter goes in a circle: first after second after first",
    ],
  ];
  for (const [what, from, to, code, line, message] of spoiled) {
    it(`refuses ${what}, with its line`, () => {
      expect(valid).to.include(from);
      let error: unknown;
      try {
        read(valid.replace(from, to));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(AffiantError).with.property("code", "ERR_INPUT_PIPELINE");
      expect((error as AffiantError).message).to.include(`pipeline.yaml:${line}: ${message}`);
      const [first] = (error as AffiantError).details["problems"] as DescriptorProblem[];
      expect(first).to.include({ code, line });
    });
  }

  it("names every problem, not only the first", () => {
    const spoiltTwice = valid.replace("first.ts", "none.ts").replace("name: second", "name: first");
    expect(() => read(spoiltTwice)).to.throw(AffiantError, "(and 1 more)");
  });

  it("is published as a JSON Schema that editors can use", () => {
    expect(new Ajv2020({ strict: true, strictTypes: false }).validateSchema(schema)).to.equal(true);
    expect(schema.properties.format.const).to.equal("affiant-pipeline/2");
  });
});

function adding(text: string): readonly [string, string] {
  return [
    "    role: does another\n    program: first.ts\n    policy: policy\n",
    `    role: does another\n    program: first.ts\n    policy: policy\n${text}\n`,
  ];
}
