import { ed25519 } from "@noble/curves/ed25519.js";
import { Contract, type Signer } from "ethers";
import { network } from "hardhat";

import { deployContracts } from "../../orchestrator/deploy/deployContracts.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";

/** The same Ed25519 key for the same number. */
export function signingKey(number: number): string {
  return toHex(ed25519.getPublicKey(new Uint8Array(32).fill(number)));
}

/** A fresh chain with everything deployed, and both registries as any account sees them. */
export async function registryChain() {
  const { ethers, networkHelpers } = await network.create();
  const signers = await ethers.getSigners();
  const [deployer] = signers;
  if (deployer === undefined) throw new Error("the chain has no accounts");
  const { chainId, contracts } = await deployContracts(deployer);
  return {
    ethers,
    networkHelpers,
    provider: ethers.provider,
    signers,
    chainId: BigInt(chainId),
    agents: (sender: Signer = deployer) => new Contract(contracts.agentRegistry.address, agentRegistryAbi, sender),
    policies: (sender: Signer = deployer) => new Contract(contracts.policyRegistry.address, policyRegistryAbi, sender),
  };
}
