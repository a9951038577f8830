import { network } from "hardhat";

import { deployContracts } from "../../orchestrator/deploy/deployContracts.ts";

/** A fresh in-memory chain with the whole deployment on it; the first signer deployed it and administers the roles. */
export async function deployedChain() {
  const connection = await network.create();
  const signers = await connection.ethers.getSigners();
  const [deployer] = signers;
  if (!deployer) throw new Error("the chain has no accounts");
  const deployment = await deployContracts(deployer);
  return { ...connection, signers, deployer, deployment };
}
