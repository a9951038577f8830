import { expect } from "chai";
import fc from "fast-check";

import { placeAgents } from "../../../orchestrator/placement/placeAgents.ts";
import {
  type Assignment,
  brokenRule,
  connectionsOf,
  costOf,
  isCheaper,
  type PlacementInput,
} from "../../../orchestrator/placement/placement.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const agentNames = ["a", "b", "c", "d", "e"];
const siteNames = ["x", "y", "z"];

const subset = (of: readonly string[], min: number, max = of.length) =>
  fc.uniqueArray(fc.constantFrom(...of), { minLength: min, maxLength: Math.min(max, of.length) });
const limit = (min: number, max: number) => fc.option(fc.integer({ min, max }), { nil: undefined });

/** Small and tight, so that rules often bind and some inputs have no answer. */
const inputs: fc.Arbitrary<PlacementInput> = fc
  .record({ agents: fc.integer({ min: 1, max: 5 }), sites: fc.integer({ min: 1, max: 3 }) })
  .chain((size) => {
    const agents = agentNames.slice(0, size.agents);
    const sites = siteNames.slice(0, size.sites);
    const sets = agents.length < 2 ? fc.constant([]) : fc.array(subset(agents, 2, 3), { maxLength: 1 });
    const oneOf = fc.constantFrom(...agents);
    const pair = fc.tuple(fc.constantFrom(...sites), fc.constantFrom(...sites));
    return fc.record({
      sites: fc.tuple(
        ...sites.map((name) =>
          fc.record({ name: fc.constant(name), memoryMb: limit(2, 9), cpuMillis: limit(2, 9), agents: limit(1, 4) }),
        ),
      ),
      latency: fc.array(fc.record({ between: pair, ms: fc.integer({ min: 0, max: 9 }) }), { maxLength: 3 }),
      defaultLatencyMs: fc.integer({ min: 0, max: 9 }),
      placement: fc.record({ together: sets, apart: sets }),
      agents: fc.tuple(
        ...agents.map((name) =>
          fc.record({
            name: fc.constant(name),
            sites: subset(sites, 1),
            memoryMb: fc.integer({ min: 1, max: 3 }),
            cpuMillis: fc.integer({ min: 1, max: 3 }),
          }),
        ),
      ),
      connections: fc.array(
        fc.record({ from: oneOf, to: oneOf, weight: fc.integer({ min: 1, max: 5 }), maxLatencyMs: limit(0, 9) }),
        { maxLength: 6 },
      ),
    });
  });

/** Every assignment there is. */
function* assignments(input: PlacementInput, from = 0): Generator<Assignment> {
  const agent = input.agents[from];
  if (!agent) return yield {};
  for (const { name } of input.sites) {
    for (const rest of assignments(input, from + 1)) yield { [agent.name]: name, ...rest };
  }
}

function bestByBruteForce(input: PlacementInput, before: Assignment) {
  let best: ReturnType<typeof costOf> | undefined;
  for (const assignment of assignments(input)) {
    if (brokenRule(input, assignment) !== undefined) continue;
    const cost = costOf(input, assignment, before);
    if (!best || isCheaper(cost, best)) best = cost;
  }
  return best;
}

const plain = (changes: Partial<PlacementInput> = {}): PlacementInput => ({
  sites: [{ name: "x" }, { name: "y" }],
  latency: [],
  defaultLatencyMs: 10,
  placement: { together: [], apart: [] },
  agents: ["a", "b"].map((name) => ({ name, sites: ["x", "y"], memoryMb: 1, cpuMillis: 1 })),
  connections: [{ from: "a", to: "b", weight: 1 }],
  ...changes,
});

describe("the placement of agents", () => {
  it("costs what the best of all assignments costs, and keeps the rules, or says that there is none", () => {
    let impossible = 0;
    let possible = 0;
    fc.assert(
      fc.property(
        inputs,
        fc.dictionary(fc.constantFrom(...agentNames), fc.constantFrom(...siteNames)),
        (input, before) => {
          const best = bestByBruteForce(input, before);
          if (!best) {
            impossible++;
            expect(thrownCode(() => placeAgents(input, before))).to.equal("ERR_INPUT_PLACEMENT");
            return;
          }
          possible++;
          const placed = placeAgents(input, before);
          expect(brokenRule(input, placed.assignment)).to.equal(undefined);
          expect(placed.cost).to.deep.equal(costOf(input, placed.assignment, before));
          expect(placed.optimal).to.equal(true);
          // Summed in another order. (`closeTo` takes whole numbers only once the chain's matchers are loaded.)
          expect(Math.abs(placed.cost.latencyMs - best.latencyMs) <= 1e-6, `${placed.cost.latencyMs}`).to.equal(true);
          expect(placed.cost.moves).to.equal(best.moves);
        },
      ),
      { numRuns: 400 },
    );
    // The generator must reach both sides, or half of the property was never asked.
    expect(Math.min(impossible, possible)).to.be.greaterThan(20);
  });

  it("leaves agents where they are when nothing is gained by moving them", () => {
    expect(placeAgents(plain(), { a: "y", b: "y" }).assignment).to.deep.equal({ a: "y", b: "y" });
    expect(placeAgents(plain(), { a: "x", b: "y" }).cost).to.deep.equal({ latencyMs: 0, moves: 1 });
  });

  it("says so when it is cut short", () => {
    const agents = [..."abcdefghijkl"].map((name) => ({ name, sites: ["x", "y"], memoryMb: 1, cpuMillis: 1 }));
    const sites = [
      { name: "x", agents: 6 },
      { name: "y", agents: 6 },
    ];
    const connections = agents.flatMap(({ name: from }, i) =>
      agents.slice(i + 1).map(({ name: to }, j) => ({ from, to, weight: ((i * 7 + j * 3) % 5) + 1 })),
    );
    const cut = placeAgents(plain({ agents, sites, connections }), {}, 50);
    expect(cut.optimal).to.equal(false);
    expect(brokenRule(plain({ agents, sites, connections }), cut.assignment)).to.equal(undefined);
    expect(thrownCode(() => placeAgents(plain({ agents, sites, connections }), {}, 3))).to.equal("ERR_INPUT_PLACEMENT");
  });

  it("takes a contract for a connection from the caller to the callee", () => {
    const contract = { from: "b", to: "a", command: "/b/do", policy: [] };
    expect(connectionsOf({ connectivity: [], contracts: [contract] })).to.deep.equal([
      { from: "a", to: "b", weight: 1 },
    ]);
    const named = { from: "a", to: "b", weight: 9, maxLatencyMs: 3 };
    expect(connectionsOf({ connectivity: [named], contracts: [contract] })).to.deep.equal([named]);
  });
});
