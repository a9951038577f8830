import { expect } from "chai";

import { type KeyOwnershipRequest, proveKeyOwnership } from "../../agent/proving/proveKeyOwnership.ts";
import { Prover } from "../../agent/proving/prover.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { circuitIdOf } from "../../protocol/zk/circuitId.ts";
import type { KeyOwnershipClaim } from "../../protocol/zk/keyOwnership.ts";
import { deployedChain } from "../helpers/deploy.ts";
import { testPrivateKey } from "../helpers/zk.ts";

const { ethers, networkHelpers, signers, deployment } = await deployedChain();

/** Canonical Ed25519 keys of prime order (RFC 8032 §7.1, tests 1 to 3). */
const signingKeys = [
  "0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  "0xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
];

async function fixture() {
  const registry = await ethers.getContractAt("AgentRegistry", deployment.contracts.agentRegistry.address);
  const [, agent, other, relayer] = signers;
  await registry.connect(agent!).register(signingKeys[0]!);
  await registry.connect(other!).register(signingKeys[1]!);
  const domain = agentRegistryDomain(31337n, await registry.getAddress());
  const request: KeyOwnershipRequest = {
    privateKey: testPrivateKey,
    domain,
    claim: { agent: agent!.address, recipient: relayer!.address, nonce: 0n, deadline: 4_000_000_000n },
  };
  return { registry, agent: agent!, other: other!, relayer: relayer!, domain, request };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;

const sign = (signer: Fixture["agent"], domain: Fixture["domain"], claim: KeyOwnershipClaim) =>
  signer.signTypedData(domain, signerTypes(agentRegistryTypes, "KeyOwnership"), claim);

const argumentsOf = (claim: KeyOwnershipClaim, proof: string) =>
  [claim.agent, claim.commitment, claim.recipient, claim.nonce, claim.deadline, proof] as const;

describe("AgentRegistry: key ownership", () => {
  const load = () => networkHelpers.loadFixture(fixture);
  let prover: Prover;
  before(async () => {
    prover = await Prover.open("key-ownership");
  });
  after(() => prover.close());

  it("names the circuit as TypeScript does", async () => {
    const { registry } = await load();
    expect(await registry.CIRCUIT_ID()).to.equal(circuitIdOf("key-ownership"));
  });

  it("stores commitment and block after a proof, for at most 300,000 gas", async () => {
    const { registry, agent, request } = await load();
    const { claim, proof } = await proveKeyOwnership(request, prover);
    const tx = await registry.connect(agent).proveKeyOwnership(...argumentsOf(claim, proof));
    const receipt = (await tx.wait())!;
    await expect(tx).to.emit(registry, "KeyOwnershipProved").withArgs(claim.agent, claim.commitment, claim.recipient);
    const found = await registry.commitmentOf(claim.agent);
    expect([...found]).to.deep.equal([claim.commitment, BigInt(receipt.blockNumber)]);
    expect(await registry.agentOfCommitment(claim.commitment)).to.equal(claim.agent);
    expect(receipt.gasUsed <= 300_000n, `${receipt.gasUsed} gas`).to.equal(true);
  });

  it("takes the owner's signature from whoever carries it", async () => {
    const { registry, relayer, request, domain } = await load();
    // Without ether: registered by a signed request too.
    const poor = signers[4]!;
    const deadline = 4_000_000_000n;
    const registration = { agent: poor.address, signingKey: signingKeys[2]!, nonce: 0n, deadline };
    const types = signerTypes(agentRegistryTypes, "Register");
    const registered = await poor.signTypedData(domain, types, registration);
    await registry.connect(relayer).registerSigned(poor.address, registration.signingKey, 0n, deadline, registered);

    const theirs = { ...request, claim: { ...request.claim, agent: poor.address, nonce: 1n } };
    const { claim, proof } = await proveKeyOwnership(theirs, prover);
    const signature = await sign(poor, domain, claim);
    const tx = await registry.connect(relayer).proveKeyOwnershipSigned(...argumentsOf(claim, proof), signature);
    await expect(tx).to.emit(registry, "KeyOwnershipProved").withArgs(poor.address, claim.commitment, claim.recipient);
    expect((await registry.commitmentOf(poor.address)).commitment).to.equal(claim.commitment);
  });

  it("recomputes the action: a proof for one claim serves no other", async () => {
    const { registry, agent, other, request } = await load();
    const { claim, proof } = await proveKeyOwnership(request, prover);
    const changes: readonly Partial<KeyOwnershipClaim>[] = [
      { recipient: other.address },
      { deadline: claim.deadline + 1n },
      { nonce: 1n << 64n },
      { commitment: claim.commitment + 1n },
    ];
    for (const change of changes) {
      const changed = { ...claim, ...change };
      await expect(registry.connect(agent).proveKeyOwnership(...argumentsOf(changed, proof)))
        .to.be.revertedWithCustomError(registry, "InvalidKeyOwnershipProof")
        .withArgs(changed.agent, changed.commitment);
    }
    const stolen = { ...claim, agent: other.address };
    await expect(registry.connect(other).proveKeyOwnership(...argumentsOf(stolen, proof)))
      .to.be.revertedWithCustomError(registry, "InvalidKeyOwnershipProof")
      .withArgs(other.address, claim.commitment);
  });

  it("refuses a proof for another chain or another contract", async () => {
    const { registry, agent, other, request, domain } = await load();
    for (const change of [{ chainId: 1n }, { verifyingContract: other.address }]) {
      const { claim, proof } = await proveKeyOwnership({ ...request, domain: { ...domain, ...change } }, prover);
      await expect(registry.connect(agent).proveKeyOwnership(...argumentsOf(claim, proof)))
        .to.be.revertedWithCustomError(registry, "InvalidKeyOwnershipProof")
        .withArgs(claim.agent, claim.commitment);
    }
  });

  it("refuses a second use, even of a proof made anew for the same claim", async () => {
    const { registry, agent, request } = await load();
    const [first, again] = await Promise.all([proveKeyOwnership(request, prover), proveKeyOwnership(request, prover)]);
    expect(first.proof).to.not.equal(again.proof);
    await registry.connect(agent).proveKeyOwnership(...argumentsOf(first.claim, first.proof));
    for (const { claim, proof } of [first, again]) {
      await expect(registry.connect(agent).proveKeyOwnership(...argumentsOf(claim, proof)))
        .to.be.revertedWithCustomError(registry, "InvalidAccountNonce")
        .withArgs(agent.address, 1n);
    }
  });

  it("refuses an expired claim, and takes it in its last second", async () => {
    const { registry, agent, request } = await load();
    const deadline = BigInt(await networkHelpers.time.latest()) + 100n;
    const { claim, proof } = await proveKeyOwnership({ ...request, claim: { ...request.claim, deadline } }, prover);
    const snapshot = await networkHelpers.takeSnapshot();
    await networkHelpers.time.setNextBlockTimestamp(deadline + 1n);
    await expect(registry.connect(agent).proveKeyOwnership(...argumentsOf(claim, proof)))
      .to.be.revertedWithCustomError(registry, "SignatureExpired")
      .withArgs(deadline, deadline + 1n);
    await snapshot.restore();
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await registry.connect(agent).proveKeyOwnership(...argumentsOf(claim, proof));
  });

  it("gives one commitment to one agent only", async () => {
    const { registry, agent, other, request } = await load();
    const first = await proveKeyOwnership(request, prover);
    await registry.connect(agent).proveKeyOwnership(...argumentsOf(first.claim, first.proof));
    const theirs = { ...request, claim: { ...request.claim, agent: other.address } };
    const second = await proveKeyOwnership(theirs, prover);
    await expect(registry.connect(other).proveKeyOwnership(...argumentsOf(second.claim, second.proof)))
      .to.be.revertedWithCustomError(registry, "CommitmentBound")
      .withArgs(first.claim.commitment, agent.address);
  });

  it("refuses a proof that comes from anyone but the owner, or without the owner's signature", async () => {
    const { registry, agent, relayer, request, domain } = await load();
    const { claim, proof } = await proveKeyOwnership(request, prover);
    await expect(registry.connect(relayer).proveKeyOwnership(...argumentsOf(claim, proof)))
      .to.be.revertedWithCustomError(registry, "NotOwner")
      .withArgs(claim.agent, relayer.address, agent.address);
    const signature = await sign(relayer, domain, claim);
    await expect(registry.connect(relayer).proveKeyOwnershipSigned(...argumentsOf(claim, proof), signature))
      .to.be.revertedWithCustomError(registry, "InvalidSignature")
      .withArgs(agent.address);
  });
});
