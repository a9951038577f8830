import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { network } from "hardhat";

import { contractRegistryDomain, contractRegistryTypes } from "../../protocol/eip712/contractRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { toHex } from "../../protocol/encoding/hex.ts";

const { ethers, networkHelpers } = await network.create();

/** ContractChainState */
const state = { good: 0n, issuerUnbound: 1n, revoked: 2n };
const keyOf = (n: number): string => toHex(ed25519.getPublicKey(new Uint8Array(32).fill(n)));
const idOf = (n: number): string => ethers.zeroPadValue(ethers.toBeHex(n), 32);

async function behindProxy(name: string, args: readonly unknown[]): Promise<string> {
  const implementation = await ethers.deployContract(name, name === "AgentRegistry" ? [300] : []);
  const call = implementation.interface.encodeFunctionData("initialize", args);
  const proxy = await ethers.deployContract("ERC1967Proxy", [await implementation.getAddress(), call]);
  return proxy.getAddress();
}

async function fixture() {
  const [admin, owner, clerk, user, mallory] = await ethers.getSigners();
  const manager = await (await ethers.deployContract("AccessManager", [admin!.address])).getAddress();
  const agentsAt = await behindProxy("AgentRegistry", [manager, ethers.ZeroAddress]);
  const agents = await ethers.getContractAt("AgentRegistry", agentsAt);
  const registryAt = await behindProxy("ContractRegistry", [manager, agentsAt]);
  const registry = await ethers.getContractAt("ContractRegistry", registryAt);
  for (const [n, agent] of [owner!, clerk!, user!, mallory!].entries()) {
    await agents.connect(agent).register(keyOf(n + 1));
  }
  /** owner gives clerk contract 1; clerk passes it on as contract 2. */
  const chain = [
    { contractId: idOf(1), issuer: owner!.address, issuerKey: keyOf(1) },
    { contractId: idOf(2), issuer: clerk!.address, issuerKey: keyOf(2) },
  ];
  return { agents, registry, owner: owner!, clerk: clerk!, user: user!, mallory: mallory!, chain };
}

