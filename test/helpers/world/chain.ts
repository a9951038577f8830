import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Contract, JsonRpcProvider, NonceManager, Wallet } from "ethers";

import { anvilBinary } from "../../../orchestrator/chain/anvilBinary.ts";
import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import type { Deployment } from "../../../protocol/deployment.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { logAnchorAbi } from "../../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";

/** anvil's first account (mnemonic "test test … junk"). */
const deployerKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** A local chain with the contracts on it, as a process of its own. */
export interface TestChain {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  readonly deployer: NonceManager;
  readonly deployment: Deployment;
  readonly agents: Contract;
  readonly policies: Contract;
  readonly logAnchor: Contract;
  rpc(method: string, ...params: unknown[]): Promise<unknown>;
  mine(blocks: number): Promise<void>;
  fund(address: string): Promise<void>;
  close(): Promise<void>;
}

export async function startChain(args: readonly string[] = []): Promise<TestChain> {
  const port = await freePort();
  const child = spawn(anvilBinary(), ["--port", String(port), "--silent", ...args], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isUp(url))) await sleep(20);
  const provider = new JsonRpcProvider(url, 31337, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  provider.pollingInterval = 20;
  const deployer = new NonceManager(new Wallet(deployerKey, provider));
  const deployment = await deployContracts(new Wallet(deployerKey, provider));
  const at = (name: keyof Deployment["contracts"], abi: readonly unknown[]) =>
    new Contract(deployment.contracts[name].address, abi as never, deployer);
  return {
    url,
    provider,
    deployer,
    deployment,
    agents: at("agentRegistry", agentRegistryAbi),
    policies: at("policyRegistry", policyRegistryAbi),
    logAnchor: at("logAnchor", logAnchorAbi),
    rpc: (method, ...params) => provider.send(method, params),
    mine: async (blocks) => void (await provider.send("anvil_mine", [`0x${blocks.toString(16)}`])),
    fund: async (address) => void (await provider.send("anvil_setBalance", [address, "0x56bc75e2d63100000"])),
    close: async () => {
      provider.destroy();
      await end(child);
    },
  };
}

async function isUp(url: string): Promise<boolean> {
  try {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
    return (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })).ok;
  } catch {
    return false;
  }
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
