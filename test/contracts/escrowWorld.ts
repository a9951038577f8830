import { ed25519 } from "@noble/curves/ed25519.js";
import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { Signer } from "ethers";

import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { groupIdOf } from "../../protocol/escrow/ids.ts";

/** What a KeyEscrow looks like in tests: its proxy, a registry of agents, and a stub that says who is attested. */
export async function escrowWorld(ethers: HardhatEthers, agentCount: number) {
  const behindProxy = async (name: string, args: readonly unknown[]): Promise<string> => {
    const implementation = await ethers.deployContract(name, name === "AgentRegistry" ? [300] : []);
    const call = implementation.interface.encodeFunctionData("initialize", args);
    const proxy = await ethers.deployContract("ERC1967Proxy", [await implementation.getAddress(), call]);
    return proxy.getAddress();
  };
  const [admin, ...accounts] = await ethers.getSigners();
  const agents = accounts
    .slice(0, agentCount)
    .sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
  const manager = await (await ethers.deployContract("AccessManager", [admin!.address])).getAddress();
  const registry = await ethers.getContractAt(
    "AgentRegistry",
    await behindProxy("AgentRegistry", [manager, ethers.ZeroAddress]),
  );
  const trust = await ethers.deployContract("TrustStub");
  const trustAt = await trust.getAddress();
  const escrowAt = await behindProxy("KeyEscrow", [manager, trustAt, await registry.getAddress()]);
  const escrow = await ethers.getContractAt("KeyEscrow", escrowAt);
  for (const [n, agent] of agents.entries()) await registry.connect(agent as Signer).register(signingKey(n + 1));
  await trust.getFunction("setAllTrusted")(agents.map(({ address }) => address));
  const group: Hex = groupIdOf("shop");
  return {
    admin: admin!,
    agents,
    others: accounts.slice(agentCount),
    registry,
    escrow,
    escrowAt,
    group,
    /** As a round of attestation would, in one block. */
    setTrusted: async (agent: string, trusted: boolean) => {
      await trust.getFunction("setTrusted")(agent, trusted);
    },
  };
}

function signingKey(n: number): string {
  return toHex(ed25519.getPublicKey(new Uint8Array(32).fill(n)));
}
