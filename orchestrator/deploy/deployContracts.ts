import { ContractFactory, getCreateAddress, type InterfaceAbi, Interface, keccak256, type Signer } from "ethers";

import {
  type DeployedContract,
  type DeployedContractName,
  type Deployment,
  deployedContractNames,
} from "../../protocol/deployment.ts";
import { type Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Artifact, readArtifacts } from "./artifacts.ts";
import { assertKeysAllowed, enterVerifier, verifierContracts } from "./circuitKeys.ts";
import { appointOrchestrator } from "./orchestratorAccount.ts";
import { deploymentOnChain } from "./onChain.ts";

export interface DeployOptions {
  /** A deployment known from before. If its code is on this chain it is returned as it is and nothing is sent. */
  readonly previous?: Deployment | undefined;
  /** Who administers the roles; the deployer unless given. */
  readonly admin?: string;
  /** Who keeps groups and publishes their epochs; the deployer unless given. */
  readonly orchestrator?: string;
  readonly artifactsDir?: string;
  /** Folder of the circuits' keys: a ceremony's export. Without it the development keys, for local chains only. */
  readonly circuitKeysDir?: string;
  /** Told after each contract, for people. */
  readonly onDeployed?: (name: DeployedContractName, contract: DeployedContract) => void;
}

/**
 * Puts the contracts of DESIGN.md §10 on a chain: the manager of roles, the table of verifiers, the registries behind
 * UUPS proxies, and the log's anchor, which has neither proxy nor roles.
 *
 * If the deployer administers the roles, the verifier of each circuit is entered in its table and the orchestrator gets
 * its role; else both are left to the admin.
 *
 * A crash half-way leaves contracts that nothing names; the next run deploys a whole set again.
 *
 * @throws AffiantError ERR_INPUT_FILE if the contracts are not compiled, ERR_CONFLICT_CHAIN if `previous` is of another
 *   chain, ERR_INPUT_KEY_* if a circuit's key may not be used there, ERR_UNAVAILABLE_CHAIN if a transaction is not mined
 *   as it should be
 */
export async function deployContracts(signer: Signer, options: DeployOptions = {}): Promise<Deployment> {
  const provider = signer.provider;
  if (!provider) throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the deployer's account is not connected to a chain");
  if (options.previous && (await deploymentOnChain(provider, options.previous)) === "present") return options.previous;

  const artifacts = await readArtifacts(
    [
      "AccessManager",
      "VerifierRegistry",
      "AgentRegistry",
      "PolicyRegistry",
      "ContractRegistry",
      "AttestationReader",
      "AttestationRegistry",
      "KeyEscrow",
      "LogAnchor",
      "ERC1967Proxy",
      ...Object.values(verifierContracts),
    ],
    options.artifactsDir,
  );
  const { chainId } = await provider.getNetwork();
  await assertKeysAllowed(chainId, artifacts, options.circuitKeysDir);
  const deployer = await Deployer.open(signer, artifacts);
  const admin = options.admin ?? (await signer.getAddress());

  // Three waves, because each later contract looks at the earlier ones while it is being initialised.
  const accessManager = deployer.send("AccessManager", [admin]);
  const verifierRegistry = deployer.send("VerifierRegistry", [accessManager.address]);
  const logAnchor = deployer.send("LogAnchor", []);
  const agentImplementation = deployer.send("AgentRegistry", []);
  const policyImplementation = deployer.send("PolicyRegistry", []);
  const contractImplementation = deployer.send("ContractRegistry", []);
  const attestationReader = deployer.send("AttestationReader", []);
  const attestationImplementation = deployer.send("AttestationRegistry", [attestationReader.address]);
  const escrowImplementation = deployer.send("KeyEscrow", []);
  const keyOwnershipVerifier = deployer.send(verifierContracts["key-ownership"], []);
  const firstWave = [accessManager, verifierRegistry, logAnchor, agentImplementation, policyImplementation];
  const attestation = [attestationReader, attestationImplementation, escrowImplementation];
  await Promise.all(
    [...firstWave, contractImplementation, keyOwnershipVerifier, ...attestation].map((sent) => sent.mined),
  );
  const agentRegistry = deployer.sendProxy("AgentRegistry", agentImplementation.address, [
    accessManager.address,
    verifierRegistry.address,
  ]);
  await agentRegistry.mined;
  const policyRegistry = deployer.sendProxy("PolicyRegistry", policyImplementation.address, [
    accessManager.address,
    agentRegistry.address,
  ]);
  const contractRegistry = deployer.sendProxy("ContractRegistry", contractImplementation.address, [
    accessManager.address,
    agentRegistry.address,
  ]);
  const attestationRegistry = deployer.sendProxy("AttestationRegistry", attestationImplementation.address, [
    accessManager.address,
    agentRegistry.address,
  ]);

  const keyEscrow = deployer.sendProxy("KeyEscrow", escrowImplementation.address, [
    accessManager.address,
    attestationRegistry.address,
    agentRegistry.address,
  ]);

  const registries = { agentRegistry, policyRegistry, contractRegistry, attestationRegistry, keyEscrow };
  const sent = { accessManager, verifierRegistry, ...registries, logAnchor };
  const contracts: Partial<Record<DeployedContractName, DeployedContract>> = {};
  for (const name of deployedContractNames) {
    const contract = await sent[name].mined;
    contracts[name] = contract;
    options.onDeployed?.(name, contract);
  }
  if (admin === (await signer.getAddress())) {
    await enterVerifier(signer, verifierRegistry.address, "key-ownership", keyOwnershipVerifier.address);
    await appointOrchestrator(
      signer,
      { contracts: contracts as Deployment["contracts"] },
      options.orchestrator ?? admin,
    );
  }
  return { chainId: Number(chainId), contracts: contracts as Record<DeployedContractName, DeployedContract> };
}