describe("ContractRegistry", () => {
  const load = () => networkHelpers.loadFixture(fixture);

  it("says which registry it asks about agents", async () => {
    const { registry, agents } = await load();
    expect(await registry.agentRegistry()).to.equal(await agents.getAddress());
  });

  it("knows nothing against a fresh chain of contracts", async () => {
    const { registry, chain } = await load();
    expect(await registry.checkChain(chain)).to.deep.equal([state.good, 0n, ethers.ZeroAddress, 0n]);
  });

  it("ends a link and all beneath it when the issuer above revokes", async () => {
    const { registry, owner, chain } = await load();
    const tx = await registry.connect(owner).revoke(owner.address, [idOf(1)]);
    const { blockNumber } = (await tx.wait())!;
    expect(await registry.checkChain(chain)).to.deep.equal([state.revoked, 0n, owner.address, BigInt(blockNumber)]);
  });

  it("lets any issuer above revoke a link, and that link alone", async () => {
    const { registry, owner, chain } = await load();
    await registry.connect(owner).revoke(owner.address, [idOf(2)]);
    expect((await registry.checkChain(chain)).slice(0, 3)).to.deep.equal([state.revoked, 1n, owner.address]);
    expect((await registry.checkChain(chain.slice(0, 1))).state).to.equal(state.good);
  });

  it("gives no weight to the revocation of an issuer below, or of a stranger", async () => {
    const { registry, clerk, mallory, chain } = await load();
    await registry.connect(clerk).revoke(clerk.address, [idOf(1)]);
    await registry.connect(mallory).revoke(mallory.address, [idOf(1), idOf(2)]);
    expect((await registry.checkChain(chain)).state).to.equal(state.good);
  });

  it("lets nobody revoke in another agent's name", async () => {
    const { registry, owner, mallory } = await load();
    await expect(registry.connect(mallory).revoke(owner.address, [idOf(1)]))
      .to.be.revertedWithCustomError(registry, "NotAgentOwner")
      .withArgs(owner.address, mallory.address, owner.address);
  });

  it("takes a link for unbound once its key was revoked or its agent is gone", async () => {
    const { registry, agents, owner, clerk, chain } = await load();
    await agents.connect(clerk).revokeSigningKey(clerk.address, keyOf(2));
    expect((await registry.checkChain(chain)).slice(0, 2)).to.deep.equal([state.issuerUnbound, 1n]);
    await agents.connect(owner).deactivate(owner.address, ethers.ZeroAddress);
    expect((await registry.checkChain(chain)).slice(0, 2)).to.deep.equal([state.issuerUnbound, 0n]);
  });

  it("takes a link that names another agent's key for unbound", async () => {
    const { registry, mallory, chain } = await load();
    const lie = [{ ...chain[0]!, issuer: mallory.address }];
    expect((await registry.checkChain(lie)).state).to.equal(state.issuerUnbound);
  });

  it("keeps the first block of a revocation, and finishes a batch that is sent again", async () => {
    const { registry, owner } = await load();
    await registry.connect(owner).revoke(owner.address, [idOf(1)]);
    const first = await registry.revokedAtBlock(owner.address, idOf(1));
    await expect(registry.connect(owner).revoke(owner.address, [idOf(1), idOf(2)]))
      .to.emit(registry, "ContractRevoked")
      .withArgs(owner.address, idOf(2));
    expect(await registry.revokedAtBlock(owner.address, idOf(1))).to.equal(first);
    expect(await registry.revokedAtBlock(owner.address, idOf(2))).to.equal(first + 1n);
  });

  it("bounds batches and chains", async () => {
    const { registry, owner, chain } = await load();
    const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => idOf(i + 1));
    expect((await registry.checkChain(Array.from({ length: 32 }, () => chain[0]!))).state).to.equal(state.good);
    await registry.connect(owner).revoke(owner.address, ids(64));
    for (const got of [0, 65]) {
      await expect(registry.connect(owner).revoke(owner.address, ids(got)))
        .to.be.revertedWithCustomError(registry, "BatchSize")
        .withArgs(got, 64);
    }
    for (const got of [0, 33]) {
      await expect(registry.checkChain(Array.from({ length: got }, () => chain[0]!)))
        .to.be.revertedWithCustomError(registry, "ChainLength")
        .withArgs(got, 32);
    }
  });

  describe("signed requests", () => {
    async function request(changes: { [key: string]: unknown } = {}) {
      const context = await load();
      const { registry, owner } = context;
      const { chainId } = await ethers.provider.getNetwork();
      const domain = contractRegistryDomain(chainId, await registry.getAddress());
      const deadline = (await networkHelpers.time.latest()) + 1000;
      const signed = { agent: owner.address, contractIds: [idOf(1), idOf(2)], nonce: 0n, deadline };
      const signature = await owner.signTypedData(domain, signerTypes(contractRegistryTypes, "Revoke"), signed);
      const sent = { ...signed, signature, ...changes };
      const { agent, contractIds, nonce, signature: bytes } = sent;
      const call = registry
        .connect(context.mallory)
        .revokeSigned(agent, contractIds as string[], nonce, sent.deadline, bytes);
      return { ...context, call, deadline };
    }

    it("are carried by anyone", async () => {
      const { registry, owner, call } = await request();
      await call;
      expect(await registry.revokedAtBlock(owner.address, idOf(2))).not.to.equal(0n);
    });

    it("cannot be changed on the way", async () => {
      const { registry, owner, call } = await request({ contractIds: [idOf(1), idOf(3)] });
      await expect(call).to.be.revertedWithCustomError(registry, "InvalidSignature").withArgs(owner.address);
    });

    it("count once", async () => {
      const { registry, owner, call } = await request();
      const tx = await call;
      await expect(owner.sendTransaction({ to: await registry.getAddress(), data: tx.data }))
        .to.be.revertedWithCustomError(registry, "InvalidAccountNonce")
        .withArgs(owner.address, 1n);
    });
  });

  describe("signed anchors", () => {
    async function request(changes: { [key: string]: unknown } = {}) {
      const context = await load();
      const { registry, owner, clerk, mallory } = context;
      const { chainId } = await ethers.provider.getNetwork();
      const domain = contractRegistryDomain(chainId, await registry.getAddress());
      const deadline = (await networkHelpers.time.latest()) + 1000;
      const signed = { agent: owner.address, contractId: idOf(1), audience: clerk.address, nonce: 0n, deadline };
      const signature = await owner.signTypedData(domain, signerTypes(contractRegistryTypes, "Anchor"), signed);
      const { agent, contractId, audience, nonce, ...rest } = { ...signed, signature, ...changes };
      const call = registry
        .connect(mallory)
        .anchorSigned(agent, contractId, audience, nonce, rest.deadline, rest.signature);
      return { ...context, call };
    }

    it("are carried by anyone", async () => {
      const { registry, owner, clerk, call } = await request();
      await call;
      expect((await registry.anchorOf(owner.address, idOf(1))).audience).to.equal(clerk.address);
    });

    it("cannot be changed on the way", async () => {
      for (const changes of [{ contractId: idOf(2) }, { audience: ethers.ZeroAddress }]) {
        const { registry, owner, call } = await request(changes);
        await expect(call).to.be.revertedWithCustomError(registry, "InvalidSignature").withArgs(owner.address);
      }
    });
  });

  it("does nothing for an agent that is not active, nor in its name", async () => {
    const { agents, registry, owner, clerk } = await load();
    await agents.connect(owner).deactivate(owner.address, ethers.ZeroAddress);
    const asOwner = registry.connect(owner);
    for (const call of [
      asOwner.revoke(owner.address, [idOf(1)]),
      asOwner.anchor(owner.address, idOf(1), clerk.address),
    ]) {
      await expect(call).to.be.revertedWithCustomError(registry, "AgentNotActive").withArgs(owner.address);
    }
  });

  it("puts a contract on record in nobody else's name", async () => {
    const { registry, owner, mallory } = await load();
    await expect(registry.connect(mallory).anchor(owner.address, idOf(1), mallory.address))
      .to.be.revertedWithCustomError(registry, "NotAgentOwner")
      .withArgs(owner.address, mallory.address, owner.address);
  });

  it("puts a contract and its parties on record, once", async () => {
    const { registry, owner, clerk, user } = await load();
    await expect(registry.connect(owner).anchor(owner.address, idOf(1), clerk.address))
      .to.emit(registry, "ContractAnchored")
      .withArgs(owner.address, idOf(1), clerk.address);
    const [audience, blockNumber] = await registry.anchorOf(owner.address, idOf(1));
    expect([audience, Number(blockNumber)]).to.deep.equal([clerk.address, await ethers.provider.getBlockNumber()]);
    await expect(registry.connect(owner).anchor(owner.address, idOf(1), user.address))
      .to.be.revertedWithCustomError(registry, "AlreadyAnchored")
      .withArgs(owner.address, idOf(1));
  });
});
