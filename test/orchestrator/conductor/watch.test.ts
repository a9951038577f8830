import { expect } from "chai";

import { watched, type WatchedPipeline } from "./watchedPipeline.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { eventually } from "../../helpers/eventually.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

/** Two agents, attested, with a key, as they are when the watch begins. */
describe("the watch over a pipeline", () => {
  const folder = tempFolders();
  let world: WatchedPipeline;

  beforeEach(async () => {
    world = await watched(await folder());
    world.watch.start();
  });

  afterEach(() => world.end());

  const stateOf = (agent: string): string | undefined => world.records.incumbent(agent)?.state;

  it("does nothing while nothing happens", async () => {
    await world.looks(3);
    expect(world.done).to.deep.equal([]);
    expect(world.said).to.deep.equal([]);
  });

  it("holds who is quarantined, once, and lets it go on when it is cleared", async () => {
    world.stands("payment", "quarantined", 7);
    await eventually(() => stateOf("payment") === "isolated");
    await world.looks(3);
    expect(world.done).to.deep.equal(["payment isolate", "record agent.isolate"]);
    expect(world.said).to.deep.equal([
      "ALARM payment is in quarantine since block 7: a verifier found it wanting; it is held",
    ]);
    world.stands("payment", "trusted", 9);
    await eventually(() => stateOf("payment") === "attested");
    await world.looks(3);
    expect(world.done.slice(2)).to.deep.equal(["payment release", "record agent.release"]);
    expect(world.said.slice(1)).to.deep.equal(["payment is cleared in block 9 and goes on"]);
  });

  it("cuts off who is convicted, and gives its place to another that is attested and keyed first", async () => {
    world.stands("payment", "convicted", 8);
    await eventually(() => world.said.includes("payment-2 is attested and has its keys"));
    await world.looks(3);
    expect(world.done).to.deep.equal([
      "record agent.cut-off",
      "payment end-program",
      "dismiss payment",
      "step",
      "wrap payment",
      "attest payment",
      "record agent.replace",
      "step",
      "admit",
    ]);
    expect(world.said).to.deep.equal([
      "ALARM payment is convicted in block 8",
      "payment is cut off: program ended, 0 contracts revoked, wrapper ended",
      "payment-2 takes the place of payment, with new keys",
      "payment-2 is attested and has its keys",
    ]);
    const convicted = world.records.history().find(({ folder }) => folder === "payment");
    expect(convicted).to.include({ state: "convicted", convictedAtBlock: 8 });
  });

  it("replaces no more often than the descriptor says, and tells people once", async () => {
    world.stands("payment", "convicted", 8);
    await eventually(() => stateOf("payment") === "attested" && world.records.incumbent("payment")?.generation === 2);
    world.stands("payment-2", "convicted", 20);
    await eventually(() => world.said.some((text) => text.includes("not replaced again")));
    await world.looks(5);
    expect(world.said.filter((text) => text.includes("not replaced again"))).to.deep.equal([
      "ALARM payment was replaced 1 times, and is not replaced again",
    ]);
    expect(world.done.filter((step) => step === "wrap payment")).to.have.length(1);
  });

  for (const status of ["suspect", "expired"] as const) {
    it(`has an agent attested anew that is ${status} and has done nothing wrong, and gives it keys again`, async () => {
      world.stands("order", status, 8);
      await eventually(() => world.said.includes("order is attested anew"));
      await world.looks(3);
      expect(world.done).to.deep.equal(["demand order", "attest order", "step", "admit"]);
      expect(stateOf("order")).to.equal("attested");
    });
  }

  it("tries again, and tells of it once, when attesting anew fails; the state before does not matter", async () => {
    world.failures.push(...[1, 2].map(() => new AffiantError("ERR_UNAVAILABLE_TARGET", "not attested in time")));
    world.failures.push(new AffiantError("ERR_INTERNAL_UNEXPECTED", "something else"));
    world.stands("order", "suspect", 8);
    await eventually(() => world.said.includes("order is attested anew"));
    expect(world.done.filter((step) => step === "attest order")).to.have.length(4);
    expect(world.said.filter((text) => text.startsWith("ALARM"))).to.deep.equal([
      "ALARM order: something else (ERR_INTERNAL_UNEXPECTED)",
    ]);
    expect(stateOf("order")).to.equal("attested");
  });

  it("attests a program that was started anew before it gets its keys again", async () => {
    world.watch.hear("order", { says: "program-ended", code: null, signal: "SIGKILL" });
    world.watch.hear("order", { says: "program-ready", pid: 2 });
    await eventually(() => world.said.includes("order is attested anew and has its keys again"));
    expect(world.done).to.deep.equal([
      "anchor",
      "demand order",
      "attest order",
      "order vouch",
      "record agent.restart",
      "admit",
    ]);
  });

  it("makes a new key when it was a wrapper that was started anew: what opens the old one went with it", async () => {
    world.watch.wrapperBack("order");
    await eventually(() => world.said.includes("order is attested anew and has its keys again"));
    expect(world.done.slice(-4)).to.deep.equal(["record agent.restart", "rotate", "step", "admit"]);
  });

  it("tells of a program that is another than was enrolled, and leaves the verdict to the chain", async () => {
    world.watch.hear("order", { says: "changed" });
    await world.looks(2);
    expect(world.said).to.deep.equal(["ALARM order runs something else than was enrolled: its wrapper holds it"]);
    expect(world.done).to.deep.equal([]);
  });

  it("tells of credentials that were used twice, each time that there are more", async () => {
    world.reusedTickets = 1;
    await eventually(() => world.said.length === 1);
    expect(world.said[0]).to.match(/^ALARM credentials that were handed over once were used a second time/);
    await world.looks(25);
    expect(world.said).to.have.length(1);
  });
});

describe("the watch, before it starts", () => {
  const folder = tempFolders();

  it("keeps what it hears, and deals with it then", async () => {
    const world = await watched(await folder());
    world.watch.hear("order", { says: "program-ended", code: 1, signal: null });
    world.watch.hear("order", { says: "program-ready", pid: 2 });
    expect(world.done).to.deep.equal(["anchor"]);
    world.watch.start();
    await eventually(() => world.said.includes("order is attested anew and has its keys again"));
    await world.end();
  });
});
