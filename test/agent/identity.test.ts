import { cp, rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { encodeCapability } from "../../agent/card/capabilities.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { generatedFolder } from "../../circuits/artifacts.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { startWorld, type World } from "./world/world.ts";

describe("agent: what it binds to its identity on chain", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  it("proves a zero-knowledge identity once", async () => {
    const dataDir = await folder();
    const agent = await world.ready(dataDir, "prover");
    const first = await agent.proveKeyOwnership();
    expect(first.added).to.equal(true);
    expect(first.gasUsed).to.be.within(200_000, 310_000);
    const [commitment, blockNumber] = (await world.chain.agents.getFunction("commitmentOf")(agent.address)) as bigint[];
    expect([commitment, Number(blockNumber)]).to.deep.equal([first.commitment, first.blockNumber]);
    expect(await agent.proveKeyOwnership()).to.deep.equal({
      commitment: first.commitment,
      blockNumber: first.blockNumber,
      added: false,
    });
    agent.close();

    await rm(agentFolder(dataDir, "prover").zkKey);
    const forgetful = await world.open(dataDir, "prover");
    expect(await rejectionCode(forgetful.proveKeyOwnership())).to.equal("ERR_CONFLICT_ZK_KEY");
    forgetful.close();
  });

  it("proves under the circuit keys that it is given: those of the deployment's ceremony", async () => {
    const dataDir = await folder();
    const circuitKeysDir = join(dataDir, "keys");
    const agent = await world.ready(dataDir, "elsewhere", { settings: { circuitKeysDir } });
    expect(await rejectionCode(agent.proveKeyOwnership())).to.equal("ERR_INPUT_ARTIFACT");
    await cp(generatedFolder, circuitKeysDir, { recursive: true });
    expect((await agent.proveKeyOwnership()).added).to.equal(true);
    agent.close();
  });

  it("publishes a card once, and another one in its place", async () => {
    const agent = await world.ready(await folder(), "carded");
    const card = (byte: string, ...tags: string[]) => ({
      uri: "https://agent.example/card.json",
      contentHash: `0x${byte.repeat(32)}` as const,
      capabilities: tags.map(encodeCapability),
    });
    expect(await agent.publishCard(card("11", "a", "b"))).to.deep.equal({ added: true });
    expect(await agent.publishCard(card("11", "a", "b"))).to.deep.equal({ added: false });
    expect(await agent.publishCard(card("11", "a"))).to.deep.equal({ added: true });
    expect(await agent.publishCard(card("22", "a"))).to.deep.equal({ added: true });
    const state = (await world.chain.agents.getFunction("resolve")(agent.address)) as { cardHash: string };
    expect(state.cardHash).to.equal(card("22").contentHash);
    agent.close();
  });
});
