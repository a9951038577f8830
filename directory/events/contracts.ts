import type { Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { attestationRegistryAbi } from "../../protocol/generated/abi/AttestationRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { governanceManagerAbi } from "../../protocol/generated/abi/GovernanceManager.ts";
import { iAttestationEventsAbi } from "../../protocol/generated/abi/IAttestationEvents.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";
import { verifierRegistryAbi } from "../../protocol/generated/abi/VerifierRegistry.ts";
import type { AbiInput } from "./abiReader.ts";
import { identityEvents, reputationEvents } from "./erc8004.ts";

/** What is read of an ABI here. */
export interface AbiItem {
  readonly type: string;
  readonly name?: string;
  readonly inputs?: readonly AbiInput[];
  readonly anonymous?: boolean;
}

/** A contract that is followed. */
export interface FollowedContract {
  readonly name: string;
  readonly address: Hex;
  /** Nothing of it is older. */
  readonly fromBlock: number;
  readonly abi: readonly AbiItem[];
}

/** ERC-8004 registries of a chain: the same addresses on every public one (README of `erc-8004/erc-8004-contracts`). */
export interface Erc8004Contracts {
  readonly identity: string;
  readonly reputation?: string;
  readonly fromBlock: number;
}

const abis = {
  accessManager: governanceManagerAbi,
  verifierRegistry: verifierRegistryAbi,
  agentRegistry: agentRegistryAbi,
  policyRegistry: policyRegistryAbi,
  contractRegistry: contractRegistryAbi,
  // Enrolments and openings are emitted by a second code behind the same address.
  attestationRegistry: [...attestationRegistryAbi, ...iAttestationEventsAbi],
  keyEscrow: keyEscrowAbi,
  logAnchor: logAnchorAbi,
} as const satisfies Record<keyof Deployment["contracts"], readonly unknown[]>;

/** The contracts of a deployment, and the ERC-8004 registries where they are named. */
export function followedContracts(deployment: Deployment, erc8004?: Erc8004Contracts): readonly FollowedContract[] {
  const ours = Object.entries(deployment.contracts).map(([name, { address, blockNumber }]) => ({
    name,
    address: address.toLowerCase() as Hex,
    fromBlock: blockNumber,
    abi: abis[name as keyof typeof abis] as readonly AbiItem[],
  }));
  if (!erc8004) return ours;
  const { identity, reputation, fromBlock } = erc8004;
  const named = (name: string, address: string | undefined, abi: readonly AbiItem[]) =>
    address === undefined ? [] : [{ name, address: address.toLowerCase() as Hex, fromBlock, abi }];
  return [
    ...ours,
    ...named("erc8004Identity", identity, identityEvents),
    ...named("erc8004Reputation", reputation, reputationEvents),
  ];
}
