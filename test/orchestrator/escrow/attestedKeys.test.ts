import { expect } from "chai";

import { EscrowWorld } from "../../../scripts/torture/escrow/escrowWorld.ts";
import { foreignKey } from "../../../scripts/torture/escrow/foreignKey.ts";

describe("the keys of attested evidence", () => {
  it("are the member's own: nothing is sealed to a key that a lying verifier made up", async () => {
    const world = await EscrowWorld.start(4);
    try {
      world.wanted = world.members.slice(0, 3).map(({ address }) => address);
      await world.keeper.step();
      const { holds, detail } = await foreignKey.run(world);
      expect(holds, detail).to.equal(true);
    } finally {
      await world.close();
    }
  });
});