interface Sent {
  /** Known before it is mined: an account and its nonce decide it. */
  readonly address: string;
  readonly mined: Promise<DeployedContract>;
}

/** Sends creations one nonce after the other without waiting between them. */
class Deployer {
  readonly #signer: Signer;
  readonly #from: string;
  readonly #artifacts: ReadonlyMap<string, Artifact>;
  #nonce: number;
  /** Settles when the last creation was handed to the node: some nodes refuse a nonce that comes before its turn. */
  #handedOver: Promise<unknown> = Promise.resolve();

  private constructor(signer: Signer, from: string, nonce: number, artifacts: ReadonlyMap<string, Artifact>) {
    this.#signer = signer;
    this.#from = from;
    this.#nonce = nonce;
    this.#artifacts = artifacts;
  }

  static async open(signer: Signer, artifacts: ReadonlyMap<string, Artifact>): Promise<Deployer> {
    return new Deployer(signer, await signer.getAddress(), await signer.getNonce("pending"), artifacts);
  }

  send(name: string, args: readonly unknown[]): Sent {
    const { abi, bytecode } = this.#artifact(name);
    const nonce = this.#nonce++;
    const mined = this.#create(name, abi, bytecode, args, nonce);
    // Somebody awaits it later; until then a failure must not count as unhandled.
    mined.catch(() => undefined);
    return { address: getCreateAddress({ from: this.#from, nonce }), mined };
  }

  /** An ERC-1967 proxy that is initialised in the transaction that creates it: there is no moment to seize it. */
  sendProxy(name: string, implementation: string, args: readonly unknown[]): Sent {
    const call = new Interface(this.#artifact(name).abi).encodeFunctionData("initialize", args);
    return this.send("ERC1967Proxy", [implementation, call]);
  }

  async #create(name: string, abi: InterfaceAbi, bytecode: string, args: readonly unknown[], nonce: number) {
    try {
      const contract = await this.#inTurn(() =>
        new ContractFactory(abi, bytecode, this.#signer).deploy(...args, { nonce }),
      );
      const receipt = await contract.deploymentTransaction()?.wait();
      if (!receipt?.contractAddress) throw new Error("the transaction was mined without creating a contract");
      const code = (await this.#signer.provider?.getCode(receipt.contractAddress)) ?? "0x";
      return {
        address: receipt.contractAddress,
        blockNumber: receipt.blockNumber,
        codeHash: keccak256(code) as Hex,
      };
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the contract ${name} could not be deployed`, { cause });
    }
  }

  #inTurn<Result>(handOver: () => Promise<Result>): Promise<Result> {
    const turn = this.#handedOver.then(handOver);
    this.#handedOver = turn.catch(() => undefined);
    return turn;
  }

  #artifact(name: string): Artifact {
    const artifact = this.#artifacts.get(name);
    if (!artifact) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", `no artifact was read for ${name}`);
    return artifact;
  }
}
