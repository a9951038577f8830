import { expect } from "chai";

import { exportEvidence } from "../../agent/export/exportEvidence.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { startWorld, type World } from "./world/world.ts";

describe("agent: evidence of a chain that is reorganised", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld({ AFFIANT_CONFIRMATIONS: "4" });
  });
  after(() => world.close());

  it("is written when the anchor is mined, or, if asked for, when it is deep enough to stay", async () => {
    const agent = await world.ready(await folder(), "patient");
    const { entryId } = await agent.record({ act: "test.act" });
    const { deployment } = world.chain;
    const evidence = async (final: boolean) => {
      const pieces: Uint8Array[] = [];
      const options = { agents: [agent], relayer: agent.relayer, deployment, final, anchorTimeoutMs: 0 };
      await exportEvidence(options, (piece) => void pieces.push(piece));
      return Buffer.concat(pieces).toString();
    };
    const status = async () => (await agent.relayer.receipt(entryId)).status;

    await agent.relayer.requestAnchor();
    await eventually(async () => (await status()) === "anchored");
    const early = await evidence(false);
    expect(await status()).to.equal("anchored");
    expect(await rejectionCode(evidence(true))).to.equal("ERR_UNAVAILABLE_RELAYER");
    await world.chain.mine(3);
    await eventually(async () => (await status()) === "final");
    expect(await evidence(true)).to.equal(early);
    agent.close();
  });
});
