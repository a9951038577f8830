import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Wallet } from "ethers";
import { network } from "hardhat";

import { generatedFolder } from "../../../circuits/artifacts.ts";
import type { Eip1193 } from "../../../orchestrator/deploy/chainRpc.ts";
import { deployToNetwork, type NetworkDeployOptions } from "../../../orchestrator/deploy/deployToNetwork.ts";

export const sepolia = 11_155_111n;

/** The development keys, said to be a ceremony's: what the gate lets through on a public chain. */
export function ceremonyKeys(folder: string): string {
  cpSync(generatedFolder, folder, { recursive: true });
  const path = join(folder, "manifest.json");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("DEV_INSECURE", "CEREMONY"));
  return folder;
}

/** A chain in memory with a testnet's id, a funded account whose key is here, and a folder for what a deployment writes. */
export async function publicChain() {
  const { provider, ethers } = await network.create({ network: "default", override: { chainId: Number(sepolia) } });
  const rpc = provider as Eip1193;
  const wallet = new Wallet(`0x${"5e".repeat(32)}`);
  const folder = mkdtempSync(join(tmpdir(), "affiant-deploy-"));
  const keys = ceremonyKeys(join(folder, "keys"));
  const fund = (wei: bigint) =>
    rpc.request({ method: "hardhat_setBalance", params: [wallet.address, `0x${wei.toString(16)}`] });
  await fund(10n ** 18n);
  const options: Omit<NetworkDeployOptions, "scratch"> = {
    network: "sepolia",
    chainId: sepolia,
    rpc,
    account: { address: wallet.address, sign: (asked) => wallet.signTransaction(asked) },
    deploymentsDir: join(folder, "deployments"),
    journalsDir: join(folder, "journals"),
    circuitKeysDir: keys,
    confirmations: 1,
    pollMs: 5,
    feeBumpAfterMs: 600_000,
    blockSec: 12,
    confirm: () => Promise.resolve(true),
  };
  return {
    rpc,
    ethers,
    wallet,
    folder,
    fund,
    options,
    nonce: async () =>
      Number(await rpc.request({ method: "eth_getTransactionCount", params: [wallet.address, "latest"] })),
    deploy: async (changes: Partial<NetworkDeployOptions> = {}) =>
      await deployToNetwork({ ...options, scratch: await scratchChain(), ...changes }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function scratchChain(): Promise<Eip1193> {
  return (await network.create({ network: "default", override: { chainId: Number(sepolia) } })).provider as Eip1193;
}
