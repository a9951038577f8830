import { Interface } from "ethers";

import type { Deployment } from "../../protocol/deployment.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";
import type { RelayerConfig } from "../config.ts";
import { type ContractReader, readContract } from "./contracts.ts";
import { HeadTracker } from "./head.ts";
import { Registries } from "./registries.ts";
import { connectRpc, type Rpc } from "./rpc.ts";

/** The chain as this relayer sees it. */
export interface Chain {
  readonly rpc: Rpc;
  readonly heads: HeadTracker;
  readonly agents: ContractReader;
  readonly policies: ContractReader;
  readonly scopedContracts: ContractReader;
  readonly keyEscrow: ContractReader;
  readonly accessManager: ContractReader;
  readonly attestation: ContractReader;
  readonly logAnchor: ContractReader;
  readonly registries: Registries;
  /** Of all contracts, to put names to what they revert with. */
  readonly abis: readonly Interface[];
}

/** Of OpenZeppelin's AccessManager. */
const accessManagerAbi = [
  "function canCall(address caller, address target, bytes4 selector) view returns (bool immediate, uint32 delay)",
];

/** How long "this agent is active" is believed without asking again. */
const activeForMs = 5_000;

export function connectChain(config: RelayerConfig, { chainId, contracts }: Deployment): Chain {
  const rpc = connectRpc(config.rpcUrls, chainId, Date.now, config.rpcBatchLimit);
  const heads = new HeadTracker(rpc);
  const agents = readContract(rpc, contracts.agentRegistry.address, new Interface(agentRegistryAbi));
  const policies = readContract(rpc, contracts.policyRegistry.address, new Interface(policyRegistryAbi));
  const scopedContracts = readContract(rpc, contracts.contractRegistry.address, new Interface(contractRegistryAbi));
  const keyEscrow = readContract(rpc, contracts.keyEscrow.address, new Interface(keyEscrowAbi));
  const accessManager = readContract(rpc, contracts.accessManager.address, new Interface(accessManagerAbi));
  const attestation = readContract(rpc, contracts.attestationRegistry.address, new Interface(iAttestationRegistryAbi));
  const logAnchor = readContract(rpc, contracts.logAnchor.address, new Interface(logAnchorAbi));
  const registries = new Registries(agents, policies, heads, {
    chainId,
    maxBlockAge: config.maxBlockAge,
    activeForMs,
    now: Date.now,
  });
  const abis = [agents, policies, scopedContracts, keyEscrow, attestation, logAnchor].map(({ abi }) => abi);
  const registriesAndLog = { agents, policies, scopedContracts, keyEscrow, accessManager, attestation, logAnchor };
  return { rpc, heads, ...registriesAndLog, registries, abis };
}
