import { expect } from "chai";
import { AbiCoder, id, keccak256, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { keyEscrowDomain, keyEscrowTypes } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { escrowLimits } from "../../protocol/escrow/limits.ts";
import { escrowWorld } from "./escrowWorld.ts";

const { ethers, networkHelpers } = await network.create();
const publisherKey = id("publisher");
const unknown = id("no such group");
const maxMembers = 2048n;
const maxBlocks = 2_000_000n;
/** Third field of the contract's ERC-7201 storage: group → Group, whose third field is the roster. */
const groupsSlot = 0xc0c8cb2b71da0038e798451018dba3a64b426754163e6a4dcd18e83b00bcae02n;

async function fixture() {
  const world = await escrowWorld(ethers, 3);
  const { escrow, group, agents } = world;
  const members = agents.map(({ address }) => address) as [string, string, string];
  await escrow.createGroup(group, publisherKey, 5);
  await escrow.addMembers(group, members.slice(0, 2));
  return { ...world, members };
}
const load = () => networkHelpers.loadFixture(fixture);
type World = Awaited<ReturnType<typeof load>>;

/** The same call, refused for an empty value, and for nothing else. */
async function refusesEmpty({ escrow }: World, call: () => Promise<unknown>): Promise<void> {
  await expect(call()).to.be.revertedWithCustomError(escrow, "EmptyValue").withArgs();
}

describe("KeyEscrow, at its limits", () => {
  it("makes a group once", async () => {
    const { escrow, group } = await load();
    await expect(escrow.createGroup(group, publisherKey, 5))
      .to.be.revertedWithCustomError(escrow, "GroupExists")
      .withArgs(group);
  });

  it("knows nothing of a group that was not made, nor of an epoch that was not published", async () => {
    const { escrow, group, members } = await load();
    const calls = [
      () => escrow.addMembers(unknown, [members[2]]),
      () => escrow.removeMembers(unknown, [members[0]]),
      () => escrow.setGrace(unknown, 5),
      () => escrow.setPublisherKey(unknown, publisherKey),
      () => escrow.publishEpoch(unknown, 1, id("root"), id("key"), members.slice(0, 2)),
      () => escrow.setTrustees(unknown, members, [id("a"), id("b")], id("root"), id("key"), 2, 1),
      () => escrow.isCurrent(unknown),
      () => escrow.viewOf(unknown),
      () => escrow.membersOf(unknown),
      () => escrow.epochAt(unknown, 1),
    ];
    for (const call of calls) {
      await expect(call()).to.be.revertedWithCustomError(escrow, "NoSuchGroup").withArgs(unknown);
    }
    await escrow.publishEpoch(group, 1, id("root"), id("key"), members.slice(0, 2));
    for (const epoch of [0n, 2n]) {
      await expect(escrow.epochOf(group, epoch))
        .to.be.revertedWithCustomError(escrow, "NoSuchEpoch")
        .withArgs(group, epoch);
    }
    expect((await escrow.epochOf(group, 1)).memberCount).to.equal(2n);
  });

  it("takes no empty key, root, commitment, list or proof", async () => {
    const world = await load();
    const { escrow, group, agents, members } = world;
    const two = members.slice(0, 2);
    await refusesEmpty(world, () => escrow.createGroup(unknown, ZeroHash, 5));
    await refusesEmpty(world, () => escrow.setPublisherKey(group, ZeroHash));
    await refusesEmpty(world, () => escrow.publishEpoch(group, 1, ZeroHash, id("key"), two));
    await refusesEmpty(world, () => escrow.publishEpoch(group, 1, id("root"), ZeroHash, two));
    await refusesEmpty(world, () => escrow.publishEpoch(group, 1, id("root"), id("key"), []));
    const commitments = [id("a"), id("b")];
    await refusesEmpty(world, () => escrow.setTrustees(group, members, commitments, ZeroHash, id("key"), 2, 1));
    await refusesEmpty(world, () => escrow.setTrustees(group, members, commitments, id("root"), ZeroHash, 2, 1));
    await escrow.setTrustees(group, members, commitments, id("root"), id("key"), 2, 1);
    await escrow.publishEpoch(group, 1, id("root"), id("key"), two);
    const own = escrow.connect(agents[0]!);
    await refusesEmpty(world, () => own.requestRecovery(members[0], group, 1, ZeroHash));
    await refusesEmpty(world, () => own.reportMisdelivery(members[0], group, 1, id("sealed"), [], ZeroHash));
  });

  it("keeps grace and timelock below its limit", async () => {
    const { escrow, group, members } = await load();
    const calls = [
      (blocks: bigint) => escrow.createGroup(unknown, publisherKey, blocks),
      (blocks: bigint) => escrow.setGrace(group, blocks),
      (blocks: bigint) => escrow.setTrustees(group, members, [id("a"), id("b")], id("root"), id("key"), 2, blocks),
    ];
    expect(await escrow.MAX_BLOCKS()).to.equal(maxBlocks);
    for (const call of calls) {
      await expect(call(maxBlocks + 1n))
        .to.be.revertedWithCustomError(escrow, "TooManyBlocks")
        .withArgs(maxBlocks + 1n, maxBlocks);
      await call(maxBlocks);
    }
  });

  it("takes a member once, a registered one, and lets go whom it has", async () => {
    const { escrow, group, members, registry, agents, others } = await load();
    const stranger = others[0]!.address;
    await expect(escrow.addMembers(group, [members[2], members[0]]))
      .to.be.revertedWithCustomError(escrow, "AlreadyMember")
      .withArgs(group, members[0]);
    await expect(escrow.addMembers(group, [members[2], stranger]))
      .to.be.revertedWithCustomError(escrow, "AgentNotActive")
      .withArgs(stranger);
    await registry.connect(agents[2]!).deactivate(members[2], ZeroAddress);
    await expect(escrow.addMembers(group, [members[2]]))
      .to.be.revertedWithCustomError(escrow, "AgentNotActive")
      .withArgs(members[2]);
    await expect(escrow.removeMembers(group, [members[0], members[2]]))
      .to.be.revertedWithCustomError(escrow, "NotMember")
      .withArgs(group, members[2]);
    expect(await escrow.membersOf(group)).to.have.members(members.slice(0, 2));
  });

  it("has so many seats and no more; whoever had one comes back to it", async () => {
    const { escrow, escrowAt, group, members } = await load();
    const inMapping = AbiCoder.defaultAbiCoder().encode(["bytes32", "uint256"], [group, groupsSlot]);
    const roster = BigInt(keccak256(inMapping)) + 2n;
    const setSeats = (count: bigint) => networkHelpers.setStorageAt(escrowAt, toBeHex(roster), toBeHex(count, 32));
    expect(await escrow.MAX_MEMBERS()).to.equal(maxMembers);
    await escrow.removeMembers(group, [members[1]]);
    await setSeats(maxMembers);
    await expect(escrow.addMembers(group, [members[2]]))
      .to.be.revertedWithCustomError(escrow, "TooManyMembers")
      .withArgs(maxMembers);
    await escrow.addMembers(group, [members[1]]);
    await setSeats(maxMembers - 1n);
    await escrow.addMembers(group, [members[2]]);
    expect(await escrow.isMember(group, members[2])).to.equal(true);
  });

  it("keeps apart who has which seat and who acknowledged, in groups of more than 256", async () => {
    const { escrow, escrowAt, agents, setTrusted } = await escrowWorld(ethers, 5);
    const group = id("a large group");
    const inMapping = AbiCoder.defaultAbiCoder().encode(["bytes32", "uint256"], [group, groupsSlot]);
    const roster = toBeHex(BigInt(keccak256(inMapping)) + 2n);
    await escrow.createGroup(group, publisherKey, 5);
    const seats = [0, 1, 255, 256, 512];
    for (const [i, { address }] of agents.entries()) {
      await networkHelpers.setStorageAt(escrowAt, roster, toBeHex(seats[i]!, 32));
      await escrow.addMembers(group, [address]);
    }
    const members = agents.map(({ address }) => address);
    await escrow.publishEpoch(group, 1, id("root"), id("key"), members);
    expect(await escrow.membersOfEpoch(group, 1)).to.deep.equal(members);
    for (const [i, agent] of agents.entries()) {
      await escrow.connect(agent).acknowledge(agent.address, group, 1, id("key"));
      const acknowledged = await Promise.all(members.map((member) => escrow.hasAcknowledged(group, 1, member)));
      expect(acknowledged).to.deep.equal(members.map((_, other) => other <= i));
      await expect(escrow.connect(agent).acknowledge(agent.address, group, 1, id("key")))
        .to.be.revertedWithCustomError(escrow, "AlreadyAcknowledged")
        .withArgs(agent.address, 1n);
    }
    for (const [i, member] of members.entries()) {
      await setTrusted(member, false);
      expect(await escrow.isCurrent(group)).to.equal(false);
      await setTrusted(member, true);
      expect(await escrow.isCurrent(group)).to.equal(false);
      await escrow.publishEpoch(group, i + 2, id("root"), id("key"), members);
      expect(await escrow.isCurrent(group)).to.equal(true);
    }
  });

  it("takes no list that one transaction could not hold", async () => {
    const { escrow, group } = await load();
    const many = (count: bigint) => Array.from({ length: Number(count) }, (_, i) => toBeHex(i + 1, 20));
    const [holders, batch, trustees] = [
      await escrow.MAX_HOLDERS(),
      await escrow.MAX_BATCH(),
      await escrow.MAX_TRUSTEES(),
    ];
    expect({ batch, holders, trustees }).to.deep.equal(
      Object.fromEntries(Object.entries(escrowLimits).map(([name, limit]) => [name, BigInt(limit)])),
    );
    const calls = [
      [holders, (list: string[]) => escrow.publishEpoch(group, 1, id("root"), id("key"), list), "NotMember"],
      [batch, (list: string[]) => escrow.addMembers(group, list), "AgentNotActive"],
      [batch, (list: string[]) => escrow.removeMembers(group, list), "NotMember"],
      [
        trustees,
        (list: string[]) => escrow.setTrustees(group, list, [id("a"), id("b")], ZeroHash, id("key"), 2, 1),
        "EmptyValue",
      ],
    ] as const;
    for (const [limit, call, otherwise] of calls) {
      await expect(call(many(limit + 1n)))
        .to.be.revertedWithCustomError(escrow, "TooLong")
        .withArgs(limit + 1n, limit);
      await expect(call(many(limit))).to.be.revertedWithCustomError(escrow, otherwise);
    }
  });

  it("takes no zero address for a trustee", async () => {
    const { escrow, group, members } = await load();
    const trustees = [ZeroAddress, ...members.slice(0, 2)];
    await expect(escrow.setTrustees(group, trustees, [id("a"), id("b")], id("root"), id("key"), 2, 1))
      .to.be.revertedWithCustomError(escrow, "NotAscending")
      .withArgs(ZeroAddress, ZeroAddress);
  });

  it("takes no signed word after its deadline, nor of an agent that was deactivated", async () => {
    const { escrow, escrowAt, group, agents, members, registry, others } = await load();
    await escrow.publishEpoch(group, 1, id("root"), id("key"), members.slice(0, 2));
    const { chainId } = await ethers.provider.getNetwork();
    const acknowledge = async (deadline: bigint) => {
      const message = { agent: members[0], group, epoch: 1n, keyCommitment: id("key"), nonce: 0n, deadline };
      const types = signerTypes(keyEscrowTypes, "Acknowledge");
      const signature = await agents[0]!.signTypedData(keyEscrowDomain(chainId, escrowAt), types, message);
      return escrow.connect(others[0]!).acknowledgeSigned(members[0], group, 1, id("key"), 0, deadline, signature);
    };
    const now = BigInt(await networkHelpers.time.latest());
    await expect(acknowledge(now)).to.be.revertedWithCustomError(escrow, "SignatureExpired");
    await registry.connect(agents[0]!).deactivate(members[0], ZeroAddress);
    await expect(acknowledge(now + 1_000n))
      .to.be.revertedWithCustomError(escrow, "AgentNotActive")
      .withArgs(members[0]);
  });
});
