import { getAddress, getCreateAddress, Interface, type InterfaceAbi, keccak256, type Result } from "ethers";

import { readManifest } from "../../circuits/artifacts.ts";
import type { DeployedCode, DeployedContract, DeployedVerifier, Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { upgradeableContracts } from "../../protocol/governance/roles.ts";
import { circuitIdOf } from "../../protocol/zk/circuitId.ts";
import type { Artifact } from "./artifacts.ts";
import type { Eip1193 } from "./chainRpc.ts";
import type { SentTransactions } from "./sentTransactions.ts";

export interface DeployedModule {
  readonly rpc: Eip1193;
  readonly chainId: bigint;
  readonly deployer: string;
  readonly sent: SentTransactions;
  readonly artifacts: ReadonlyMap<string, Artifact>;
  readonly circuitKeysDir?: string | undefined;
  /** Addresses by Ignition's ids. */
  readonly addresses: ReadonlyMap<string, string>;
}

const contractNameOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/**
 * What stands on the chain now: blocks and arguments are read from there, not from a journal, which may tell of blocks that
 * a reorganisation has thrown out.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if a creation is not on the chain
 */
export async function describeDeployment(deployed: DeployedModule): Promise<Deployment> {
  const reader = new Reader(deployed);
  const plain = async (contract: string, id = contract): Promise<DeployedCode> =>
    reader.code(`Affiant#${id}`, contract);
  const behindProxy = async (name: string): Promise<[string, DeployedContract]> => {
    const contract = contractNameOf(name);
    const { constructorArguments, ...proxy } = await reader.code(`Affiant#${contract}_proxy`, "ERC1967Proxy");
    const implementation = await plain(contract);
    const abi = new Interface(reader.artifact(contract).abi);
    const call = abi.parseTransaction({ data: constructorArguments?.["_data"] ?? "0x" });
    const initialize = abi.getFunction("initialize")?.inputs ?? [];
    return [
      name,
      {
        ...proxy,
        ...(constructorArguments === undefined ? {} : { constructorArguments }),
        implementation,
        ...(call ? { initializeArguments: named(initialize, call.args) } : {}),
      },
    ];
  };
  const contracts: Record<string, DeployedContract> = Object.fromEntries([
    ["accessManager", await plain("GovernanceManager", "AccessManager")],
    ["verifierRegistry", await plain("VerifierRegistry")],
    ["logAnchor", await plain("LogAnchor")],
    ...(await Promise.all(upgradeableContracts.map(behindProxy))),
  ]);
  const verifier: DeployedVerifier = {
    ...(await plain("KeyOwnershipVerifier")),
    ...(await keyOf("key-ownership", deployed.circuitKeysDir)),
  };
  return {
    chainId: Number(deployed.chainId),
    deployer: getAddress(deployed.deployer),
    contracts: contracts as Deployment["contracts"],
    verifiers: { "key-ownership": verifier },
    parts: { AttestationDesk: await plain("AttestationDesk") },
  };
}

async function keyOf(circuit: "key-ownership", folder: string | undefined) {
  const entry = (await readManifest(folder)).circuits[circuit];
  if (!entry) throw new AffiantError("ERR_INPUT_ARTIFACT", `the manifest has no circuit ${circuit}`);
  return { circuitId: circuitIdOf(circuit), keyKind: entry.keyKind, verificationKeySha256: entry.sha256.vkey };
}

class Reader {
  readonly #deployed: DeployedModule;

  constructor(deployed: DeployedModule) {
    this.#deployed = deployed;
  }

  artifact(contract: string): Artifact {
    const artifact = this.#deployed.artifacts.get(contract);
    if (!artifact) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `no artifact was read for ${contract}`);
    return artifact;
  }

  async code(id: string, contract: string): Promise<DeployedCode> {
    const address = this.#deployed.addresses.get(id);
    if (address === undefined) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `the module deployed no ${id}`);
    const { hash, blockNumber, input } = await this.#creationOf(address);
    const code = (await this.#ask("eth_getCode", address, "latest")) as string;
    const { abi, bytecode } = this.artifact(contract);
    return {
      address: getAddress(address),
      blockNumber: Number(blockNumber),
      codeHash: keccak256(code) as Hex,
      contract,
      transactionHash: hash as Hex,
      constructorArguments: constructorArgumentsOf(abi, bytecode, input),
    };
  }

  async #creationOf(address: string): Promise<{ hash: string; blockNumber: string; input: string }> {
    const { sent, deployer } = this.#deployed;
    const rivals = sent.all.filter(({ nonce }) => getCreateAddress({ from: deployer, nonce }) === getAddress(address));
    for (const { hash } of rivals) {
      const receipt = (await this.#ask("eth_getTransactionReceipt", hash)) as { blockNumber: string } | null;
      if (!receipt) continue;
      const { input } = (await this.#ask("eth_getTransactionByHash", hash)) as { input: string };
      return { hash, blockNumber: receipt.blockNumber, input };
    }
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the creation of ${address} is not on the chain`, {
      hint: "The same command goes on from there",
    });
  }

  #ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.#deployed.rpc.request({ method, params });
  }
}

function constructorArgumentsOf(abi: InterfaceAbi, bytecode: string, input: string): Readonly<Record<string, string>> {
  const contract = new Interface(abi);
  const { inputs } = contract.deploy;
  const encoded = `0x${input.slice(bytecode.length)}`;
  return named(inputs, contract.getAbiCoder().decode(inputs, encoded));
}

function named(inputs: readonly { readonly name: string }[], values: Result): Record<string, string> {
  return Object.fromEntries(inputs.map(({ name }, index) => [name || `${index}`, String(values[index])]));
}
