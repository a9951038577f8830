/** The small world of the auditor's tests, behind an endpoint: what its chain remembers, as the contracts would say it. */
import { AbiCoder, id, toBeHex } from "ethers";

import type { AttestationAt, GroupEpoch } from "../../../auditor/chain/chainReader.ts";
import { assuranceTiers, attestationStatuses } from "../../../protocol/attestation/types.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../../protocol/generated/abi/ContractRegistry.ts";
import { iAttestationReaderAbi } from "../../../protocol/generated/abi/IAttestationReader.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { logAnchorAbi } from "../../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { blockHashOf, type ChainState, contracts, operatorAddress, seed } from "../../auditor/world.ts";
import type { Answer, ChainScript, ScriptedContract, ScriptedEvent } from "./scriptedChain.ts";

export const keyEscrow: Hex = toHex(seed("KeyEscrow").slice(0, 20));

/** What the world's chain remembers of attestation and of groups' keys, beside the rest. */
export interface WiderState extends ChainState {
  readonly attestations?: (agent: Hex, blockNumber: number) => Partial<AttestationAt> | undefined;
  readonly epochs?: Readonly<Record<number, GroupEpoch>>;
  /** Sizes at which the operators took the log over. */
  readonly handovers?: readonly number[];
  /** Contracts that are not there. */
  readonly absent?: readonly Hex[];
}

export function scriptOf(state: WiderState): ChainScript {
  const all: Record<Hex, ScriptedContract> = {
    [contracts.agentRegistry]: { abi: agentRegistryAbi, functions: agentRegistry(state) },
    [contracts.policyRegistry]: { abi: policyRegistryAbi, functions: policyRegistry(state) },
    [contracts.contractRegistry]: { abi: contractRegistryAbi, functions: contractRegistry(state) },
    [contracts.attestationRegistry]: {
      abi: [...iAttestationReaderAbi, "function agentRegistry() view returns (address)"],
      functions: attestationRegistry(state),
    },
    [contracts.logAnchor]: { abi: logAnchorAbi, functions: logAnchor(state) },
    [keyEscrow]: { abi: keyEscrowAbi, functions: escrow(state) },
  };
  for (const address of state.absent ?? []) delete all[address];
  return { chainId: state.chainId, head: state.head, blockHash: blockHashOf, contracts: all, events: anchored(state) };
}

type Functions = ScriptedContract["functions"];

function agentRegistry({ keys }: WiderState): Functions {
  return {
    isActive: ([agent]: [string]) => [keys.some((own) => own.agent === agent.toLowerCase())],
    signingKeyValidAt: ([agent, key, block]: [string, string, bigint]) => [
      keys.some(
        (own) =>
          own.agent === agent.toLowerCase() &&
          own.key === key &&
          own.addedAtBlock <= block &&
          block < (own.revokedAtBlock ?? Infinity),
      ),
    ],
  };
}

function policyRegistry({ agentRegistry: believed, policies }: WiderState): Functions {
  return {
    agentRegistry: () => [believed],
    inForce: ([agent, block]: [string, bigint]) => {
      const own = policies.filter((version) => version.agent === agent.toLowerCase());
      const at = own.findLastIndex((version) => version.block <= block);
      const found = own[at];
      return found ? [found.policyHash, at + 1, found.block] : [toBeHex(0, 32), 0, 0];
    },
  };
}

function contractRegistry({ revocations = [] }: WiderState): Functions {
  return {
    agentRegistry: () => [contracts.agentRegistry],
    revokedAtBlock: ([agent, contractId]: [string, string]) => {
      const found = revocations.find((own) => own.agent === agent.toLowerCase() && own.contractId === contractId);
      return [found?.block ?? 0];
    },
  };
}

function attestationRegistry({ attestations }: WiderState): Functions {
  const standing = (agent: string, block: number) => {
    const found = attestations?.(agent.toLowerCase() as Hex, block);
    const { status = "none", tier = "software", version = 0, sinceBlock = 0, expiresAtBlock = 0 } = found ?? {};
    return {
      status: attestationStatuses.indexOf(status),
      tier: assuranceTiers.indexOf(tier),
      version,
      sinceBlock,
      expiresAtBlock,
    };
  };
  return {
    agentRegistry: () => [contracts.agentRegistry],
    statusAt: ([agent, block]: [string, bigint]) => [standing(agent, Number(block))],
    // Of kind "passed", in block 10.
    records: () => [[(4n << 24n) | (2n << 32n) | (10n << 40n)]],
  };
}

function logAnchor({ logs, anchors, handovers }: WiderState): Functions {
  const known = (logId: string, answer: (log: (typeof logs)[Hex]) => Answer): Answer => {
    const log = logs[logId as Hex];
    return log ? answer(log) : { revert: "UnknownLog", args: [logId] };
  };
  return {
    logOf: ([logId]: [string]) =>
      known(logId, ({ operators, noteKeys, origin }) => [operators.at(-1), noteKeys.at(-1), origin, 3]),
    operatorsOf: ([logId]: [string]) => known(logId, ({ operators }) => [operators]),
    noteKeysOf: ([logId]: [string]) => known(logId, ({ noteKeys }) => [noteKeys]),
    handoverSizesOf: ([logId]: [string]) => known(logId, ({ operators }) => [handovers ?? operators.map(() => 0)]),
    equivocationAt: () => [{ smallerSigner: operatorAddress, smallerSize: 3, largerSize: 3, blockNumber: 12 }],
    equivocationCount: ([logId]: [string]) => known(logId, ({ equivocationCount }) => [equivocationCount]),
    anchorAt: ([logId, index]: [string, bigint]) => {
      const own = anchors[logId as Hex] ?? [];
      const found = own[Number(index)];
      return found
        ? [found.size, found.root, found.blockNumber]
        : { revert: "UnknownAnchor", args: [index, own.length] };
    },
    firstAnchorCovering: ([logId, leaf]: [string, bigint]) => {
      const own = anchors[logId as Hex] ?? [];
      const at = own.findIndex(({ size }) => size > leaf);
      return at < 0 ? { revert: "NoAnchorCovers", args: [leaf, own.at(-1)?.size ?? 0] } : [at];
    },
  };
}

function escrow({ epochs = {} }: WiderState): Functions {
  const known = (epoch: bigint, answer: (found: GroupEpoch) => Answer): Answer => {
    const found = epochs[Number(epoch)];
    return found ? answer(found) : { revert: "NoSuchEpoch", args: [toBeHex(0, 32), epoch] };
  };
  const [any] = Object.values(epochs);
  return {
    epochOf: ([, epoch]: [string, bigint]) =>
      known(epoch, ({ keyCommitment, publishedAtBlock }) => [{ keyCommitment, publishedAtBlock }]),
    membersOfEpoch: ([, epoch]: [string, bigint]) => known(epoch, ({ holders }) => [holders]),
    groupOf: () => [toBeHex(7, 32), any?.graceBlocks ?? 0],
    attestationRegistry: () => [contracts.attestationRegistry],
  };
}

/** The event of each anchor. */
function anchored({ anchors, advances = {} }: WiderState): ScriptedEvent[] {
  return [anchors, advances].flatMap((all) =>
    Object.entries(all).flatMap(([logId, own]) =>
      own.map(({ size, root, blockNumber }) => ({
        address: contracts.logAnchor,
        blockNumber,
        topics: [anchoredTopic, logId],
        data: AbiCoder.defaultAbiCoder().encode(["uint64", "bytes32", "uint64"], [size, root, 0]),
      })),
    ),
  );
}

const anchoredTopic = id("Anchored(bytes32,uint64,bytes32,uint64)");
