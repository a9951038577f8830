import type { ContractTransactionResponse, Signer } from "ethers";
import { network } from "hardhat";

import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import type { Deployment } from "../../../protocol/deployment.ts";

export interface GasChain {
  readonly chainId: bigint;
  readonly deployer: Signer;
  /** Accounts with ether and without any history. */
  readonly accounts: readonly Signer[];
  readonly deployment: Deployment;
}

/** A fresh in-memory chain with everything deployed as it would be for use, proxies included. */
export async function gasChain(): Promise<GasChain> {
  const { ethers } = await network.create();
  const [deployer, ...accounts] = await ethers.getSigners();
  if (deployer === undefined) throw new Error("the chain has no accounts");
  const deployment = await deployContracts(deployer);
  return { chainId: BigInt(deployment.chainId), deployer, accounts, deployment };
}

/** The gas of a mined transaction. */
export async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("the transaction was not mined");
  return Number(receipt.gasUsed);
}
