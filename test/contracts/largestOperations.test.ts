import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { AbiCoder, Contract, type ContractTransactionResponse, getAddress, id, keccak256, toBeHex } from "ethers";
import { network } from "hardhat";

import { deployContracts } from "../../orchestrator/deploy/deployContracts.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { escrowLimits } from "../../protocol/escrow/limits.ts";

/** EIP-7825: what a transaction may use since Osaka. */
const cap = 16_777_216n;
const agentsStorage = 0x14f7ea5d9af6021456f855f18ffcef28ebda9b90068c3a8be268b3da32d7bd00n;
const attestationStorage = 0xc11359bd58cab5412c6366db3b9d6bc66423b4a88c66d69754dec5424774fe00n;
const slotOf = (account: string, mapping: bigint): string =>
  keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [account, mapping]));
const signingKey = (n: number): string =>
  toHex(ed25519.getPublicKey(new Uint8Array(Buffer.from(toBeHex(n, 32).slice(2), "hex"))));

describe("the largest size of each operation fits a transaction", function () {
  // Thousands of slots are written directly, thousands of members checked.
  this.timeout(600_000);

  async function world() {
    const { ethers } = await network.create();
    const [deployer, owner] = await ethers.getSigners();
    const { contracts } = await deployContracts(deployer!);
    const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<bigint> =>
      (await (await sent).wait())!.gasUsed;
    return { ethers, deployer: deployer!, owner: owner!, contracts, gasOf };
  }

  it("of a group: pages of members, an epoch of as many holders as there may be, trustees", async () => {
    const { ethers, deployer, contracts, gasOf } = await world();
    const escrow = new Contract(contracts.keyEscrow.address, keyEscrowAbi, deployer);
    const attestations = new Contract(
      contracts.attestationRegistry.address,
      ["function isTrusted(address) view returns (bool)"],
      deployer,
    );
    const members = Array.from({ length: escrowLimits.holders }, (_, i) =>
      getAddress(keccak256(toBeHex(i + 1)).slice(0, 42)),
    ).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const head = BigInt(await ethers.provider.getBlockNumber());
    // Registered and attested, as the packed words say it (IdentityWord, AttestedAgent): 3,000 transactions less.
    const identity = (1n << 80n) | (1n << 96n);
    const attested = 2n | ((head + 1_000_000n) << 16n) | (1n << 144n) | (1n << 200n) | (1n << 224n);
    const put = (at: string, slot: string, word: bigint) =>
      ethers.provider.send("hardhat_setStorageAt", [at, slot, toBeHex(word, 32)]);
    for (const member of members) {
      await put(contracts.agentRegistry.address, slotOf(member, agentsStorage), identity);
      await put(contracts.attestationRegistry.address, slotOf(member, attestationStorage), attested);
    }
    expect(await attestations.getFunction("isTrusted")(members[7]!)).to.equal(true);
    const group = id("a large group");
    await gasOf(escrow.getFunction("createGroup")(group, id("publisher"), 5));
    for (let at = 0; at < members.length; at += escrowLimits.batch) {
      const page = members.slice(at, at + escrowLimits.batch);
      expect((await gasOf(escrow.getFunction("addMembers")(group, page))) < cap, "addMembers").to.equal(true);
    }
    const publish = escrow.getFunction("publishEpoch");
    for (const epoch of [1, 2]) {
      const gas = await gasOf(publish(group, epoch, id("root"), id("key"), members, { gasLimit: cap }));
      expect(gas < cap, `publishEpoch: ${gas}`).to.equal(true);
    }
    // `viewOf` asks this of two epochs while the one before has its grace: nodes let a call use more (geth: 50,000,000).
    expect((await escrow.getFunction("isCurrent").estimateGas(group)) < cap, "isCurrent").to.equal(true);
    const gone = escrow.getFunction("removeMembers")(group, members.slice(0, escrowLimits.batch));
    expect((await gasOf(gone)) < cap, "removeMembers").to.equal(true);
    const trustees = members.slice(0, escrowLimits.trustees);
    const commitments = trustees.map((_, i) => id(`commitment ${i}`));
    const named = escrow.getFunction("setTrustees")(
      group,
      trustees,
      commitments,
      id("shares"),
      id("recovery"),
      escrowLimits.trustees,
      10,
    );
    expect((await gasOf(named)) < cap, "setTrustees").to.equal(true);
  });

  it("of an agent: its last key, all its guardians, a card with all capabilities, a batch of revocations", async () => {
    const { ethers, deployer, owner, contracts, gasOf } = await world();
    const agents = new Contract(contracts.agentRegistry.address, agentRegistryAbi, owner);
    const most = Number(await agents.getFunction("MAX_SIGNING_KEYS")());
    await gasOf(agents.getFunction("register")(signingKey(1)));
    for (let n = 2; n < most; n++) await gasOf(agents.getFunction("addSigningKey")(owner.address, signingKey(n)));
    const rotate = agents.getFunction("rotateSigningKey")(owner.address, signingKey(1), signingKey(most));
    expect((await gasOf(rotate)) < cap, "rotateSigningKey").to.equal(true);
    const capabilities = Array.from({ length: 16 }, (_, i) => id(`capability ${i}`));
    const card = agents.getFunction("setCard")(
      owner.address,
      `https://agents.example/${"a".repeat(1_000)}`,
      id("card"),
      capabilities,
    );
    expect((await gasOf(card)) < cap, "setCard").to.equal(true);
    const guardians = await Promise.all(
      Array.from({ length: 16 }, async (_, i) => {
        const account = getAddress(toBeHex((BigInt(i) + 1n) << 100n, 20));
        await ethers.provider.send("hardhat_impersonateAccount", [account]);
        await ethers.provider.send("hardhat_setBalance", [account, toBeHex(10n ** 18n)]);
        return ethers.getSigner(account);
      }),
    );
    const addresses = guardians.map(({ address }) => address);
    const set = agents.getFunction("setGuardians")(owner.address, addresses, 16, 300);
    expect((await gasOf(set)) < cap, "setGuardians").to.equal(true);
    for (const guardian of guardians) {
      const asGuardian = agents.connect(guardian) as Contract;
      const approved = asGuardian.getFunction("approveRecovery")(owner.address, deployer.address);
      expect((await gasOf(approved)) < cap, "approveRecovery").to.equal(true);
    }
    const registry = new Contract(contracts.contractRegistry.address, contractRegistryAbi, owner);
    const ids = Array.from({ length: Number(await registry.getFunction("MAX_BATCH")()) }, (_, i) => id(`cid ${i}`));
    expect((await gasOf(registry.getFunction("revoke")(owner.address, ids))) < cap, "revoke").to.equal(true);
  });

  it("of a log: the longest origin, and the longest proof that a size of 48 bits can have", async () => {
    const { deployer, contracts, gasOf } = await world();
    const logs = new Contract(contracts.logAnchor.address, logAnchorAbi, deployer);
    const origin = "o".repeat(255);
    expect((await gasOf(logs.getFunction("registerLog")(origin, signingKey(1)))) < cap, "registerLog").to.equal(true);
    const logId = keccak256(
      AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes32"], [id("Log(string origin)"), id(origin)]),
    );
    await gasOf(logs.getFunction("anchor")(logId, 2n ** 48n - 1n, id("root"), []));
    const proof = Array.from({ length: 96 }, (_, i) => id(`node ${i}`));
    const asked = logs.getFunction("verifyConsistency").estimateGas(logId, 0, 2n ** 47n - 1n, id("old"), proof);
    expect((await asked) < cap, "verifyConsistency").to.equal(true);
  });
});
