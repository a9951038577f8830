import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Contract, JsonRpcProvider, Wallet } from "ethers";

import { anvilBinary } from "../../../orchestrator/chain/anvilBinary.ts";
import type { deployContracts as DeployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { type Deployment, formatDeployment } from "../../../protocol/deployment.ts";
import { openSenderKey } from "../../../relayer/sender/signer.ts";

/** anvil's first account (mnemonic "test test … junk"). */
const deployerKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const root = join(import.meta.dirname, "../../..");

/** Counted as always, and never reached. */
const noLimits = {
  AFFIANT_RATE_LIMIT_PER_MINUTE: "100000000",
  AFFIANT_AGENT_RATE_LIMIT_PER_MINUTE: "100000000",
  AFFIANT_REQUEST_QUOTA_PER_DAY: "0",
  AFFIANT_REQUEST_GAS_PER_DAY: "0",
  AFFIANT_BUDGET_REQUESTS_PER_DAY: "0",
  AFFIANT_BUDGET_GAS_PER_DAY: "0",
};

/** As docs/relayer.md recommends them ("Memory"). */
const relayerSettings = {
  nodeOptions: ["--max-semi-space-size=16", "--max-old-space-size=256"],
  env: { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_TRIM_THRESHOLD_: "131072" },
};

/** What the relayer's process uses of the machine, threads included. */
export interface RelayerUse {
  readonly residentBytes: number;
  /** CPU time since its start. */
  readonly cpuSec: number;
}

/** A local chain and a relayer on it, each a process of its own. */
export interface World {
  readonly url: string;
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  readonly provider: JsonRpcProvider;
  contract(name: keyof Deployment["contracts"], abi: readonly unknown[], runner: Wallet): Contract;
  readonly relayerPid: number;
  relayerUse(): Promise<RelayerUse>;
  close(): Promise<void>;
}

/**
 * @param env of the relayer. Limits are high unless it says otherwise: all load comes from one address
 * @param folder of another build, whose relayer and contracts are used; default ours
 */
export async function startWorld(env: Readonly<Record<string, string>> = {}, folder = root): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "affiant-bench-"));
  const port = await freePort();
  const anvil = spawn(anvilBinary(), ["--port", String(port), "--silent"], { stdio: "ignore" });
  const rpcUrl = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(rpcUrl, 31337, { staticNetwork: true, cacheTimeout: -1 });
  provider.pollingInterval = 20;
  await untilUp(rpcUrl);
  const deployer = (await import(join(folder, "orchestrator/deploy/deployContracts.ts"))) as {
    // Of the build that is measured, which may be another one.
    readonly deployContracts: typeof DeployContracts;
  };
  const deployment = await deployer.deployContracts(new Wallet(deployerKey, provider));
  const deploymentFile = join(dir, "deployment.json");
  await writeFile(deploymentFile, formatDeployment(deployment));
  const { address } = openSenderKey(join(dir, "sender.key"));
  await provider.send("anvil_setBalance", [address, "0x56bc75e2d63100000"]);
  const { child, url } = await startRelayer(dir, { rpcUrl, deploymentFile, folder, env: { ...noLimits, ...env } });
  return {
    url,
    rpcUrl,
    deployment,
    provider,
    contract: (name, abi, runner) => new Contract(deployment.contracts[name].address, abi as never, runner),
    relayerPid: child.pid ?? 0,
    relayerUse: () => relayerUse(url),
    async close() {
      await end(child);
      provider.destroy();
      await end(anvil);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function startRelayer(
  dir: string,
  place: { rpcUrl: string; deploymentFile: string; folder: string; env: Readonly<Record<string, string>> },
): Promise<{ child: ChildProcess; url: string }> {
  const flags = process.env["AFFIANT_BENCH_NODE_OPTIONS"]?.split(" ") ?? [];
  const child = spawn(
    process.execPath,
    [...relayerSettings.nodeOptions, ...flags, join(place.folder, "relayer/main.ts")],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env["PATH"],
        ...relayerSettings.env,
        AFFIANT_RPC_URL: place.rpcUrl,
        AFFIANT_DATA_DIR: dir,
        AFFIANT_PORT: "0",
        AFFIANT_DEPLOYMENT: place.deploymentFile,
        AFFIANT_LOG_ORIGIN: "bench.example/log",
        AFFIANT_LOG_LEVEL: "warn",
        AFFIANT_ANCHOR_INTERVAL_MS: "5000",
        ...place.env,
      },
    },
  );
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return { child, url: (JSON.parse(line) as { url: string }).url };
}

async function relayerUse(url: string): Promise<RelayerUse> {
  await sleep(1_100); // it gives the same figures to all who ask within a second
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
  return {
    residentBytes: read("affiant_process_resident_memory_bytes"),
    cpuSec: read("affiant_process_cpu_seconds_total"),
  };
}

async function untilUp(url: string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  for (;;) {
    try {
      await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      return;
    } catch {
      await sleep(50);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
