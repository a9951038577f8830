import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";

import { keyEscrowDomain, keyEscrowTypes } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { keyCommitmentOf } from "../../protocol/escrow/epochKey.ts";
import { sealedTree } from "../../protocol/escrow/sealedTree.ts";
import { escrowWorld } from "./escrowWorld.ts";

const { ethers, networkHelpers, provider } = await network.create();
const publisherKey = id("publisher");
const graceBlocks = 5;
const deadline = 10_000_000_000n;

async function fixture() {
  const world = await escrowWorld(ethers, 4);
  const { escrow, group, agents } = world;
  const members = agents.slice(0, 3).map(({ address }) => address);
  await escrow.createGroup(group, publisherKey, graceBlocks);
  await escrow.addMembers(group, members);
  const leaves = members.map((holder, i) => ({ holder, sealedHash: id(`sealed ${i}`) as Hex }));
  const tree = sealedTree(leaves);
  const commitmentOf = (epoch: number) => id(`key ${epoch}`);
  const publish = (epoch: number, who = members) =>
    escrow.publishEpoch(group, epoch, tree.root, commitmentOf(epoch), who);
  return { ...world, members, leaves, tree, commitmentOf, publish };
}
const load = () => networkHelpers.loadFixture(fixture);

describe("KeyEscrow: publishing", () => {
  it("keeps an epoch as it was published", async () => {
    const { escrow, group, members, tree, commitmentOf, publish } = await load();
    await expect(publish(1)).to.emit(escrow, "EpochPublished").withArgs(group, 1n, tree.root, commitmentOf(1), members);
    const found = await escrow.epochOf(group, 1);
    const { membersRoot, keyCommitment, memberCount, acknowledgedCount, generation } = found;
    const record = {
      membersRoot,
      keyCommitment,
      publisherKey: found.publisherKey,
      memberCount,
      acknowledgedCount,
      generation,
    };
    expect(record).to.deep.equal({
      membersRoot: tree.root,
      keyCommitment: commitmentOf(1),
      publisherKey,
      memberCount: 3n,
      acknowledgedCount: 0n,
      generation: 0n,
    });
    expect(found.publishedAtBlock).to.equal(BigInt(await ethers.provider.getBlockNumber()));
    expect(await escrow.membersOfEpoch(group, 1)).to.have.members(members);
  });

  it("reverts unless every member is attested in that block", async () => {
    const { escrow, members, publish, setTrusted } = await load();
    await setTrusted(members[2]!, false);
    await expect(publish(1)).to.be.revertedWithCustomError(escrow, "NotAttested").withArgs(members[2]);
  });

  it("takes epochs one after the other, and none twice", async () => {
    const { escrow, publish } = await load();
    await expect(publish(2)).to.be.revertedWithCustomError(escrow, "EpochOrder").withArgs(2n, 1n);
    await publish(1);
    await expect(publish(1)).to.be.revertedWithCustomError(escrow, "EpochOrder").withArgs(1n, 2n);
  });

  it("takes no outsider, and nobody twice", async () => {
    const { escrow, group, agents, members, publish } = await load();
    const outsider = agents[3]!.address;
    await expect(publish(1, [...members, outsider]))
      .to.be.revertedWithCustomError(escrow, "NotMember")
      .withArgs(group, outsider);
    const [first, second] = members as [string, string];
    await expect(publish(1, [first, second, second]))
      .to.be.revertedWithCustomError(escrow, "NotAscending")
      .withArgs(second, second);
  });

  it("is the orchestrator's alone, and so are the members", async () => {
    const { escrow, group, members, tree, agents } = await load();
    const mallory = escrow.connect(agents[0]!);
    const calls = [
      () => mallory.publishEpoch(group, 1, tree.root, id("k"), members),
      () => mallory.addMembers(group, [agents[3]!.address]),
      () => mallory.removeMembers(group, [members[1]!]),
      () => mallory.createGroup(id("another"), publisherKey, 1),
      () => mallory.setPublisherKey(group, id("mine")),
      () => mallory.setGrace(group, 100),
      () => mallory.setTrustees(group, members, [id("a"), id("b")], id("r"), id("k"), 2, 1),
      () => mallory.vetoRecovery(id("request")),
    ];
    for (const call of calls) {
      await expect(call())
        .to.be.revertedWithCustomError(escrow, "AccessManagedUnauthorized")
        .withArgs(agents[0]!.address);
    }
  });

  it("verifies sealed keys of merkletreejs with MerkleProof.sol", async () => {
    const { escrow, group, leaves, tree, publish } = await load();
    await publish(1);
    for (const leaf of leaves) {
      const proof = [...tree.proofOf(leaf)];
      expect(await escrow.verifySealedKey(group, 1, leaf.holder, leaf.sealedHash, proof)).to.equal(true);
      expect(await escrow.verifySealedKey(group, 1, leaf.holder, id("other"), proof)).to.equal(false);
    }
  });

  it("hashes the commitment, the group and the request as the protocol does", async () => {
    const { group } = await load();
    const secret = { key: new Uint8Array(32).fill(1), salt: new Uint8Array(32).fill(2) };
    const text = "KeyCommitment(bytes32 group,uint256 epoch,bytes32 key,bytes32 salt)";
    const types = ["bytes32", "bytes32", "uint256", "bytes32", "bytes32"];
    const byHand = ethers.keccak256(
      ethers.AbiCoder.defaultAbiCoder().encode(types, [id(text), group, 7n, secret.key, secret.salt]),
    );
    expect(keyCommitmentOf({ group, epoch: 7n }, secret)).to.equal(byHand);
  });

  it("holds 300 seats in two words", async () => {
    const { escrow, group, registry, setTrusted } = await load();
    // Members beyond the first word of the bitmap: agents of wallets, registered by the wallets themselves.
    const wallets = Array.from({ length: 300 }, (_, i) => ethers.getAddress(ethers.toBeHex(0x1000 + i, 20)));
    const chosen = [wallets[0]!, wallets[299]!];
    for (const [i, at] of wallets.entries()) {
      await networkHelpers.impersonateAccount(at);
      await networkHelpers.setBalance(at, 10n ** 18n);
      const key = (await import("@noble/curves/ed25519.js")).ed25519.getPublicKey(
        ethers.getBytes(ethers.toBeHex(0x5000 + i, 32)),
      );
      await registry.connect(await ethers.getSigner(at)).register(key);
    }
    await escrow.addMembers(group, wallets.slice(0, 150));
    await escrow.addMembers(group, wallets.slice(150));
    for (const at of chosen) await setTrusted(at, true);
    await escrow.publishEpoch(group, 1, id("root"), id("key"), chosen);
    expect([...(await escrow.membersOfEpoch(group, 1))]).to.deep.equal(chosen);
    expect(await escrow.isCurrent(group)).to.equal(true);
  });
});

