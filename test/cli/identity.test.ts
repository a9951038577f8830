import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { affiant } from "./run.ts";
import { startWorld, type World } from "../agent/world/world.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("cli: an agent's identity", () => {
  const folder = tempFolders();
  let world: World;
  let server: Server;
  let served: Uint8Array;
  let uri: string;
  before(async () => {
    world = await startWorld();
    server = createServer((_request, response) => response.end(served));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/card.json`;
  });
  after(async () => {
    await world.close();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A data folder as `npm start` leaves it, with an agent in it. */
  async function withAgent(name: string): Promise<string> {
    const dataDir = await folder();
    const deploymentPath = join(world.home.dir, "deployment.json");
    const endpoints = { relayerUrl: world.proxy.url, rpcUrl: world.chain.url, deploymentPath, allowPrivate: true };
    await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
    await world.create(dataDir, name);
    return dataDir;
  }

  it("proves a zero-knowledge identity; a second time says that it is bound", async () => {
    const dataDir = await withAgent("support");
    const first = await affiant(["agent", "prove", "support", "--data", dataDir, "--json"]);
    expect(first).to.include({ code: 0, stderr: "" });
    expect(first.json()).to.deep.include({ registered: true, added: true });
    const { commitment, blockNumber, gasUsed } = first.json() as Record<string, number | string>;
    expect(gasUsed).to.be.within(200_000, 310_000);

    const second = await affiant(["agent", "prove", "support", "--data", dataDir]);
    expect(second.code).to.equal(0);
    expect(second.stdout).to.contain(`${commitment} (bound already)`);
    expect(second.stdout).to.match(new RegExp(`since block +${blockNumber}\n`));
  });

  it("publishes a card, and shows it to those who know only the DID", async () => {
    const dataDir = await withAgent("support");
    const on = ["--data", dataDir, "--json"];
    const bare = await affiant(["agent", "show", "support", ...on]);
    expect(bare.json()).to.include({ name: "support", card: null });

    const file = join(dataDir, "card.json");
    const card = {
      name: "support",
      description: "Books and changes flights",
      version: "1.0.0",
      url: "https://agent.example/a2a",
      skills: [{ id: "f", tags: ["flight.change"] }],
    };
    await writeFile(file, JSON.stringify(card));
    const publish = ["agent", "card", "publish", file, "--agent", "support", "--uri", uri, ...on];
    const published = await affiant(publish);
    expect(published).to.include({ code: 0, stderr: "" });
    expect(published.json()).to.deep.include({ added: true, capabilities: ["flight.change"] });
    expect((await affiant(publish)).json()).to.include({ added: false });

    const { agent: did, file: signed } = published.json() as Record<string, string>;
    served = await readFile(String(signed));
    const shown = await affiant(["agent", "show", String(did), ...on]);
    expect(shown.code).to.equal(0);
    expect((shown.json() as { card: object }).card).to.deep.include({
      outcome: "holds",
      capabilities: ["flight.change"],
      uri,
    });

    served = Buffer.from(Buffer.from(served).toString().replace("flight.change", "flight.cancel"));
    const changed = await affiant(["agent", "show", "support", ...on]);
    expect(changed.code).to.equal(1);
    expect((changed.json() as { card: object }).card).to.include({ outcome: "fails" });
  });

  it("takes no card that would not be found", async () => {
    const dataDir = await withAgent("support");
    const file = join(dataDir, "card.json");
    await writeFile(file, "[]");
    const publish = (at: string) =>
      affiant(["agent", "card", "publish", file, "--agent", "support", "--uri", at, "--data", dataDir, "--json"]);
    for (const [at, code] of [
      ["agent.example", "ERR_INPUT_CONFIG"],
      [uri, "ERR_INPUT_CARD"],
    ] as const) {
      const { code: exitCode, stderr } = await publish(at);
      expect([exitCode, (JSON.parse(stderr) as { code: string }).code]).to.deep.equal([2, code]);
    }
  });
});
