import { expect } from "chai";
import { Wallet, id } from "ethers";
import { network } from "hardhat";

import { escrowLane, type EscrowSigning, signAcknowledge, signMisdelivery } from "../../../agent/escrow/escrowCalls.ts";
import { ChainEscrow } from "../../../agent/escrow/escrowReader.ts";
import type { EpochDraft } from "../../../orchestrator/escrow/draftEpoch.ts";
import { keyCommitmentOf } from "../../../protocol/escrow/epochKey.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import { verifyMisdelivery } from "../../../protocol/escrow/misdelivery.ts";
import { sealedHashOf, sealKey } from "../../../protocol/escrow/sealedKey.ts";
import { sealedTree } from "../../../protocol/escrow/sealedTree.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { escrowSystem, privateKeyOf } from "../../orchestrator/escrow/world.ts";

const { ethers } = await network.create();
const fill = (n: number) => new Uint8Array(32).fill(n);

describe("a member and the key it is given", () => {
  const folder = tempFolders();
  const start = async () => escrowSystem(ethers, await folder());
  type World = Awaited<ReturnType<typeof start>>;

  /** A publisher that gives the first member another key than it commits to, and the others the right one. */
  async function lie(world: World, given: Uint8Array, key = privateKeyOf) {
    const epoch = { ...world.groupAt, epoch: 1n };
    const [victim] = world.agents.map(({ address }) => address) as [string];
    const keyCommitment = keyCommitmentOf(epoch, { key: fill(1), salt: fill(2) });
    const sealed = await Promise.all(
      world.agents.map(async ({ address }, i) => ({
        holder: address,
        bytes: await sealKey({
          epoch,
          member: address,
          memberKey: encryptionKeyOf(key(address)),
          publisherPrivateKey: world.publisherPrivateKey,
          keyCommitment,
          secret: { key: address === victim ? given : fill(1), salt: fill(2) },
          ephemeralSeed: fill(10 + i),
        }),
      })),
    );
    const tree = sealedTree(sealed.map(({ holder, bytes }) => ({ holder, sealedHash: sealedHashOf(bytes) })));
    const deliveries = new Map(
      sealed.map(({ holder, bytes }) => [
        holder.toLowerCase(),
        { sealed: bytes, merkleProof: tree.proofOf({ holder, sealedHash: sealedHashOf(bytes) }) },
      ]),
    );
    await world.deliveries.put({ epoch: 1n, keyCommitment, membersRoot: tree.root, deliveries });
    const members = world.agents.map(({ address }) => address);
    await world.chain.publish({ epoch, membersRoot: tree.root, keyCommitment, members, deliveries } as EpochDraft);
    return { victim, epoch, deliveries };
  }

  const signing = (world: World, agent: string, nonce = escrowLane << 64n): EscrowSigning => ({
    signer: world.agents.find(({ address }) => address === agent)!,
    agent,
    epoch: { ...world.groupAt, epoch: 1n },
    deadline: 10_000_000_000n,
    nonce,
  });
  const carry = async (world: World, { target, data }: { target: string; data: string }) =>
    (await world.others[0]!.sendTransaction({ to: target, data })).wait();

  it("opens it, and acknowledges it through any carrier", async () => {
    const world = await start();
    await world.publisher().step();
    const agent = world.agents[0]!.address;
    const held = await world.member(agent).keys.keyOf(1n);
    await carry(world, await signAcknowledge(signing(world, agent), held.keyCommitment));
    expect(await world.escrow.hasAcknowledged(world.group, 1, agent)).to.equal(true);
  });

  it("notices another key, uses it for nothing, and proves the publisher's lie to anybody", async () => {
    const world = await start();
    const { victim, deliveries } = await lie(world, fill(0x66));
    const member = world.member(victim);
    expect(await rejectionCode(member.keys.keyOf(1n))).to.equal("ERR_PROOF_KEY_COMMITMENT");
    expect(await rejectionCode(member.channel.seal(world.agents[1]!.address, fill(1)))).to.equal(
      "ERR_PROOF_KEY_COMMITMENT",
    );
    const [, received] = member.received[0]!;
    if (received.kind !== "misdelivered") throw new Error(`expected a misdelivery, got ${received.kind}`);

    // Anybody: with the chain and the proof, and nothing of the member's.
    const committed = await new ChainEscrow(ethers.provider, world.groupAt).epoch(1n);
    expect(await verifyMisdelivery(received.proof, committed)).to.equal("holds");
    const { merkleProof } = deliveries.get(victim.toLowerCase())!;
    const call = await signMisdelivery(signing(world, victim), received.sealedKeyHash, merkleProof, received.proof);
    await carry(world, call);
    const events = await world.escrow.queryFilter(world.escrow.filters.MisdeliveryReported(world.group, 1n, victim));
    expect(events.length).to.equal(1);

    // The others were given the right key, and the orchestrator rotates once it has checked the proof.
    await world.member(world.agents[1]!.address).keys.keyOf(1n);
    world.chain.demandRotation(1n);
    expect((await world.publisher().step())!.reason).to.equal("demanded");
    await member.keys.keyOf(2n);
  });

  it("says so when what was committed to does not open", async () => {
    const world = await start();
    const { victim } = await lie(world, fill(1), () => fill(0x77));
    const member = world.member(victim);
    expect(await rejectionCode(member.keys.keyOf(1n))).to.equal("ERR_PROOF_KEY_COMMITMENT");
    expect(member.received.map(([, { kind }]) => kind)).to.deep.equal(["unopenable"]);
  });

  it("blames whoever delivers, and not the publisher, for what is not under the root", async () => {
    const world = await start();
    const published = (await world.publisher().step())!;
    const agent = world.agents[0]!.address;
    const delivery = (await world.deliveries.for(agent).fetch(1n, published.keyCommitment))!;
    const changed = { ...delivery, sealed: delivery.sealed.map((byte, i) => (i === 50 ? byte ^ 1 : byte)) };
    const put = (what: typeof delivery) =>
      world.deliveries.put({ ...published, membersRoot: "0x", deliveries: new Map([[agent.toLowerCase(), what]]) });
    await put(changed);
    const member = world.member(agent);
    expect(await rejectionCode(member.keys.keyOf(1n))).to.equal("ERR_PROOF_SEALED_KEY");
    expect(member.received).to.deep.equal([]);
    await put(delivery);
    await member.keys.keyOf(1n);
  });

  it("convicted while it opens its key, has a key that no honest member uses any more", async () => {
    const world = await start();
    const published = (await world.publisher().step())!;
    const [convict, honest] = world.agents.map(({ address }) => world.member(address));
    const opening = convict!.keys.keyOf(1n);
    await world.setTrusted(convict!.address, false);
    expect((await opening).keyCommitment).to.equal(published.keyCommitment);
    const attempt = honest!.channel.seal(convict!.address, fill(1));
    expect(await rejectionCode(attempt)).to.equal("ERR_AUTH_EPOCH_STALE");
    expect(await rejectionCode(convict!.channel.seal(honest!.address, fill(1)))).to.equal("ERR_AUTH_EPOCH_STALE");
  });

  it("is not spoken for by another's signature", async () => {
    const world = await start();
    const published = (await world.publisher().step())!;
    const agent = world.agents[0]!.address;
    const forged = { ...signing(world, agent), signer: new Wallet(id("mallory")) };
    const { data } = await signAcknowledge(forged, published.keyCommitment);
    await expect(world.others[0]!.sendTransaction({ to: world.escrowAt, data }))
      .to.be.revertedWithCustomError(world.escrow, "InvalidSignature")
      .withArgs(agent);
  });
});
