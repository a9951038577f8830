import { expect } from "chai";

import { boundOf, playRounds, randomOf } from "../../../scripts/simulate/attestation/playRounds.ts";
import { replay } from "../../../scripts/simulate/attestation/replay.ts";
import { known } from "../../../scripts/simulate/attestation/strategies.ts";

describe("scripts/simulate: attestation", () => {
  it("plays on the deployed contracts what it plays in the model", async function () {
    this.timeout(600_000);
    const { targets, differences } = await replay(20, known, 0.33, randomOf(3));
    expect(targets).to.equal(20 * known.length);
    expect(differences).to.deep.equal([]);
  });

  it("takes no honest agent's trust by strikes at one in five, and detects what three seats can", () => {
    for (const strategy of known) {
      const tally = playRounds(60, 0.2, strategy, 60, randomOf(5));
      expect(tally.honestLostByStrikes, strategy.name).to.equal(0);
      expect(tally.badPassed / tally.bad, strategy.name).to.be.lessThan(boundOf(60, 0.2) + 0.02);
    }
  });

  it("knows the chance of three seats: 4 of 20 see three of their own in one of 969 draws", () => {
    expect(boundOf(20, 0.2)).to.equal(6 / (19 * 18 * 17));
    expect(boundOf(20, 0.05)).to.equal(0);
  });
});
