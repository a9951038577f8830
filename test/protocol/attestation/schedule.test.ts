import { expect } from "chai";

import { defaultBlockSec, lengthsAt, lengthsInSeconds } from "../../../protocol/attestation/schedule.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

describe("protocol/attestation/schedule", () => {
  it("is the one that the documents state, with a block every 12 seconds", () => {
    expect(lengthsAt(defaultBlockSec)).to.deep.equal({
      drawDelay: 2,
      drawWindow: 100,
      silenceDelay: 25,
      roundLength: 100,
      trustLength: 7200,
      revealDepth: 2,
      minRecoveryDelay: 300,
    });
  });

  it("is as long in time on every chain, but for the draw, whose block the EVM forgets", () => {
    for (const blockSec of [0.25, 1, 2, 5, 12, 12.000001]) {
      const { drawWindow, revealDepth, ...others } = lengthsAt(blockSec);
      for (const [name, blocks] of Object.entries(others)) {
        const meant = lengthsInSeconds[name as keyof typeof others];
        expect(blocks * blockSec, `${name} at ${blockSec} s`).to.be.within(meant, meant + blockSec + 0.01);
      }
      expect(drawWindow).to.be.at.most(250);
      expect(revealDepth * blockSec, `reveal at ${blockSec} s`).to.be.at.least(24);
    }
  });

  it("is one that the contract takes, on any chain that is not refused", () => {
    for (const blockSec of [0.05, 0.1, 0.25, 1, 2, 3.7, 12, 30, 60, 600]) {
      const { drawDelay, drawWindow, revealDepth, silenceDelay, roundLength, trustLength } = lengthsAt(blockSec);
      expect(drawDelay).to.be.at.least(2);
      expect(revealDepth).to.be.within(2, drawWindow - 1);
      expect(drawWindow).to.be.within(1, 250);
      expect(roundLength).to.be.at.least(4 * silenceDelay);
      expect(trustLength).to.be.within(4 * roundLength, 2 ** 24 - 1);
    }
  });

  it("is refused where no delay would mean anything", () => {
    for (const blockSec of [0, -1, 0.04, 601, Number.NaN, Infinity]) {
      expect(() => lengthsAt(blockSec), `${blockSec}`)
        .to.throw()
        .that.satisfies((error: unknown) => {
          return isAffiantError(error, "ERR_INPUT_CONFIG");
        });
    }
  });
});