describe("KeyEscrow: how long an epoch holds", () => {
  it("is current until a member loses trust, and not in that very block", async () => {
    const { escrow, group, members, publish, setTrusted } = await load();
    expect(await escrow.isCurrent(group)).to.equal(false);
    await publish(1);
    expect(await escrow.isCurrent(group)).to.equal(true);
    const before = await ethers.provider.getBlockNumber();
    await setTrusted(members[1]!, false);
    expect(await escrow.isCurrent.staticCall(group, { blockTag: before })).to.equal(true);
    expect(await escrow.isCurrent.staticCall(group, { blockTag: before + 1 })).to.equal(false);
    expect(await escrow.accepts(group, 1)).to.equal(false);
  });

  it("ends with a removal, but not with an addition", async () => {
    const { escrow, group, agents, members, publish } = await load();
    await publish(1);
    await escrow.addMembers(group, [agents[3]!.address]);
    expect(await escrow.isCurrent(group)).to.equal(true);
    await escrow.removeMembers(group, [members[0]!]);
    expect(await escrow.isCurrent(group)).to.equal(false);
    expect(await escrow.membersOf(group)).to.not.include(members[0]);
  });

  it("stays ended when whoever lost trust is attested anew, also within one block and in the grace", async () => {
    const { escrow, group, members, publish, setTrusted } = await load();
    await publish(1);
    await ethers.provider.send("evm_setAutomine", [false]);
    await setTrusted(members[1]!, false);
    await setTrusted(members[1]!, true);
    await ethers.provider.send("evm_setAutomine", [true]);
    await networkHelpers.mine(1);
    expect(await escrow.isCurrent(group)).to.equal(false);
    expect(await escrow.accepts(group, 1)).to.equal(false);
    await publish(2);
    const view = await escrow.viewOf(group);
    expect([view.epoch, view.current, view.previousAccepted]).to.deep.equal([2n, true, false]);
  });

  it("stays ended when whoever was removed comes back to its seat", async () => {
    const { escrow, group, members, publish } = await load();
    await publish(1);
    await escrow.removeMembers(group, [members[1]!]);
    await escrow.addMembers(group, [members[1]!]);
    expect(await escrow.isMember(group, members[1]!)).to.equal(true);
    expect(await escrow.isCurrent(group)).to.equal(false);
    await publish(2);
    expect(await escrow.isCurrent(group)).to.equal(true);
    expect(await escrow.accepts(group, 1)).to.equal(false);
  });

  it("goes on under the next epoch, without whoever lost trust", async () => {
    const { escrow, group, members, publish, setTrusted } = await load();
    await publish(1);
    await setTrusted(members[1]!, false);
    await publish(2, [members[0]!, members[2]!]);
    const view = await escrow.viewOf(group);
    expect([view.epoch, view.current, view.previousAccepted]).to.deep.equal([2n, true, false]);
  });

  it("listens to the epoch before for the grace period, while all its holders are attested", async () => {
    const { escrow, group, members, publish, setTrusted } = await load();
    await publish(1);
    await publish(2);
    expect(await escrow.accepts(group, 1)).to.equal(true);
    await networkHelpers.mine(graceBlocks);
    expect(await escrow.accepts(group, 1), "the last block of grace").to.equal(true);
    await networkHelpers.mine(1);
    expect(await escrow.accepts(group, 1), "the block after").to.equal(false);
    await publish(3);
    expect(await escrow.accepts(group, 2)).to.equal(true);
    await setTrusted(members[0]!, false);
    expect(await escrow.accepts(group, 2)).to.equal(false);
    expect(await escrow.accepts(group, 1), "two epochs back").to.equal(false);
    expect(await escrow.accepts(group, 4), "an epoch to come").to.equal(false);
  });

  it("keeps what was, for auditors", async () => {
    const { escrow, group, members, publish } = await load();
    const first = (await (await publish(1)).wait())!.blockNumber;
    await networkHelpers.mine(3);
    const second = (await (await publish(2, [members[1]!, members[2]!])).wait())!.blockNumber;
    await escrow.removeMembers(group, [members[1]!]);
    await escrow.addMembers(group, [members[1]!]);
    expect(await escrow.epochAt(group, first - 1)).to.equal(0n);
    expect(await escrow.epochAt(group, first)).to.equal(1n);
    expect(await escrow.epochAt(group, second - 1)).to.equal(1n);
    expect(await escrow.epochAt(group, second)).to.equal(2n);
    expect(await escrow.membersOfEpoch(group, 1)).to.have.members(members);
    expect(await escrow.membersOfEpoch(group, 2)).to.have.members([members[1]!, members[2]!]);
  });

  it("keeps the publisher's key of the time", async () => {
    const { escrow, group, publish } = await load();
    await publish(1);
    await escrow.setPublisherKey(group, id("next publisher"));
    await publish(2);
    expect((await escrow.epochOf(group, 1)).publisherKey).to.equal(publisherKey);
    expect((await escrow.epochOf(group, 2)).publisherKey).to.equal(id("next publisher"));
  });
});

