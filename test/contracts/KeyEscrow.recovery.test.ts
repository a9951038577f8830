import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";

import { keyEscrowDomain, keyEscrowTypes } from "../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { recoveryRequestId } from "../../protocol/escrow/ids.ts";
import { escrowWorld } from "./escrowWorld.ts";

const { ethers, networkHelpers } = await network.create();
const timelockBlocks = 10;
const recipientKey = id("recipient") as Hex;
const state = { none: 0n, requested: 1n, approved: 2n, released: 3n, cancelled: 4n };

async function fixture() {
  const world = await escrowWorld(ethers, 4);
  const { escrow, group, agents, others } = world;
  const members = agents.slice(0, 3).map(({ address }) => address);
  const trustees = others.slice(0, 3).sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
  const commitments = [id("C0"), id("C1")];
  const name = (recoveryKey = id("recovery key"), of = trustees) =>
    escrow.setTrustees(
      group,
      of.map(({ address }) => address),
      commitments,
      id("shares"),
      recoveryKey,
      2,
      timelockBlocks,
    );
  await escrow.createGroup(group, id("publisher"), 5);
  await escrow.addMembers(group, members);
  await name();
  await escrow.publishEpoch(group, 1, id("root"), id("key"), members);
  const agent = agents[0]!;
  const requestId = recoveryRequestId(group, 1n, 1n, agent.address, recipientKey);
  const request = () => escrow.connect(agent).requestRecovery(agent.address, group, 1, recipientKey);
  const approve = (trustee: number) => escrow.connect(trustees[trustee]!).approveRecovery(requestId);
  const stateOf = async () => (await escrow.recoveryOf(requestId)).state;
  return { ...world, members, trustees, commitments, name, agent, requestId, request, approve, stateOf };
}
const load = () => networkHelpers.loadFixture(fixture);

