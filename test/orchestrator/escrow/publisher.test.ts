import { expect } from "chai";
import { network } from "hardhat";

import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import type { EpochDraft } from "../../../orchestrator/escrow/draftEpoch.ts";
import type { PublisherChain } from "../../../orchestrator/escrow/publisher.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { rejection } from "../../helpers/rejection.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { bytes, escrowSystem, maxAgeBlocks, privateKeyOf, text } from "./world.ts";

const { ethers, networkHelpers } = await network.create();

describe("the publisher of epochs", () => {
  const folder = tempFolders();
  const start = async (agents = 3) => escrowSystem(ethers, await folder(), agents);

  it("gives a group its first key, to all who are attested, once", async () => {
    const world = await start();
    const published = (await world.publisher().step())!;
    expect(published).to.include({ reason: "first", epoch: 1n });
    expect(await world.publisher().step()).to.equal(undefined);
    for (const { address } of world.agents) {
      const held = await world.member(address).keys.keyOf(1n);
      expect(held.keyCommitment).to.equal(published.keyCommitment);
    }
  });

  it("sees the epoch that it published also through an endpoint that lags", async () => {
    const world = await start();
    let behind = 0;
    const provider = replacing(ethers.provider, "getBlockNumber", async () => {
      return (await ethers.provider.getBlockNumber()) - (behind-- > 0 ? 1 : 0);
    });
    const admin = replacing(world.admin, "provider", provider);
    const chain = new OrchestratorEscrow(admin, world.groupAt);
    await world.publisher({ chain }).step();
    behind = 2;
    expect(await chain.state()).to.include({ lastEpoch: 1n, current: true });
    expect(behind).to.equal(-1);
  });

  it("draws fresh keys: no epoch's key comes from another's", async () => {
    const world = await start();
    await world.publisher().step();
    const { address } = world.agents[0]!;
    const first = (await world.member(address).keys.keyOf(1n)).secret.key;
    await networkHelpers.mine(maxAgeBlocks);
    expect((await world.publisher().step())!.reason).to.equal("scheduled");
    const second = (await world.member(address).keys.keyOf(2n)).secret.key;
    expect(Buffer.compare(first, second)).to.not.equal(0);
    // key, salt, and one seed for each member; nothing is drawn less often.
    expect(world.drawn.length).to.equal(2 * (2 + world.agents.length));
  });

  it("rotates away from a member that lost trust, in the next block", async () => {
    const world = await start();
    await world.publisher().step();
    const [kept, convicted] = world.agents.map(({ address }) => address) as [string, string];
    const before = await ethers.provider.getBlockNumber();
    await world.setTrusted(convicted, false);
    const published = (await world.publisher().step())!;
    expect(published.reason).to.equal("trust-lost");
    expect(published.blockNumber - (before + 1), "blocks from quarantine to the new epoch").to.equal(1);
    expect(published.members).to.include(kept).and.not.include(convicted);
    expect(await rejectionCode(world.member(convicted).keys.keyOf(2n))).to.equal("ERR_UNAVAILABLE_KEY");
  });

  it("gives a new member a key, and leaves one out whose key is not known", async () => {
    const world = await start();
    const [known, stranger, late] = world.agents.map(({ address }) => address) as [string, string, string];
    await world.escrow.removeMembers(world.group, [late]);
    const { encryptionKeyOf } = await import("../../../protocol/hpke/hpke.ts");
    const publisher = world.publisher({
      encryptionKeyOf: async (agent) => (agent === stranger ? undefined : encryptionKeyOf(privateKeyOf(agent))),
    });
    expect((await publisher.step())!.members).to.deep.equal([known]);
    await world.escrow.addMembers(world.group, [late]);
    expect((await publisher.step())!.reason).to.equal("joined");
  });

  it("does nothing while nobody is attested", async () => {
    const world = await start();
    for (const { address } of world.agents) await world.setTrusted(address, false);
    expect(await world.publisher().step()).to.equal(undefined);
  });

  it("makes another draft if a member is convicted between its look and its transaction", async () => {
    const world = await start();
    const [, convicted] = world.agents.map(({ address }) => address) as [string, string];
    let moved = false;
    const chain: PublisherChain = {
      state: () => world.chain.state(),
      recoveryKey: () => world.chain.recoveryKey(),
      publish: async (draft) => {
        if (!moved) await world.setTrusted(convicted, false);
        moved = true;
        return world.chain.publish(draft);
      },
    };
    const published = (await world.publisher({ chain }).step())!;
    expect(published).to.include({ epoch: 1n });
    expect(published.members).to.not.include(convicted);
  });
});

describe("the publisher of epochs, killed at each step", () => {
  const folder = tempFolders();
  const crash = () => new AffiantError("ERR_INTERNAL_UNEXPECTED", "killed");

  /** What dies, and where: before or after the step had its effect. */
  const points = ["reading", "before delivering", "after delivering", "before publishing", "after publishing"] as const;
  for (const point of points) {
    it(`${point}: the next run ends with an epoch that every member opens`, async () => {
      const world = await escrowSystem(ethers, await folder());
      await world.publisher().step();
      await world.setTrusted(world.agents[0]!.address, false);
      const dies = (at: typeof point) => {
        if (at === point) throw crash();
      };
      const killed = world.publisher({
        chain: {
          state: async () => (dies("reading"), world.chain.state()),
          recoveryKey: () => world.chain.recoveryKey(),
          publish: async (draft: EpochDraft) => {
            dies("before publishing");
            const done = await world.chain.publish(draft);
            dies("after publishing");
            return done;
          },
        },
        deliveries: {
          put: async (keys) => {
            dies("before delivering");
            await world.deliveries.put(keys);
            dies("after delivering");
          },
        },
      });
      expect(await rejection(killed.step())).to.have.property("message", "killed");
      // Nothing on chain that members cannot open, whatever was left behind.
      const last = await world.escrow.lastEpoch(world.group);
      expect(last).to.equal(point === "after publishing" ? 2n : 1n);
      await world.publisher().step();
      expect(await world.escrow.lastEpoch(world.group)).to.equal(2n);
      const [, a, b] = world.agents.map(({ address }) => world.member(address));
      const message = await a!.channel.seal(b!.address, bytes("still here"));
      expect(text((await b!.channel.open(message)).plaintext)).to.equal("still here");
    });
  }
});

/** The same object but for one property. */
function replacing<T extends object>(target: T, property: keyof T, replacement: unknown): T {
  return new Proxy(target, {
    get(_, name) {
      if (name === property) return replacement;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