describe("KeyEscrow: what members say", () => {
  it("counts each acknowledgement once", async () => {
    const { escrow, group, agents, commitmentOf, publish } = await load();
    await publish(1);
    const agent = agents[0]!;
    const acknowledge = () => escrow.connect(agent).acknowledge(agent.address, group, 1, commitmentOf(1));
    await expect(acknowledge()).to.emit(escrow, "Acknowledged").withArgs(group, 1n, agent.address);
    expect(await escrow.hasAcknowledged(group, 1, agent.address)).to.equal(true);
    expect(await escrow.hasAcknowledged(group, 1, agents[1]!.address)).to.equal(false);
    expect((await escrow.epochOf(group, 1)).acknowledgedCount).to.equal(1n);
    await expect(acknowledge())
      .to.be.revertedWithCustomError(escrow, "AlreadyAcknowledged")
      .withArgs(agent.address, 1n);
  });

  it("takes no acknowledgement of another key, of an outsider, or in another's name", async () => {
    const { escrow, group, agents, commitmentOf, publish } = await load();
    await publish(1);
    const [agent, other, , outsider] = agents.map(({ address }) => address) as [string, string, string, string];
    await expect(escrow.connect(agents[0]!).acknowledge(agent, group, 1, id("another")))
      .to.be.revertedWithCustomError(escrow, "WrongCommitment")
      .withArgs(id("another"), commitmentOf(1));
    await expect(escrow.connect(agents[3]!).acknowledge(outsider, group, 1, commitmentOf(1)))
      .to.be.revertedWithCustomError(escrow, "NotMember")
      .withArgs(group, outsider);
    await expect(escrow.connect(agents[1]!).acknowledge(agent, group, 1, commitmentOf(1)))
      .to.be.revertedWithCustomError(escrow, "NotAgentOwner")
      .withArgs(agent, other, agent);
  });

  it("takes a signed acknowledgement from any carrier, once", async () => {
    const { escrow, escrowAt, group, agents, others, commitmentOf, publish } = await load();
    await publish(1);
    const agent = agents[0]!;
    const { chainId } = await ethers.provider.getNetwork();
    const message = { agent: agent.address, group, epoch: 1n, keyCommitment: commitmentOf(1), nonce: 0n, deadline };
    const signature = await agent.signTypedData(
      keyEscrowDomain(chainId, escrowAt),
      signerTypes(keyEscrowTypes, "Acknowledge"),
      message,
    );
    const carrier = escrow.connect(others[0]!);
    const carry = (commitment: string) =>
      carrier.acknowledgeSigned(agent.address, group, 1, commitment, 0, deadline, signature);
    await expect(carry(id("another")))
      .to.be.revertedWithCustomError(escrow, "InvalidSignature")
      .withArgs(agent.address);
    await carry(commitmentOf(1));
    expect(await escrow.hasAcknowledged(group, 1, agent.address)).to.equal(true);
    await expect(carry(commitmentOf(1)))
      .to.be.revertedWithCustomError(escrow, "InvalidAccountNonce")
      .withArgs(agent.address, 1n);
  });

  it("records a misdelivery only of what is under the root, and ends nothing by it", async () => {
    const { escrow, group, agents, leaves, tree, publish } = await load();
    await publish(1);
    const agent = agents[0]!;
    const leaf = leaves.find(({ holder }) => holder === agent.address)!;
    const report = (sealedHash: string) =>
      escrow
        .connect(agent)
        .reportMisdelivery(agent.address, group, 1, sealedHash, [...tree.proofOf(leaf)], id("proof"));
    await expect(report(leaf.sealedHash))
      .to.emit(escrow, "MisdeliveryReported")
      .withArgs(group, 1n, agent.address, leaf.sealedHash, id("proof"));
    expect(await escrow.isCurrent(group)).to.equal(true);
    await expect(report(id("forged")))
      .to.be.revertedWithCustomError(escrow, "NotUnderRoot")
      .withArgs(agent.address, id("forged"), tree.root);
  });
});

describe("KeyEscrow: code size", () => {
  it("fits EIP-170", async () => {
    const { escrowAt } = await load();
    const slot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"; // ERC-1967 implementation
    const word = (await provider.request({ method: "eth_getStorageAt", params: [escrowAt, slot, "latest"] })) as string;
    const code = await ethers.provider.getCode(`0x${word.slice(26)}`);
    expect((code.length - 2) / 2)
      .to.be.greaterThan(10_000)
      .and.at.most(24_576);
  });
});