describe("KeyEscrow: recovery", () => {
  it("goes from request over approvals and timelock to release", async () => {
    const { escrow, group, agent, requestId, request, approve, stateOf } = await load();
    await expect(request())
      .to.emit(escrow, "RecoveryRequested")
      .withArgs(requestId, group, agent.address, 1n, 1n, recipientKey);
    await approve(0);
    expect(await stateOf()).to.equal(state.requested);
    const approvedAt = (await (await approve(2)).wait())!.blockNumber;
    expect(await stateOf()).to.equal(state.approved);
    const releasableAt = approvedAt + timelockBlocks;
    await networkHelpers.mineUpTo(releasableAt - 2);
    await expect(escrow.releaseRecovery(requestId))
      .to.be.revertedWithCustomError(escrow, "TooEarly")
      .withArgs(releasableAt - 1, releasableAt);
    await networkHelpers.mine(1);
    await expect(escrow.releaseRecovery(requestId))
      .to.emit(escrow, "RecoveryReleased")
      .withArgs(requestId, group, recipientKey);
    expect(await stateOf()).to.equal(state.released);
  });

  it("is for attested members alone, when asked and again when released", async () => {
    const { escrow, group, agents, agent, requestId, request, approve, setTrusted } = await load();
    const outsider = agents[3]!;
    await expect(escrow.connect(outsider).requestRecovery(outsider.address, group, 1, recipientKey))
      .to.be.revertedWithCustomError(escrow, "NotMember")
      .withArgs(group, outsider.address);
    await setTrusted(agent.address, false);
    await expect(request()).to.be.revertedWithCustomError(escrow, "NotAttested").withArgs(agent.address);
    await setTrusted(agent.address, true);
    await request();
    await approve(0);
    await approve(1);
    await networkHelpers.mine(timelockBlocks);
    await setTrusted(agent.address, false);
    await expect(escrow.releaseRecovery(requestId))
      .to.be.revertedWithCustomError(escrow, "NotAttested")
      .withArgs(agent.address);
  });

  it("does not count one trustee twice, nor anybody else", async () => {
    const { escrow, trustees, agent, requestId, request, approve, stateOf } = await load();
    await request();
    await approve(0);
    await expect(approve(0))
      .to.be.revertedWithCustomError(escrow, "NotPendingTrustee")
      .withArgs(requestId, trustees[0]!.address);
    await expect(escrow.connect(agent).approveRecovery(requestId))
      .to.be.revertedWithCustomError(escrow, "NotPendingTrustee")
      .withArgs(requestId, agent.address);
    expect(await stateOf()).to.equal(state.requested);
  });

  it("takes a trustee's signed approval from any carrier", async () => {
    const { escrow, escrowAt, trustees, agent, requestId, request } = await load();
    await request();
    const trustee = trustees[1]!;
    const { chainId } = await ethers.provider.getNetwork();
    const deadline = 10_000_000_000n;
    const signature = await trustee.signTypedData(
      keyEscrowDomain(chainId, escrowAt),
      signerTypes(keyEscrowTypes, "ApproveRecovery"),
      { trustee: trustee.address, requestId, nonce: 0n, deadline },
    );
    const carrier = escrow.connect(agent);
    await expect(carrier.approveRecoverySigned(trustees[0]!.address, requestId, 0, deadline, signature))
      .to.be.revertedWithCustomError(escrow, "InvalidSignature")
      .withArgs(trustees[0]!.address);
    await carrier.approveRecoverySigned(trustee.address, requestId, 0, deadline, signature);
    expect((await escrow.recoveryOf(requestId)).approvals).to.equal(1n);
  });

  it("is stopped by the agent's owner, and by a veto, until it is released", async () => {
    const { escrow, agent, agents, requestId, request, approve, stateOf } = await load();
    await request();
    await expect(escrow.connect(agents[1]!).cancelRecovery(requestId))
      .to.be.revertedWithCustomError(escrow, "NotAgentOwner")
      .withArgs(agent.address, agents[1]!.address, agent.address);
    await escrow.connect(agent).cancelRecovery(requestId);
    expect(await stateOf()).to.equal(state.cancelled);
    await expect(approve(0))
      .to.be.revertedWithCustomError(escrow, "WrongRecoveryState")
      .withArgs(requestId, state.cancelled, state.requested);
    await expect(request())
      .to.be.revertedWithCustomError(escrow, "WrongRecoveryState")
      .withArgs(requestId, state.cancelled, state.none);
  });

  it("can be vetoed during the timelock", async () => {
    const { escrow, requestId, request, approve, stateOf } = await load();
    await request();
    await approve(0);
    await approve(1);
    await escrow.vetoRecovery(requestId);
    expect(await stateOf()).to.equal(state.cancelled);
  });

  it("ends with the trustees it was put to", async () => {
    const { escrow, group, requestId, request, approve, name } = await load();
    await request();
    await name();
    await expect(approve(0)).to.be.revertedWithCustomError(escrow, "NotRecoverable").withArgs(group, 1n);
    expect((await escrow.recoveryOf(requestId)).approvals).to.equal(0n);
  });

  it("reaches back over a refresh of the shares, but not over another secret", async () => {
    const { escrow, group, agent, name, others } = await load();
    await name(
      id("recovery key"),
      others.slice(0, 2).sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1)),
    );
    await escrow.connect(agent).requestRecovery(agent.address, group, 1, id("a fresh key"));
    await name(id("another secret"));
    await expect(escrow.connect(agent).requestRecovery(agent.address, group, 1, id("one more")))
      .to.be.revertedWithCustomError(escrow, "NotRecoverable")
      .withArgs(group, 1n);
  });

  it("keeps trustees, threshold and commitments, and takes no threshold below two", async () => {
    const { escrow, group, trustees, commitments } = await load();
    const set = await escrow.trusteesOf(group, 1);
    const addresses = trustees.map(({ address }) => address);
    expect([...set.trustees]).to.deep.equal(addresses);
    expect(set.commitmentsHash).to.equal(ethers.keccak256(ethers.concat(commitments)));
    expect([set.threshold, set.timelockBlocks]).to.deep.equal([2n, BigInt(timelockBlocks)]);
    await expect(escrow.setTrustees(group, addresses, [id("C0")], id("s"), id("k"), 1, 1))
      .to.be.revertedWithCustomError(escrow, "InvalidThreshold")
      .withArgs(1n, 3n, 1n);
    await expect(escrow.setTrustees(group, addresses, [id("C0")], id("s"), id("k"), 2, 1))
      .to.be.revertedWithCustomError(escrow, "InvalidThreshold")
      .withArgs(2n, 3n, 1n);
  });
});
