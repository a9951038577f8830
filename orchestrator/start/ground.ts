import { existsSync } from "node:fs";

import { Contract } from "ethers";

import { ChainProvider } from "../../agent/chain/chainProvider.ts";
import { createAgentKeys, openAgentKeys } from "../../agent/keys/keystore.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { openLocalAccounts } from "../chain/accounts.ts";
import { statePathIn } from "../chain/localChain.ts";
import { appointAttestationService } from "../deploy/attestationService.ts";
import { deployContracts } from "../deploy/deployContracts.ts";
import { readDeploymentFile, writeDeploymentFile } from "../deploy/deploymentFile.ts";
import type { Pipeline } from "../descriptor/pipeline.ts";
import type { ReadyLine } from "../process/childProcess.ts";
import type { Supervisor } from "../process/supervisor.ts";
import { orchestratorName } from "../self/orchestratorAgent.ts";
import type { Layout } from "./layout.ts";
import { attestationProgram, chainProgram, localChainId, relayerProgram } from "./programs.ts";
import type { Progress } from "./progress.ts";
import { leaveSecret } from "./secretFile.ts";

export interface GroundPorts {
  readonly relayer: number;
  readonly rpc: number;
  readonly attestation: number;
}

/** What agents stand on. */
export interface LaidGround {
  readonly rpcUrl: string;
  readonly relayerUrl: string;
  readonly attestationUrl: string;
  readonly deployment: Deployment;
}

/** Phase one, deployment: chain, contracts, relayer, attestation service, and the roles of the last two of those who act. */
export class Ground {
  readonly #pipeline: Pipeline;
  readonly #layout: Layout;
  readonly #ports: GroundPorts;
  readonly #supervisor: Supervisor;
  readonly #progress: Progress;

  constructor(pipeline: Pipeline, layout: Layout, ports: GroundPorts, supervisor: Supervisor, progress: Progress) {
    this.#pipeline = pipeline;
    this.#layout = layout;
    this.#ports = ports;
    this.#supervisor = supervisor;
    this.#progress = progress;
  }

  async lay(): Promise<LaidGround> {
    const orchestrator = await this.#orchestratorAccount();
    const rpcUrl = await this.#startChain(orchestrator);
    const provider = new ChainProvider({ url: rpcUrl, chainId: localChainId, pollingInterval: 100 });
    try {
      const deployer = openLocalAccounts(this.#layout.mnemonic).deployer.connect(provider);
      const deployment = await this.#deploy(deployer, orchestrator);
      const [relayerUrl, attestationUrl] = await this.#startServices(deployer, deployment, rpcUrl);
      return { rpcUrl, relayerUrl, attestationUrl, deployment };
    } finally {
      provider.destroy();
    }
  }

  /** The orchestrator's identity is there before the chain is: it gets ether and its role with the contracts. */
  async #orchestratorAccount(): Promise<string> {
    const { dataDir } = this.#layout;
    await createAgentKeys({ dataDir, name: orchestratorName, chainId: localChainId }).catch((error: unknown) => {
      if (!isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) throw error;
    });
    return (await openAgentKeys(dataDir, orchestratorName)).account.address;
  }

  async #startChain(orchestrator: string): Promise<string> {
    const known = existsSync(statePathIn(this.#layout.chainDir));
    this.#progress.begin(known ? "Taking up the local chain" : "Making a local chain");
    const accounts = openLocalAccounts(this.#layout.mnemonic);
    leaveSecret(this.#layout.senderKey, accounts.relayer.privateKey);
    const funded = [accounts.deployer.address, accounts.relayer.address, orchestrator];
    const ready = await this.#supervisor.start(chainProgram(this.#layout, this.#ports.rpc, funded));
    const where = `chain id ${localChainId}, ${ready.url}`;
    this.#progress.done(
      known ? `Local chain taken up at block ${blockOf(ready)} (${where})` : `Local chain made (${where})`,
    );
    return ready.url ?? "";
  }

  async #deploy(deployer: Deployer, orchestrator: string): Promise<Deployment> {
    this.#progress.begin("Putting the contracts on the chain");
    const previous = await readDeploymentFile(this.#layout.deployment);
    const deployment = await deployContracts(deployer, {
      previous,
      holders: { orchestrator },
      onSent: (count) => this.#progress.update(`transaction ${count}`),
    });
    if (deployment !== previous) await writeDeploymentFile(this.#layout.deployment, deployment);
    await this.#checkTrust(deployer, deployment);
    const count = Object.keys(deployment.contracts).length;
    this.#progress.done(
      deployment === previous ? `${count} contracts found on the chain` : `${count} contracts deployed`,
    );
    return deployment;
  }

  /** How long a verification counts is governed, with a delay; a descriptor that counts on another length is refused. */
  async #checkTrust(deployer: Deployer, { contracts }: Deployment): Promise<void> {
    const registry = new Contract(contracts.attestationRegistry.address, iAttestationRegistryAbi, deployer);
    const { trustLength } = (await registry.getFunction("schedule").staticCall()) as { trustLength: bigint };
    const { trustBlocks } = this.#pipeline.attestation;
    if (BigInt(trustBlocks) === trustLength) return;
    const found = `${this.#pipeline.file}: attestation.trustBlocks is ${trustBlocks}, and on this chain it is ${trustLength}`;
    throw new AffiantError("ERR_INPUT_PIPELINE", found, {
      hint: "Say what the chain says, or have its governance change the schedule of the AttestationRegistry first",
    });
  }

  /** Beside one another: where each listens is known before it does. */
  async #startServices(deployer: Deployer, deployment: Deployment, rpcUrl: string): Promise<[string, string]> {
    this.#progress.begin("Starting the relayer and the attestation service");
    const { relayer, attestation } = this.#ports;
    const relayerUrl = `http://127.0.0.1:${relayer}`;
    const { name } = this.#pipeline;
    const { roundBlocks } = this.#pipeline.attestation;
    const [, service] = await Promise.all([
      this.#supervisor.start(relayerProgram(this.#layout, relayer, rpcUrl, `localhost/${name}`)),
      this.#supervisor.start(attestationProgram(this.#layout, attestation, rpcUrl, relayerUrl, roundBlocks)),
    ]);
    await appointAttestationService(deployer, deployment, String(service["account"]));
    this.#progress.done(`Relayer (${relayerUrl}) and attestation service (${service.url}) are up`);
    return [relayerUrl, service.url ?? ""];
  }
}

type Deployer = Parameters<typeof deployContracts>[0];

function blockOf(ready: ReadyLine): string {
  return String(ready["blockNumber"]);
}
