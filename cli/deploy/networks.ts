import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { Wallet } from "ethers";
import type { HardhatUserConfig } from "hardhat/types/config";

import { type ChainRpcOptions, chainRpcAt, type Eip1193 } from "../../orchestrator/deploy/chainRpc.ts";
import { accountOfService, type DeployerAccount } from "../../orchestrator/deploy/deployerAccount.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export const root = join(import.meta.dirname, "../..");

/** What Hardhat's configuration says of a network, with its secrets taken from where they are kept. */
export interface NamedNetwork {
  readonly name: string;
  readonly chainId: bigint;
  readonly rpc: Eip1193;
  readonly account: () => Promise<DeployerAccount>;
  /** An empty chain in memory with the same id. */
  readonly scratch: () => Promise<Eip1193>;
}

export interface SignerService {
  readonly url: string;
  readonly address: string;
}

/** The parts of Hardhat that are used here; the command line and Hardhat's own task both have one. */
export interface Hardhat {
  readonly config: { readonly networks: Readonly<Record<string, { readonly type: string }>> };
  readonly network: { create(params: object): Promise<{ readonly provider: unknown }> };
}

interface Secret {
  get(): Promise<string>;
}

interface HttpNetwork {
  readonly type: string;
  readonly chainId?: number;
  readonly url: Secret;
  readonly accounts: "remote" | readonly Secret[] | object;
}

/** Loads Hardhat with this checkout's configuration, wherever the command was called. It takes most of a second. */
export async function loadHardhat(): Promise<Hardhat> {
  const { createHardhatRuntimeEnvironment } = await import("hardhat/hre");
  const path = join(root, "hardhat.config.ts");
  const { default: config } = (await import(pathToFileURL(path).href)) as { default: HardhatUserConfig };
  return (await createHardhatRuntimeEnvironment(config, { config: path }, root)) as unknown as Hardhat;
}

/**
 * @throws AffiantError ERR_INPUT_CONFIG for a network that the configuration does not have, or has without chain id, and
 *   for a secret that is kept nowhere
 */
export async function openNetwork(
  hardhat: Hardhat,
  name: string,
  service?: SignerService,
  rpcOptions?: ChainRpcOptions,
): Promise<NamedNetwork> {
  const network = hardhat.config.networks[name] as HttpNetwork | undefined;
  if (network?.type !== "http") {
    const known = Object.keys(hardhat.config.networks).filter(
      (other) => hardhat.config.networks[other]?.type === "http",
    );
    throw new AffiantError("ERR_INPUT_CONFIG", `hardhat.config.ts has no network ${name}`, {
      hint: `It has: ${known.join(", ")}`,
    });
  }
  const { chainId, url, accounts } = network;
  if (chainId === undefined) {
    throw new AffiantError("ERR_INPUT_CONFIG", `the network ${name} has no chainId in hardhat.config.ts`, {
      hint: "Without it nobody could tell a wrong endpoint from the right one",
    });
  }
  return {
    name,
    chainId: BigInt(chainId),
    rpc: chainRpcAt(await secret(url), rpcOptions),
    account: async () => (service ? accountOfService(service.url, service.address) : await walletOf(name, accounts)),
    scratch: async () => {
      const { provider } = await hardhat.network.create({ network: "default", override: { chainId } });
      return provider as Eip1193;
    },
  };
}

async function walletOf(name: string, accounts: HttpNetwork["accounts"]): Promise<DeployerAccount> {
  const [first] = Array.isArray(accounts) ? (accounts as readonly Secret[]) : [];
  if (!first) {
    throw new AffiantError("ERR_INPUT_CONFIG", `the network ${name} has no account`, {
      hint: "Give --signer and --from, or put the key into Hardhat's keystore",
    });
  }
  const key = await secret(first);
  let wallet: Wallet;
  try {
    wallet = new Wallet(key.trim());
  } catch {
    // The cause would carry the key.
    throw new AffiantError("ERR_INPUT_CONFIG", `the deployer's key of ${name} is not a private key`);
  }
  return { address: wallet.address, sign: (asked) => wallet.signTransaction(asked) };
}

async function secret(variable: Secret): Promise<string> {
  try {
    return await variable.get();
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AffiantError("ERR_INPUT_CONFIG", words.replace(/^HHE\d+: /, ""), {
      cause,
      hint: "docs/deploy.md tells how secrets are kept: npx hardhat keystore set NAME",
    });
  }
}
